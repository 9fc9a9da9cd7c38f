"""Can people read the columns, and machines the JSON?"""

import json

import pytest

from headgate.cli.output import Output, aligned, problem_text, shown
from headgate.core.problems import Detail, Problem, ProblemType


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    text = aligned(["name", "n"], [["long name", "7"], ["b", "1,234"]])
    assert text.splitlines() == ["NAME           N", "long name      7", "b          1,234"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (1234567, "1,234,567"),
        (0.25, "0.2"),
        (["a", "b"], "a, b"),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_a_value_in_a_cell(value: object, text: str) -> None:
    assert shown(value) == text


def test_machines_get_the_items_whole(capsys: pytest.CaptureFixture[str]) -> None:
    Output(is_json=True).table([{"a": 1, "hidden": 2}], {"A": "a"}, empty="None.")
    assert json.loads(capsys.readouterr().out) == {"items": [{"a": 1, "hidden": 2}]}


def test_machines_get_an_empty_list_rather_than_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output(is_json=True).table([], {"A": "a"}, empty="None.")
    captured = capsys.readouterr()
    assert (json.loads(captured.out), captured.err) == ({"items": []}, "")


def test_of_very_many_mistakes_the_first_are_shown_and_the_rest_counted() -> None:
    errors = [Detail("is wrong", f"/{n}") for n in range(100)]
    text = problem_text(Problem(ProblemType.INVALID_DOCUMENT, "Many.", "Mend them.", errors))
    assert "/24: is wrong" in text
    assert "/25" not in text
    assert "75 more" in text
    assert text.endswith("next:  Mend them.")
