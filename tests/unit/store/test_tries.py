"""Tries of people are counted in the store: for a while, once, and only so many."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from allauth.account import app_settings
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction

from headgate.core.clock import FixedClock
from headgate.store import tries
from headgate.store.models import Try
from headgate.store.services.housekeeping import tidy
from headgate.store.tries import SharedLimit, Tries
from headgate.web.accounts.limits import FAILED_SECONDS
from tests.support.store import AT

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
def counted(store: object, clock: FixedClock) -> Tries:
    found = Tries("", {})
    found._clock = clock
    return found


def test_sign_in_limits_are_kept_here(store: object) -> None:
    cache.set("somebody", [1.5], 60)
    assert Try.objects.count() == 1


def test_what_is_counted_is_remembered_until_its_end(counted: Tries, clock: FixedClock) -> None:
    counted.set("ip:192.0.2.1", [1.5, 2.5], 60)
    assert counted.get("ip:192.0.2.1") == [1.5, 2.5]
    assert counted.get("ip:192.0.2.2", []) == []
    clock.set(AT + timedelta(seconds=60))
    assert counted.get("ip:192.0.2.1") is None


def test_a_lock_is_taken_by_one_until_it_is_given_back_or_ends(
    counted: Tries, clock: FixedClock
) -> None:
    assert counted.add("lock", True, 10)
    assert not counted.add("lock", True, 10)
    assert counted.delete("lock")
    assert counted.add("lock", True, 10)
    clock.set(AT + timedelta(seconds=10))
    assert counted.add("lock", True, 10)


def test_nobody_can_read_who_has_tried(counted: Tries) -> None:
    counted.set("ip:192.0.2.1", [], 60)
    assert "192.0.2.1" not in Try.objects.get().name


def test_the_job_forgets_what_has_ended_and_nothing_else(counted: Tries) -> None:
    counted.set("old", 1, 60)
    counted.set("new", 1, 120)
    assert tidy(AT + timedelta(seconds=59)).tries == 0
    assert tidy(AT + timedelta(seconds=60)).tries == 1
    assert counted.get("new") == 1


def test_a_flood_forgets_what_ends_soonest(counted: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "TRIES_MAX", 2)
    for number in range(5):
        counted.set(f"{number}", number, 60 + number)
    assert tries.forget(AT) == 3
    assert [counted.get(f"{number}") for number in range(5)] == [None, None, None, 3, 4]


def test_a_process_looks_after_the_number_itself(
    counted: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "TRIES_MAX", 2)
    monkeypatch.setattr(tries, "LOOKED_EACH", 1)
    for number in range(5):
        counted.add(f"{number}", number, 60 + number)
    assert Try.objects.count() == 2


def test_a_minutes_tries_may_be_made_at_once_and_then_one_after_another(store: object) -> None:
    limit = SharedLimit("pages", 6)
    assert [limit.take("ada", AT) for _ in range(7)] == [True] * 6 + [False]
    later = AT + timedelta(seconds=10)
    assert [limit.take("ada", later) for _ in range(2)] == [True, False]
    assert [SharedLimit("pages", 6).take("ada", later), limit.take("bob", later)] == [False, True]
    assert SharedLimit("other", 6).take("ada", later)
    rested = AT + timedelta(minutes=5)
    assert [limit.take("ada", rested) for _ in range(7)] == [True] * 6 + [False]


def test_what_a_limit_counts_is_nameless_and_forgotten_when_it_is_over(store: object) -> None:
    SharedLimit("pages", 6).take("192.0.2.1", AT)
    assert "192.0.2.1" not in Try.objects.get().name
    assert tidy(AT + timedelta(seconds=9)).tries == 0
    assert tidy(AT + timedelta(seconds=10)).tries == 1


def test_a_database_that_takes_nothing_lets_nobody_try(store: object) -> None:
    with pytest.raises(DatabaseError, match=r"read-?only"), _nothing_taken():
        SharedLimit("pages", 6).take("ada", AT)


@contextmanager
def _nothing_taken() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET TRANSACTION READ ONLY")  # until the savepoint is rolled back
            yield
            return
        cursor.execute("PRAGMA query_only = ON")
        try:
            yield
        finally:
            cursor.execute("PRAGMA query_only = OFF")


def test_no_limit_lasts_longer_than_people_are_told_to_wait() -> None:
    rates = [rate for text in settings.ACCOUNT_RATE_LIMITS.values() for rate in text.split(",")]
    seconds = [_seconds(rate.split("/")[1]) for rate in rates]
    assert max(seconds) == FAILED_SECONDS
    assert settings.ACCOUNT_RATE_LIMITS.items() <= app_settings.RATE_LIMITS.items()


def _seconds(text: str) -> int:
    return int(text[:-1] or 1) * UNITS[text[-1]]
