"""Does every problem have a status, a next step and the members that RFC 9457 asks for?"""

from headgate.core.problems import STATUS, Detail, Problem, ProblemType


def test_every_kind_of_problem_has_a_status() -> None:
    assert set(STATUS) == set(ProblemType)
    assert all(400 <= status <= 599 for status in STATUS.values())


def test_a_problem_as_json_names_its_places_and_the_next_step() -> None:
    problem = Problem(
        ProblemType.INVALID_DOCUMENT,
        "Two mistakes.",
        "Mend them.",
        [Detail("no", "/a", 3), Detail("x")],
    )
    body = problem.as_json()
    assert body["status"] == 422
    assert body["type"] == "urn:headgate:problem:invalid-document"
    assert body["next_step"] == "Mend them."
    assert body["errors"] == [
        {"message": "no", "pointer": "/a", "line": 3},
        {"message": "x", "pointer": ""},
    ]


def test_a_problem_without_places_has_no_empty_list() -> None:
    assert "errors" not in Problem(ProblemType.NOT_FOUND, "Gone.", "Look elsewhere.").as_json()
