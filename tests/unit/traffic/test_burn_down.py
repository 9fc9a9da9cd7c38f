"""The end is projected where callers leave, and nowhere else."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.traffic.burn_down import AHEAD_DAYS_MAX, Outlook, project

LAST = date(2026, 11, 20)


def test_a_steady_decline_ends_where_its_line_does() -> None:
    found = project([100 - 2 * day for day in range(40)], LAST)
    assert found.outlook is Outlook.PROJECTED
    assert found.zero_on is not None
    assert abs((found.zero_on - LAST).days - 14) <= 3  # seven days' mean lags by three
    assert found.per_week == -14
    assert found.fit == 1.0


def test_weekends_are_no_decline_and_do_not_hide_one() -> None:
    week = [100, 100, 100, 100, 100, 20, 10]
    assert project(week * 4, LAST).outlook is Outlook.NOT_FALLING
    falling = [number * (1 - day / 60) for day, number in enumerate(week * 6)]
    found = project(falling, LAST)
    assert found.outlook is Outlook.PROJECTED
    assert found.zero_on is not None
    assert abs((found.zero_on - LAST).days - 18) <= 5


def test_one_odd_day_does_not_turn_it() -> None:
    daily: list[float] = [100 - 2 * day for day in range(40)]
    daily[30] = 400
    assert project(daily, LAST).outlook is Outlook.PROJECTED


def test_a_week_without_calls_is_the_end() -> None:
    assert project([5, 3, 0, 0, 0, 0, 0, 0, 0], LAST).outlook is Outlook.REACHED


@pytest.mark.parametrize("daily", [[], [5], [9, 8, 7, 6, 5, 4], list(range(13, 0, -1))])
def test_less_than_two_weeks_say_nothing(daily: list[int]) -> None:
    found = project(daily, LAST)
    assert (found.outlook, found.zero_on) == (Outlook.TOO_EARLY, None)


@pytest.mark.parametrize("daily", [[50] * 30, list(range(1, 40)), [100, 99] * 15])
def test_who_does_not_leave_has_no_end(daily: list[int]) -> None:
    found = project(daily, LAST)
    assert (found.outlook, found.zero_on) == (Outlook.NOT_FALLING, None)


def test_an_end_in_years_is_not_named() -> None:
    found = project([10_000 - 40 * day for day in range(30)], LAST)
    assert found.outlook is Outlook.NOT_FALLING or found.zero_on is not None
    slow = project([1000 - 5 * day if day > 0 else 1000 for day in range(28)], LAST)
    assert slow.outlook is Outlook.PROJECTED
    slower = project([1000 - 1.2 * 2 * day for day in range(60)], LAST)
    assert slower.outlook in {Outlook.TOO_FAR, Outlook.NOT_FALLING}
    assert slower.zero_on is None


@given(st.lists(st.integers(0, 10**9), max_size=90))
def test_whatever_the_numbers_a_projection_lies_ahead_within_a_year(daily: list[int]) -> None:
    found = project(daily, LAST)
    assert (found.zero_on is not None) == (found.outlook is Outlook.PROJECTED)
    if found.zero_on is not None:
        assert LAST < found.zero_on <= LAST + timedelta(days=AHEAD_DAYS_MAX)
    assert found.fit is None or 0 <= found.fit <= 1
