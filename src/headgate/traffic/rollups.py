"""What do records add up to? Keys and sums of the rollups, and the SQL that makes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from headgate.model.node import CounterKind
from headgate.model.record import Verdict
from headgate.traffic.histogram import BUCKET_SQL, merged

ALLOWED_VERDICTS = frozenset({Verdict.ALLOWED, Verdict.UPSTREAM_FAILED, Verdict.CLIENT_CLOSED})
"""Verdicts of requests that the gateway let through, whatever became of them afterwards."""


class MinuteKey(NamedTuple):
    """One row of the rollup per minute; `minute` counts from 1970, UTC."""

    minute: int
    api: str
    version: str
    operation: str
    status: int
    verdict: str


class HourKey(NamedTuple):
    """One row of the rollup per hour; `hour` counts from 1970, UTC."""

    hour: int
    organization: str
    application: str
    plan: str
    api: str
    status: int
    verdict: str


class TotalKey(NamedTuple):
    """One row of the all-time totals; `verdict` is the filter's own."""

    kind: CounterKind
    application: str
    api: str
    version: str
    operation: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Sums:
    """What a group of requests adds up to; `latency` is a histogram of `duration_us`."""

    requests: int
    duration_us: int
    request_bytes: int
    response_bytes: int
    latency: Mapping[int, int]

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.requests + other.requests,
            self.duration_us + other.duration_us,
            self.request_bytes + other.request_bytes,
            self.response_bytes + other.response_bytes,
            merged((self.latency, other.latency)),
        )


@dataclass(frozen=True, slots=True)
class BatchRollups:
    """What one batch adds at once; the hours are added up when they are merged into one file."""

    minutes: Mapping[MinuteKey, Sums]
    totals: Mapping[TotalKey, int]


MINUTE_SQL = "epoch_us(started_at) // 60000000"
HOUR_SQL = "epoch_us(started_at) // 3600000000"


def sums_sql(
    keys: Mapping[str, str],
    source: str,
    condition: str = "true",
    counts: Mapping[str, str] | None = None,
) -> str:
    """Sums of each group of records: the keys, the counts, then the columns of `sums_from`.

    `keys` are SQL expressions by name, `counts` are conditions by name. Grouped by bucket first
    and then without it: a histogram that DuckDB makes as a map takes thrice as long to fetch.
    """
    names = ", ".join(keys)
    expressions = ", ".join(f"{expression} AS {name}" for name, expression in keys.items())
    outer = "".join(f" sum({name})::BIGINT," for name in counts or {})
    inner = "".join(f" count_if({is_it}) AS {name}," for name, is_it in (counts or {}).items())
    return f"""
        SELECT {names},{outer} sum(number)::BIGINT, sum(duration)::BIGINT, sum(received)::BIGINT,
            sum(sent)::BIGINT, list(bucket), list(number)
        FROM (
            SELECT {expressions}, {BUCKET_SQL} AS bucket,{inner} count(*) AS number,
                sum(duration_us)::BIGINT AS duration, sum(request_bytes)::BIGINT AS received,
                sum(response_bytes)::BIGINT AS sent
            FROM {source} WHERE {condition} GROUP BY ALL
        ) GROUP BY ALL"""  # noqa: S608  # our own words


def sums_from(columns: Sequence[Any]) -> Sums:
    """The sums in a row of `sums_sql`, after its keys."""
    requests, duration_us, request_bytes, response_bytes, buckets, numbers = columns
    latency = dict(zip(buckets, numbers, strict=True))
    return Sums(requests, duration_us, request_bytes, response_bytes, latency)


IS_ALLOWED_SQL = f"verdict IN ({', '.join(repr(v.value) for v in sorted(ALLOWED_VERDICTS))})"
IS_ERROR_SQL = f"(status >= 500 OR verdict = '{Verdict.UPSTREAM_FAILED}')"
"""The same as `is_allowed` and `is_error`."""


def is_allowed(verdict: str) -> bool:
    """Whether the gateway let a request with this verdict through."""
    return verdict in ALLOWED_VERDICTS


def is_error(status: int, verdict: str) -> bool:
    """Whether a request ended in a server's failure: 5xx, or the upstream gave no answer."""
    return status >= 500 or verdict == Verdict.UPSTREAM_FAILED
