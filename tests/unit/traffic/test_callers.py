"""Sums per consumer and day become a list of callers, their days, and how they leave."""

from datetime import UTC, date, datetime

from headgate.traffic.burn_down import Outlook
from headgate.traffic.callers import EPOCH, CallerDay, burn_down, called

FIRST = date(2026, 11, 1)
LAST = date(2026, 11, 4)


def day(text: date) -> int:
    return (text - EPOCH).days


def row(application: str, at: date, calls: int) -> CallerDay:
    began = datetime(at.year, at.month, at.day, 12, tzinfo=UTC)
    organization = "org" if application else ""
    return organization, application, day(at), calls, round(began.timestamp() * 1_000_000)


def test_callers_stand_by_their_calls_with_a_number_for_each_day() -> None:
    rows = [row("a", FIRST, 2), row("b", FIRST, 1), row("b", LAST, 4), row("", LAST, 3)]
    found = called(rows, FIRST, LAST)
    assert [(one.application, one.calls, one.daily) for one in found.callers] == [
        ("b", 5, (1, 0, 0, 4)),
        ("", 3, (0, 0, 0, 3)),
        ("a", 2, (2, 0, 0, 0)),
    ]
    assert found.calls == 10
    assert found.calls_daily == (3, 0, 0, 7)
    assert found.callers_daily == (2, 0, 0, 2)
    assert found.callers[0].last_call_at == datetime(2026, 11, 4, 12, tzinfo=UTC)
    assert found.last_call_at == datetime(2026, 11, 4, 12, tzinfo=UTC)


def test_other_days_are_left_out_and_nobody_is_nobody() -> None:
    found = called([row("a", date(2026, 10, 31), 2), row("a", date(2026, 11, 5), 2)], FIRST, LAST)
    assert (found.callers, found.calls, found.last_call_at) == ((), 0, None)
    assert found.calls_daily == (0, 0, 0, 0)


def test_the_burn_down_begins_with_the_deprecation_and_leaves_today_out() -> None:
    rows = [row("a", FIRST, 9), row("a", date(2026, 11, 2), 5), row("a", LAST, 1)]
    calls = {FIRST: 9, date(2026, 11, 2): 5, LAST: 1}
    leaving = burn_down(called(rows, FIRST, LAST), calls, date(2026, 11, 2))
    assert (leaving.since, leaving.callers_since) == (date(2026, 11, 2), date(2026, 11, 2))
    assert leaving.calls_daily == (5, 0)
    assert leaving.callers_daily == (1, 0)
    assert leaving.calls.outlook is Outlook.TOO_EARLY


def test_calls_go_back_further_than_callers_are_known() -> None:
    before = date(2026, 10, 30)
    leaving = burn_down(called([row("a", FIRST, 9)], FIRST, LAST), {before: 4, FIRST: 9}, before)
    assert (leaving.since, leaving.calls_daily) == (before, (4, 0, 9, 0, 0))
    assert (leaving.callers_since, leaving.callers_daily) == (FIRST, (1, 0, 0))


def test_a_deprecation_of_today_has_no_whole_day() -> None:
    leaving = burn_down(called([row("a", LAST, 9)], LAST, LAST), {LAST: 9}, LAST)
    assert leaving.calls_daily == leaving.callers_daily == ()
    assert leaving.callers.outlook is Outlook.TOO_EARLY
