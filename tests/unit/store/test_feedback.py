"""Feedback is taken from everybody, counts once, and keeps no trace of strangers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.store.models import AuditEntry, Event, Feedback
from headgate.store.services import housekeeping
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import feedback
from headgate.store.services.consumers import organizations
from tests.support.store import AT, everything_stored

ADDRESS = "203.0.113.77"


@pytest.fixture
def stranger(store: object) -> Actor:
    return Actor("visitor", frozenset(), AT, address=ADDRESS)


def give(
    actor: Actor, page: str = "/apis/pets", *, is_helpful: bool = True, text: str = ""
) -> Feedback:
    return feedback.give(actor, None, page=page, title="Pets", is_helpful=is_helpful, text=text)


def test_an_answer_is_kept_with_an_event_and_without_the_address(
    stranger: Actor, admin: Actor
) -> None:
    row = give(stranger, is_helpful=False, text=" more examples ")
    assert feedback.visible(admin).get() == row
    assert (row.is_helpful, row.text) == (False, "more examples")
    event = Event.objects.get(kind="feedback.given")
    assert event.organization is None
    assert event.data == {"feedback": row.id, "page": "/apis/pets", "is_helpful": False}
    assert ADDRESS not in everything_stored()


def test_a_second_answer_on_a_page_takes_the_place_of_the_first(stranger: Actor) -> None:
    first = give(stranger)
    again = give(stranger, is_helpful=False)
    assert (again.pk, Feedback.objects.count()) == (first.pk, 1)
    give(stranger, "/apis/shop")
    give(replace(stranger, address="203.0.113.78"))
    assert Feedback.objects.count() == 3
    assert Event.objects.filter(kind="feedback.given").count() == 3


def test_one_reader_cannot_fill_the_list(stranger: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "OF_ONE_GIVER_MAX", 2)
    give(stranger, "/1")
    give(stranger, "/2")
    with pytest.raises(Problem) as caught:
        give(stranger, "/3")
    assert caught.value.type is ProblemType.TOO_MANY
    give(replace(stranger, at=AT + timedelta(days=1, seconds=1)), "/3")


def test_who_gave_it_is_forgotten_after_a_day(stranger: Actor) -> None:
    give(stranger)
    housekeeping.tidy(AT + timedelta(hours=23))
    assert Feedback.objects.get().giver
    housekeeping.tidy(AT + timedelta(hours=25))
    assert Feedback.objects.get().giver == ""


def test_beyond_its_limit_what_is_done_goes_first_and_then_the_oldest(
    stranger: Actor, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "FEEDBACK_MAX", 2)
    give(stranger, "/1")
    feedback.settle(admin, give(stranger, "/2").id)
    give(stranger, "/3")
    assert list(Feedback.objects.values_list("page", flat=True)) == ["/1", "/3"]
    give(stranger, "/4")
    assert list(Feedback.objects.values_list("page", flat=True)) == ["/3", "/4"]


def test_it_is_marked_as_done_and_opened_again_by_those_who_may(
    stranger: Actor, admin: Actor
) -> None:
    row = give(stranger)
    feedback.settle(admin, row.id)
    feedback.settle(admin, row.id)
    assert feedback.find(admin, row.id).done_by == "administrator"
    feedback.settle(admin, row.id, is_done=False)
    assert feedback.find(admin, row.id).done_at is None
    assert AuditEntry.objects.filter(action="feedback.settled").count() == 2
    reader = Actor("reader", frozenset({Scope.READ}), AT)
    with pytest.raises(Problem) as caught:
        feedback.settle(reader, row.id)
    assert caught.value.type is ProblemType.FORBIDDEN


def test_it_is_listed_newest_first_by_state_word_and_page(stranger: Actor, admin: Actor) -> None:
    given = [give(stranger, f"/{n}", is_helpful=n > 1).id for n in range(3)]
    feedback.settle(admin, given[0])

    def ids(**asked: object) -> list[str]:
        return [row.id for row in feedback.page(admin, **asked).items]  # type: ignore[arg-type]  # by name

    assert ids() == given[::-1]
    assert ids(is_done=True) == given[:1]
    assert ids(is_done=False, is_helpful=False) == given[1:2]
    assert ids(about="/2") == given[2:]
    first = feedback.page(admin, limit=2)
    assert [row.id for row in feedback.page(admin, limit=2, cursor=first.next).items] == given[:1]


def test_an_organization_reads_none_of_it(stranger: Actor, admin: Actor) -> None:
    row = give(stranger)
    organizations.create(admin, name="acme")
    acme = Actor("acme", frozenset({Scope.READ, Scope.WRITE}), AT, organization="acme")
    for act in (
        lambda: feedback.page(acme),
        lambda: feedback.find(acme, row.id),
        lambda: feedback.settle(acme, row.id),
    ):
        with pytest.raises(Problem) as caught:
            act()
        assert caught.value.type is ProblemType.NOT_FOUND


def test_a_text_that_is_too_long_is_refused(stranger: Actor) -> None:
    with pytest.raises(Problem) as caught:
        give(stranger, text="x" * 2001)
    assert caught.value.type is ProblemType.INVALID_INPUT
