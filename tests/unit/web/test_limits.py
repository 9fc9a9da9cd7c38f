"""How often may somebody try, and does a crowd of strangers fill the memory?"""

from datetime import UTC, datetime, timedelta

from headgate.core.clock import FixedClock
from headgate.web.oauth.limits import Limit

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_a_subject_has_a_minutes_tries_at_once_and_then_one_after_another() -> None:
    clock = FixedClock(AT)
    limit = Limit(6, clock)
    assert [limit.take("a") for _ in range(7)] == [True] * 6 + [False]
    assert limit.wait_seconds("a") == 10.0
    clock.set(AT + timedelta(seconds=10))
    assert [limit.take("a"), limit.take("a")] == [True, False]
    clock.set(AT + timedelta(minutes=5))
    assert [limit.take("a") for _ in range(7)] == [True] * 6 + [False]


def test_one_subjects_tries_are_not_anothers() -> None:
    limit = Limit(1, FixedClock(AT))
    assert limit.take("a")
    assert not limit.take("a")
    assert limit.take("b")


def test_looking_costs_no_try() -> None:
    limit = Limit(1, FixedClock(AT))
    assert [limit.wait_seconds("a") for _ in range(3)] == [0.0] * 3
    assert limit.take("a")


def test_a_crowd_pushes_out_who_was_heard_of_longest_ago_and_is_counted() -> None:
    clock = FixedClock(AT)
    limit = Limit(1, clock, subjects_max=2)
    for name in ("a", "b", "c"):
        assert limit.take(name)
    assert limit.forgotten == 1
    assert limit.take("a")
    assert not limit.take("c")
    clock.set(AT + timedelta(minutes=5))
    limit.take("d")
    assert limit.forgotten == 2
