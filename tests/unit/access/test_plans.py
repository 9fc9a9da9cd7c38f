"""A limit keeps its slot through edits, so that nobody gets what they have used back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.access.plans import assign_slots, limits_error
from headgate.model.limits import LIMITS_PER_PLAN_MAX, Limit, LimitKind, Window

RATE = Limit(LimitKind.RATE, 10, Window.SECOND)
QUOTA = Limit(LimitKind.QUOTA, 1000, Window.MONTH)
DAILY = Limit(LimitKind.QUOTA, 100, Window.DAY)
ALL = [
    *(Limit(LimitKind.RATE, 5, w) for w in Window if w is not Window.MONTH),
    *(Limit(LimitKind.QUOTA, 5, w) for w in Window if w is not Window.SECOND),
]


def test_new_limits_take_slots_in_order() -> None:
    assert assign_slots((), [RATE, QUOTA]) == (RATE, QUOTA)


def test_a_limit_in_shadow_keeps_its_slot_and_one_of_another_month_does_not() -> None:
    assert assign_slots((RATE, QUOTA), [replace(QUOTA, is_shadow=True)])[1] is not None
    assert assign_slots((RATE, QUOTA), [replace(QUOTA, anchor_day=15)])[1] is None


def test_two_limits_of_calls_at_one_time_are_refused() -> None:
    with pytest.raises(ValueError, match="two concurrent limits;"):
        assign_slots((), [Limit(LimitKind.CONCURRENT, 5), Limit(LimitKind.CONCURRENT, 6)])


def test_an_edited_limit_keeps_its_slot() -> None:
    more = Limit(LimitKind.QUOTA, 5000, Window.MONTH)
    assert assign_slots((RATE, QUOTA), [more, RATE]) == (RATE, more)


def test_a_removed_limit_leaves_its_slot_empty_for_the_others_to_stay() -> None:
    assert assign_slots((RATE, QUOTA), [QUOTA]) == (None, QUOTA)


def test_a_new_limit_prefers_a_slot_that_was_never_used() -> None:
    assert assign_slots((RATE, QUOTA), [QUOTA, DAILY]) == (None, QUOTA, DAILY)


def test_two_limits_of_one_kind_and_window_are_refused() -> None:
    with pytest.raises(ValueError, match="two rate limits per second"):
        assign_slots((), [RATE, Limit(LimitKind.RATE, 20, Window.SECOND)])


def test_a_rate_and_a_quota_of_one_window_are_two_limits() -> None:
    daily_rate = Limit(LimitKind.RATE, 5, Window.DAY)
    assert limits_error([DAILY, daily_rate]) is None


def test_more_limits_than_slots_are_refused() -> None:
    assert len(ALL) == LIMITS_PER_PLAN_MAX  # every kind with every window that it has
    assert limits_error(ALL) is None
    assert limits_error([*ALL, RATE]) is not None


@given(st.lists(st.lists(st.sampled_from(ALL), unique=True), min_size=1, max_size=6))
def test_any_series_of_edits_keeps_limits_and_slots(edits: list[list[Limit]]) -> None:
    slots: tuple[Limit | None, ...] = ()
    for limits in edits:
        before, slots = slots, assign_slots(slots, limits)
        assert sorted(map(str, filter(None, slots))) == sorted(map(str, limits))
        for n, limit in enumerate(before):
            if limit in limits:
                assert slots[n] == limit
