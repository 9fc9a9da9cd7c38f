"""Does a quota's forecast say when it is used up, and nothing where nothing can be said?"""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headgate.access.forecast import Forecast, forecast

START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)


def at(day: float, used: int, amount: int = 1_000) -> Forecast:
    now = START + timedelta(days=day)
    return forecast(used=used, amount=amount, starts_at=START, ends_at=END, now=now)


def test_an_even_pace_is_drawn_on() -> None:
    found = at(10, 500)
    assert found.used_up_at == START + timedelta(days=20)
    assert found.expected == 1_500


def test_what_lasts_has_no_end() -> None:
    assert at(10, 300) == Forecast(is_known=True, expected=900, used_up_at=None)


def test_exactly_enough_lasts() -> None:
    assert at(15, 500).used_up_at is None


def test_what_is_used_up_is_so_now() -> None:
    assert at(10, 1_000).used_up_at == START + timedelta(days=10)


def test_the_first_hours_and_a_few_calls_say_nothing() -> None:
    assert not at(0.1, 500).is_known
    assert not at(10, 3).is_known
    assert not at(0, 0).is_known


@given(st.floats(0, 30), st.integers(0, 10**9), st.integers(1, 2**32 - 1))
def test_the_end_lies_between_now_and_the_windows_end(day: float, used: int, amount: int) -> None:
    now = START + timedelta(days=day)
    found = at(day, used, amount)
    assert found.expected >= used
    if found.used_up_at is not None:
        assert now - timedelta(seconds=1) <= found.used_up_at <= END + timedelta(seconds=1)
