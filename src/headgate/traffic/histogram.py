"""How long did requests take? A log-bucket histogram that merges by addition.

Bucket i holds (γ^(i-1), γ^i] microseconds, bucket 0 everything up to 1. A value reported from
the middle of its bucket is off by at most (γ-1)/(γ+1), just under 1 %.

Source: DDSketch (Masson, Rim, Lee 2019).
"""

import math
from collections.abc import Iterable, Mapping

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


def merged(histograms: Iterable[Histogram]) -> dict[int, int]:
    """The histogram of all values together."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for index, number in histogram.items():
            total[index] = total.get(index, 0) + number
    return total


def percentile_us(histogram: Histogram, ratio: float) -> float | None:
    """The smallest value that at least `ratio` (0 to 1) of all values do not exceed.

    None when there are no values. Source: nearest-rank percentile.
    """
    total = sum(histogram.values())
    if not total:
        return None
    rank = max(1, math.ceil(ratio * total))
    seen = 0
    for index in sorted(histogram):
        seen += histogram[index]
        if seen >= rank:
            return middle_us(index)
    raise AssertionError("a rank is never above the total")


def encoded(histogram: Histogram) -> bytes:
    """The histogram as bytes: gap to the last bucket and count, each as a LEB128 number."""
    out = bytearray()
    last = 0
    for index in sorted(histogram):
        _put(out, index - last)
        _put(out, histogram[index])
        last = index
    return bytes(out)


def decoded(text: bytes | memoryview) -> dict[int, int]:
    """The reverse of `encoded`.

    Raises:
        ValueError: the bytes end within a number.
    """
    numbers: list[int] = []
    number = shift = 0
    for byte in bytes(text):
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    if shift or len(numbers) % 2:
        raise ValueError("the histogram is cut off")
    found: dict[int, int] = {}
    index = 0
    for gap, count in zip(numbers[::2], numbers[1::2], strict=True):
        index += gap
        found[index] = count
    return found


def _put(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
