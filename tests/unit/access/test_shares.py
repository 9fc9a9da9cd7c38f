"""Parts of a shared quota never add up to more than the quota."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.access.shares import (
    RATES_SHRINK_AFTER,
    Part,
    RateNodes,
    counted,
    divided,
    divisor_for,
    is_final,
    slice_of,
    told,
)
from headgate.model.leases import DIVISOR_ALL, DIVISOR_NOTHING
from headgate.model.limits import Window, window_index, window_start


@given(st.integers(1, 2**32 - 1), st.integers(2, 1000))
def test_divided_parts_leave_half_to_be_leased(amount: int, nodes: int) -> None:
    divisor = divisor_for(nodes, 0)
    assert nodes * divided(amount, divisor) <= amount / 2


def test_alone_a_node_has_everything_and_before_it_is_told_nothing() -> None:
    assert divisor_for(1, 0) == DIVISOR_ALL
    assert divided(10, DIVISOR_ALL) == 10
    assert divided(10, DIVISOR_NOTHING) == 0


def test_a_divisor_never_becomes_smaller() -> None:
    assert divisor_for(1, 6) == divisor_for(2, 6) == 6
    assert divisor_for(4, 6) == 8


@given(st.integers(1, 10_000), st.lists(st.integers(0, 3_000), max_size=5))
def test_a_slice_is_never_more_than_what_is_free(amount: int, granted: list[int]) -> None:
    more = slice_of(amount, [Part(one, is_live=True, is_spent=False) for one in granted])
    assert more >= 0
    if more:
        assert sum(granted) + more <= amount
    else:
        assert sum(granted) >= amount


def test_a_new_node_gets_its_part_once_the_others_have_made_room() -> None:
    assert told(4, DIVISOR_NOTHING, [DIVISOR_ALL]) == DIVISOR_NOTHING
    assert told(6, DIVISOR_NOTHING, [4, 6]) == DIVISOR_NOTHING
    assert told(6, DIVISOR_NOTHING, [6, DIVISOR_NOTHING]) == 6
    assert told(6, 4, [4, DIVISOR_NOTHING]) == 6  # making room waits for nobody
    assert told(DIVISOR_ALL, DIVISOR_NOTHING, []) == DIVISOR_ALL


def test_a_quota_is_used_up_when_nothing_can_be_recalled() -> None:
    spent = Part(5, is_live=True, is_spent=True)
    gone = Part(5, is_live=False, is_spent=False)
    assert is_final([spent, gone, Part(0, is_live=True, is_spent=False)])
    assert not is_final([spent, Part(1, is_live=True, is_spent=False)])


@given(
    st.sampled_from([Window.MINUTE, Window.HOUR, Window.DAY, Window.MONTH]),
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)),  # given UTC below
)
def test_windows_follow_each_other_without_a_gap(window: Window, at: datetime) -> None:
    at = at.replace(tzinfo=UTC)
    index = window_index(window, at)
    assert window_start(window, index) <= at < window_start(window, index + 1)
    assert window_index(window, window_start(window, index + 1)) == index + 1
    assert window_index(window, window_start(window, index) - timedelta(microseconds=1)) < index


@pytest.mark.parametrize(
    ("day", "months"),
    [(datetime(1970, 3, 1, tzinfo=UTC), 1970 * 12), (datetime(2027, 1, 31, tzinfo=UTC), 24322)],
)
def test_months_are_counted_as_the_filter_counts_them(day: datetime, months: int) -> None:
    assert window_index(Window.MONTH, day) == months


AT = datetime(2027, 1, 1, tzinfo=UTC)


@given(st.integers(1, 100), st.integers(0, 100))
def test_more_nodes_divide_rates_at_once_and_fewer_only_after_a_while(had: int, live: int) -> None:
    found = counted(RateNodes(had), live, AT)
    if live >= had:
        assert found == RateNodes(live)
        return
    assert counted(RateNodes(1), live, AT).nodes == max(1, live)
    if had == 1:
        return
    assert found == RateNodes(had, AT + RATES_SHRINK_AFTER)
    second = timedelta(seconds=1)
    assert counted(found, live, AT + RATES_SHRINK_AFTER - second) == found
    assert counted(found, live, AT + RATES_SHRINK_AFTER) == RateNodes(max(1, live))
    assert counted(found, had, AT + RATES_SHRINK_AFTER) == RateNodes(had)


def test_a_minute_in_which_nobody_looked_does_not_count() -> None:
    waiting = counted(RateNodes(3), 2, AT)
    later = AT + 10 * RATES_SHRINK_AFTER
    assert counted(waiting, 2, later) == RateNodes(3, later + RATES_SHRINK_AFTER)
