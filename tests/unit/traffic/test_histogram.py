"""Log-bucket histograms merge by addition and are right within one percent."""

import math
from collections import Counter

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.traffic.histogram import (
    BUCKET_SQL,
    bucket,
    middle_us,
    percentiles_us,
)

DURATIONS = st.lists(st.integers(1, 10**10), min_size=1, max_size=300)


def histogram_of(values: list[int]) -> dict[int, int]:
    return dict(Counter(bucket(value) for value in values))


@given(DURATIONS, st.floats(0.5, 0.99))
def test_a_percentile_is_within_one_percent_of_the_exact_one(
    values: list[int], ratio: float
) -> None:
    exact = sorted(values)[max(1, math.ceil(ratio * len(values))) - 1]
    (found,) = percentiles_us(histogram_of(values), [ratio])
    assert found is not None
    assert abs(found - exact) <= 0.01 * exact


def test_no_values_have_no_percentile() -> None:
    assert percentiles_us({}, (0.5, 0.9)) == [None, None]


@pytest.mark.parametrize("value", [0, 1])
def test_the_shortest_times_are_in_the_first_bucket(value: int) -> None:
    assert bucket(value) == 0
    assert middle_us(0) == 1.0


def test_duckdb_puts_every_value_into_the_same_bucket() -> None:
    values = [0, 1, 2, 3, 50, 51, *(int(1.7**n) for n in range(1, 70)), 2**62]
    rows = duckdb.execute(
        f"SELECT duration_us, {BUCKET_SQL} FROM (SELECT unnest(?::BIGINT[]) AS duration_us)",
        [values],
    ).fetchall()
    assert rows == [(value, bucket(value)) for value in values]
