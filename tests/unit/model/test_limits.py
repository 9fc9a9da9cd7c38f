"""Are limits read as written, and can no impossible one be built?"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.limits import (
    AMOUNT_MAX,
    ANCHOR_DAY_MAX,
    CONCURRENT_MAX,
    Limit,
    LimitKind,
    Window,
    parse_limit,
)


def test_a_rate_lets_its_amount_pass_at_once_unless_told_otherwise() -> None:
    assert parse_limit(LimitKind.RATE, "10/second") == Limit(LimitKind.RATE, 10, Window.SECOND, 10)
    assert parse_limit(LimitKind.RATE, "10/s+50").burst == 50


def test_a_rate_that_nodes_share_says_so_and_another_does_not() -> None:
    assert parse_limit(LimitKind.RATE, "10/second shared").is_shared
    assert str(parse_limit(LimitKind.RATE, "10/s+50 shared")) == "10/second+50 shared"
    assert not parse_limit(LimitKind.RATE, "10/second shadow").is_shared


def test_a_quota_counts_a_calendar_window() -> None:
    assert parse_limit(LimitKind.QUOTA, "1,000/month") == Limit(LimitKind.QUOTA, 1000, Window.MONTH)


def test_a_month_may_begin_on_another_day() -> None:
    monthly = parse_limit(LimitKind.QUOTA, "1000/month@15")
    assert monthly.anchor_day == 15
    assert str(monthly) == "1000/month@15"
    for at, begins in (
        (datetime(2027, 3, 14, 23, 59, tzinfo=UTC), datetime(2027, 2, 15, tzinfo=UTC)),
        (datetime(2027, 3, 15, tzinfo=UTC), datetime(2027, 3, 15, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC)),
    ):
        assert monthly.window_start(monthly.window_index(at)) == begins


@given(st.integers(1, ANCHOR_DAY_MAX), st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)))
def test_every_instant_is_in_the_window_that_has_begun_and_not_ended(
    day: int, at: datetime
) -> None:
    monthly = Limit(LimitKind.QUOTA, 1, Window.MONTH, anchor_day=day)
    at = at.replace(tzinfo=UTC)
    index = monthly.window_index(at)
    assert monthly.window_start(index) <= at < monthly.window_start(index + 1)
    assert monthly.window_start(index).day == day


def test_calls_at_one_time_are_a_number() -> None:
    assert parse_limit(LimitKind.CONCURRENT, "5") == Limit(LimitKind.CONCURRENT, 5)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (LimitKind.RATE, "10/second+50 shadow"),
        (LimitKind.QUOTA, "1000/month@15 shadow"),
        (LimitKind.CONCURRENT, "5 shadow"),
        (LimitKind.RATE, "10/second+50 shared shadow"),
    ],
)
def test_a_limit_in_shadow_says_so_and_the_same_in_force_does_not(
    kind: LimitKind, text: str
) -> None:
    limit = parse_limit(kind, text)
    assert limit.is_shadow
    assert str(limit) == text
    assert not parse_limit(kind, text.removesuffix(" shadow")).is_shadow


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (LimitKind.QUOTA, "10/month shared"),
        (LimitKind.CONCURRENT, "5 shared"),
        (LimitKind.RATE, "10/second shadow shared"),
        (LimitKind.QUOTA, "10/month@29"),
        (LimitKind.QUOTA, "10/month@0"),
        (LimitKind.QUOTA, "10/day@2"),
        (LimitKind.RATE, "10/second@2"),
        (LimitKind.CONCURRENT, "5/second"),
        (LimitKind.CONCURRENT, "0"),
        (LimitKind.CONCURRENT, str(CONCURRENT_MAX + 1)),
        (LimitKind.RATE, "10/second shadows"),
        (LimitKind.RATE, "10/month"),
        (LimitKind.QUOTA, "10/second"),
        (LimitKind.QUOTA, "10/day+5"),
        (LimitKind.RATE, "0/second"),
        (LimitKind.RATE, f"{AMOUNT_MAX + 1}/second"),
        (LimitKind.RATE, "ten/second"),
        (LimitKind.RATE, ""),
    ],
)
def test_an_impossible_limit_is_refused(kind: LimitKind, text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|quota|amount|concurrent"):
        parse_limit(kind, text)


@given(
    st.integers(1, AMOUNT_MAX),
    st.sampled_from([Window.SECOND, Window.MINUTE, Window.HOUR, Window.DAY]),
    st.integers(1, 10_000),
)
def test_a_rate_reads_back_as_it_prints(amount: int, window: Window, burst: int) -> None:
    limit = Limit(LimitKind.RATE, amount, window, burst)
    assert parse_limit(LimitKind.RATE, str(limit)) == limit or limit.burst == limit.amount
