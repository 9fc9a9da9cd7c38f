"""A change that cannot be stored says whose it is to fix, and leaves nothing behind."""

import pytest
from django.db import connection
from django.db.utils import OperationalError

from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.store import events
from headgate.store.models import Organization
from headgate.store.services import feed
from headgate.store.services.actor import Actor
from headgate.store.services.transactions import change
from tests.support.store import AT


@change()
def fail(error: Exception) -> None:
    """Take numbers, announce, write a row, and fail."""
    feed.next_sequence(5)
    events.announce(events.Topic.ACCESS)
    insert("1")
    raise error


def insert(name: str) -> None:
    """An organization, without looking whether there is one."""
    Organization.objects.create(id=f"org_{name:0>12}", created_at=AT, name="acme")


def test_the_same_thing_made_twice_at_one_moment_is_a_conflict(admin: Actor) -> None:
    with change():
        insert("1")
    with pytest.raises(Problem) as caught, change():
        insert("2")
    assert caught.value.type is ProblemType.CONFLICT
    assert Organization.objects.count() == 1


def test_a_database_that_fails_is_somebody_elses_to_fix(admin: Actor) -> None:
    with pytest.raises(DependencyError, match="disk is full") as caught:
        fail(OperationalError("database or disk is full"))
    assert caught.value.is_retryable
    assert not Organization.objects.exists()


def test_a_problem_takes_the_whole_change_back(admin: Actor) -> None:
    before = feed.last_sequence()
    with pytest.raises(Problem):
        fail(Problem(ProblemType.CONFLICT, "no", ""))
    assert feed.last_sequence() == before
    assert not Organization.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_waiters_are_woken_by_a_commit_and_not_by_a_change_that_failed() -> None:
    def rung(topic: events.Topic) -> int:
        return events._bell.rung(frozenset({topic}))

    access, snapshot = rung(events.Topic.ACCESS), rung(events.Topic.SNAPSHOT)
    with pytest.raises(Problem):
        fail(Problem(ProblemType.CONFLICT, "no", ""))
    assert rung(events.Topic.ACCESS) == access
    with change():
        events.announce(events.Topic.ACCESS)
        assert rung(events.Topic.ACCESS) == access
    assert rung(events.Topic.ACCESS) == access + 1
    assert rung(events.Topic.SNAPSHOT) == snapshot
    connection.close()
