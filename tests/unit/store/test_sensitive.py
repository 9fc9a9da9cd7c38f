"""Does a mark hold at once, in every version, and through whatever happens to revisions?"""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.sensitive import SensitiveMark as Value
from headgate.store.models import API
from headgate.store.services.actor import Actor, Scope, implied
from headgate.store.services.catalog import apis, imports
from headgate.store.services.configuration import desired_state
from headgate.store.services.consumers import sensitive, sensitive_marks
from headgate.store.services.gateway import publishing, rollbacks
from tests.support.store import AT, DOCUMENT, import_api, source

OWNER = "ann@example.com"


@pytest.fixture(autouse=True)
def pets(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")


def mark(admin: Actor, operation: str = "") -> str:
    made = sensitive.mark(admin, api="pets", operation=operation, owner=OWNER, why="Names")
    return made.id


def sent(node: Actor) -> tuple[Value, ...]:
    """The marks that a node gets with what is live."""
    found = publishing.snapshot_delta(node, after=0)
    assert found is not None
    return found.marks


def test_a_mark_is_a_new_revision_and_travels_beside_it(admin: Actor, node: Actor) -> None:
    assert sent(node) == ()
    mark(admin, "getPet")
    news = publishing.snapshot_delta(node, after=1)
    assert news is not None
    assert (news.base, news.revision, news.changed) == (1, 2, ())
    (value,) = news.marks
    assert (value.api, value.operation, value.method, value.path) == (
        "pets",
        "getPet",
        "GET",
        "/pets/{id}",
    )


def test_no_rollback_and_no_import_takes_a_mark_away(admin: Actor, node: Actor) -> None:
    mark(admin, "getPet")
    rollbacks.rollback(admin, "default", revision=1)
    assert len(sent(node)) == 1
    renamed = (
        DOCUMENT.replace("getPet", "readPet")
        .replace("{id}", "{pet}")
        .replace("name: id", "name: pet")
    )
    imports.reimport(admin, "pets", source=source(renamed))
    api = API.objects.get()
    found = sensitive_marks.of_operation(api, "readPet", "GET", "/pets/{pet}")
    assert found is not None
    assert sensitive_marks.of_name(api, "readPet") == found
    assert sensitive_marks.of_operation(api, "listPets", "GET", "/pets") is None


def test_a_place_is_marked_once_and_opened_again(admin: Actor, node: Actor) -> None:
    made = mark(admin)
    with pytest.raises(Problem) as caught:
        mark(admin)
    assert caught.value.type is ProblemType.ALREADY_EXISTS
    sensitive.unmark(admin, made)
    assert sent(node) == ()
    mark(admin)
    apis_before = sent(node)
    publishing.unpublish(admin, "pets")
    apis.delete(admin, "pets")
    assert len(apis_before) == 1
    assert sensitive_marks.current() == ()


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"owner": "nobody"}, "/owner"),
        ({"why": " "}, "/why"),
        ({"days_max": 0}, "/days_max"),
        ({"days_max": 100_000}, "/days_max"),
    ],
)
def test_what_a_mark_cannot_say_is_refused(
    admin: Actor, given: dict[str, object], pointer: str
) -> None:
    with pytest.raises(Problem) as caught:
        sensitive.mark(admin, **({"api": "pets", "owner": OWNER, "why": "x"} | given))  # type: ignore[arg-type]  # wrong on purpose
    assert [error.pointer for error in caught.value.errors] == [pointer]
    with pytest.raises(Problem) as caught:
        sensitive.mark(admin, api="pets", operation="nothing", owner=OWNER, why="x")
    assert caught.value.type is ProblemType.NOT_FOUND


def test_marks_are_for_operators_with_the_right(admin: Actor) -> None:
    made = mark(admin)
    reader = Actor("r", implied([Scope.READ]), AT)
    assert sensitive.find(reader, made).owner == OWNER
    with pytest.raises(Problem) as caught:
        sensitive.unmark(reader, made)
    assert caught.value.type is ProblemType.FORBIDDEN
    acme = Actor("a", implied([Scope.WRITE]), AT, organization="acme")
    with pytest.raises(Problem) as caught:
        sensitive.find(acme, made)
    assert caught.value.type is ProblemType.NOT_FOUND


def test_marks_are_configuration_and_a_second_apply_changes_nothing(admin: Actor) -> None:
    mark(admin)
    mark(admin, "getPet")
    documents = desired_state.export(admin)
    (api,) = [one for one in documents if one["kind"] == "api"]
    assert [item["operation"] for item in api["sensitive"]] == ["", "getPet"]
    assert desired_state.apply(admin, documents) == []
    api["sensitive"] = [api["sensitive"][1] | {"days_max": 7}]
    (change,) = desired_state.apply(admin, documents)
    assert change.fields == ("sensitive",)
    (left,) = sensitive_marks.live()
    assert (left.operation, left.days_max) == ("getPet", 7)
    assert desired_state.apply(admin, documents) == []
