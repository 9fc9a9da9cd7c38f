"""Log-bucket histograms merge by addition and are right within one percent."""

import math

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.traffic.histogram import (
    BUCKET_MAX,
    BUCKET_SQL,
    bucket,
    decoded,
    encoded,
    merged,
    middle_us,
    percentiles_us,
)

HISTOGRAM = st.dictionaries(
    st.integers(0, BUCKET_MAX), st.one_of(st.integers(1, 200), st.integers(1, 2**50)), max_size=60
)
DURATIONS = st.lists(st.integers(1, 10**10), min_size=1, max_size=300)


def histogram_of(values: list[int]) -> dict[int, int]:
    return merged({bucket(value): 1} for value in values)


@given(DURATIONS, st.floats(0.5, 0.99))
def test_a_percentile_is_within_one_percent_of_the_exact_one(
    values: list[int], ratio: float
) -> None:
    exact = sorted(values)[max(1, math.ceil(ratio * len(values))) - 1]
    (found,) = percentiles_us(histogram_of(values), [ratio])
    assert found is not None
    assert abs(found - exact) <= 0.01 * exact


@given(DURATIONS, DURATIONS)
def test_merging_is_the_histogram_of_all_values(left: list[int], right: list[int]) -> None:
    together = merged((histogram_of(left), histogram_of(right)))
    assert together == histogram_of(left + right)


@given(HISTOGRAM)
def test_the_bytes_of_a_histogram_give_it_back(histogram: dict[int, int]) -> None:
    assert decoded(encoded(histogram)) == histogram


@given(HISTOGRAM.filter(bool), st.integers(1, 3))
def test_bytes_that_are_cut_off_are_never_taken_for_the_whole(
    histogram: dict[int, int], missing: int
) -> None:
    text = encoded(histogram)[:-missing]
    if not text:
        return
    try:
        found = decoded(text)
    except ValueError:
        return
    assert found != histogram


def test_no_values_have_no_percentile() -> None:
    assert percentiles_us({}, (0.5, 0.9)) == [None, None]
    assert encoded({}) == b""
    assert decoded(b"") == {}


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
