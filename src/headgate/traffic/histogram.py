"""How long did requests take? A log-bucket histogram that merges by addition.

Bucket i holds (γ^(i-1), γ^i] microseconds, bucket 0 everything up to 1. A value reported from
the middle of its bucket is off by at most (γ-1)/(γ+1), just under 1 %.

Source: DDSketch (Masson, Rim, Lee 2019).
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

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


def encoded(histogram: Histogram) -> bytes:
    """The histogram as bytes: the first bucket in two, then counts and gaps in turn, as LEB128.

    Most numbers are below 128 and take one byte: such histograms are made without a loop.
    """
    if not histogram:
        return b""
    indexes = sorted(histogram)
    numbers = [0] * (2 * len(indexes) - 1)
    numbers[0::2] = [histogram[index] for index in indexes]
    numbers[1::2] = [after - index for index, after in pairwise(indexes)]
    first = indexes[0].to_bytes(2, "big")
    return first + (bytes(numbers) if max(numbers) < 128 else _leb128(numbers))


def decoded(text: bytes | memoryview) -> dict[int, int]:
    """The reverse of `encoded`.

    Raises:
        ValueError: the bytes end within a number, or before a count.
    """
    body = bytes(text[2:])
    if not len(text):
        return {}
    numbers: Sequence[int] = body if max(body, default=128) < 128 else _numbers(body)
    if len(numbers) % 2 == 0:
        raise ValueError("the histogram is cut off")
    first = int.from_bytes(text[:2], "big")
    return dict(zip(accumulate([first, *numbers[1::2]]), numbers[0::2], strict=True))


def _leb128(numbers: Iterable[int]) -> bytes:
    out = bytearray()
    for number in numbers:
        rest = number
        while rest > 127:
            out.append(rest & 127 | 128)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def _numbers(text: bytes) -> list[int]:
    found: list[int] = []
    number = shift = 0
    for byte in text:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(number)
            number = shift = 0
    if shift:
        raise ValueError("the histogram is cut off")
    return found
