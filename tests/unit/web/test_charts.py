"""Does a chart stay within its picture, stand on its base, and say the same as its table?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.problems import Bug
from headgate.web.site.charts import BARS_MAX, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, bars, nice
from headgate.web.site.charts import steps as steps_of

AT = datetime(2026, 11, 27, 12, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAMES = ("good", "bad")


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=BARS_MAX))
def test_every_bar_stands_within_the_picture(numbers: list[tuple[int, int]]) -> None:
    chart = bars("calls", NAMES, [(AT + HOUR * n, pair) for n, pair in enumerate(numbers)])
    for bar in chart.bars:
        assert bar.x >= LEFT
        assert bar.x + bar.width <= WIDTH - RIGHT + 0.1
        assert bar.y >= TOP - 1
        assert bar.y + bar.height <= HEIGHT - BOTTOM + 1
    assert [numbers for _, numbers in chart.rows] == numbers


def test_parts_of_a_bar_stand_on_each_other() -> None:
    low, high = bars("calls", NAMES, [(AT, (3, 1))]).bars
    assert low.y + low.height == HEIGHT - BOTTOM
    assert abs(high.y + high.height - low.y) < 0.1
    assert abs(low.height - 3 * high.height) < 0.1
    assert (low.series, high.series) == (1, 2)


def test_nothing_is_drawn_of_nothing() -> None:
    assert bars("calls", NAMES, [(AT, (0, 0))]).bars == ()
    assert bars("calls", NAMES, []).bars == ()


@pytest.mark.parametrize(
    ("most", "end"), [(0, 4), (4, 4), (5, 8), (21, 40), (99, 200), (801, 2000)]
)
def test_an_axis_ends_at_a_round_number(most: int, end: int) -> None:
    assert nice(most) == end


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(Bug, match="at most"):
        bars("calls", NAMES, [(AT, (1, 1))] * (BARS_MAX + 1))
    with pytest.raises(Bug, match="one number"):
        bars("calls", NAMES, [(AT, (1,))])


def test_steps_begin_at_round_times_and_hold_everything() -> None:
    found = steps_of(AT - 3 * HOUR, AT, HOUR)
    assert [at.hour for at in found] == [9, 10, 11, 12]
    assert found[0] <= AT - 3 * HOUR
    assert found[-1] <= AT < found[-1] + HOUR
