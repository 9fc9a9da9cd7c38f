"""How long did requests take? A log-bucket histogram that merges by addition.

Bucket i holds (γ^(i-1), γ^i] microseconds, bucket 0 everything up to 1. A value reported from
the middle of its bucket is off by at most (γ-1)/(γ+1), just under 1 %.

Source: DDSketch (Masson, Rim, Lee 2019).
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate

GAMMA = 1.02
BUCKET_MAX = 2048  # γ^2048 µs are twelve thousand years
_LOG_GAMMA = math.log(GAMMA)

BUCKET_SQL = (
    f"CAST(least(ceil(ln(greatest(duration_us, 1)) / {_LOG_GAMMA!r}), {BUCKET_MAX}) AS USMALLINT)"
)
"""The bucket of a record, in DuckDB; the same as `bucket`."""

Histogram = Mapping[int, int]
"""Requests by bucket; buckets without any are left out."""


def bucket(duration_us: int) -> int:
    """The bucket that holds a duration."""
    return min(math.ceil(math.log(max(duration_us, 1)) / _LOG_GAMMA), BUCKET_MAX)


def middle_us(index: int) -> float:
    """The value that stands for a bucket: no value in it is further away than 1 %."""
    return GAMMA**index * 2 / (1 + GAMMA) if index else 1.0


def percentiles_us(histogram: Histogram, ratios: Sequence[float]) -> list[float | None]:
    """For each of the rising `ratios` (0 to 1): the smallest value that so many do not exceed.

    None when there are no values. Source: nearest-rank percentile.
    """
    total = sum(histogram.values())
    if not total:
        return [None for _ in ratios]
    indexes = sorted(histogram)
    seen = list(accumulate(histogram[index] for index in indexes))
    ranks = (max(1, math.ceil(ratio * total)) for ratio in ratios)
    return [middle_us(indexes[bisect_left(seen, rank)]) for rank in ranks]
