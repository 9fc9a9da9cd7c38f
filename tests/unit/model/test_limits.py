"""Are limits read as written, and can no impossible one be built?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.limits import AMOUNT_MAX, Limit, LimitKind, Window, parse_limit


def test_a_rate_lets_its_amount_pass_at_once_unless_told_otherwise() -> None:
    assert parse_limit(LimitKind.RATE, "10/second") == Limit(LimitKind.RATE, 10, Window.SECOND, 10)
    assert parse_limit(LimitKind.RATE, "10/s+50").burst == 50


def test_a_quota_counts_a_calendar_window() -> None:
    assert parse_limit(LimitKind.QUOTA, "1,000/month") == Limit(LimitKind.QUOTA, 1000, Window.MONTH)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
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
    with pytest.raises(ValueError, match=r"rate|quota|amount"):
        parse_limit(kind, text)


@given(
    st.integers(1, AMOUNT_MAX),
    st.sampled_from([Window.SECOND, Window.MINUTE, Window.HOUR, Window.DAY]),
    st.integers(1, 10_000),
)
def test_a_rate_reads_back_as_it_prints(amount: int, window: Window, burst: int) -> None:
    limit = Limit(LimitKind.RATE, amount, window, burst)
    assert parse_limit(LimitKind.RATE, str(limit)) == limit or limit.burst == limit.amount
