"""What do records add up to? Totals, sums of groups, and the SQL that makes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from headgate.model.node import CounterKind
from headgate.model.record import Verdict
from headgate.traffic.histogram import BUCKET_SQL

ALLOWED_VERDICTS = frozenset({Verdict.ALLOWED, Verdict.UPSTREAM_FAILED, Verdict.CLIENT_CLOSED})
"""Verdicts of requests that the gateway let through, whatever became of them afterwards."""


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
    """What a group of requests adds up to; `latency` is a histogram of `duration_us`.

    `would_refuse`: those that something which only watches would have refused.
    """

    allowed: int
    errors: int
    would_refuse: int
    requests: int
    duration_us: int
    request_bytes: int
    response_bytes: int
    latency: Mapping[int, int]


IS_ALLOWED_SQL = f"verdict IN ({', '.join(repr(v.value) for v in sorted(ALLOWED_VERDICTS))})"
IS_ERROR_SQL = f"(status >= 500 OR verdict = '{Verdict.UPSTREAM_FAILED}')"
"""The same as `is_allowed` and `is_error`."""
WOULD_REFUSE_SQL = "observed <> ''"
"""A limit in shadow, or a policy in the mode `observe`, would have refused it."""


@dataclass(frozen=True, slots=True)
class Measures:
    """SQL for what is added up in a group."""

    bucket: str
    number: str
    allowed: str
    errors: str
    would_refuse: str
    duration: str
    received: str
    sent: str

    def selected(self) -> str:
        """The columns, named; `bucket` is a key, the others are sums."""
        sums = (name for name in self.__slots__ if name != "bucket")
        columns = (f"({getattr(self, name)})::BIGINT AS {name}" for name in sums)
        return f"{self.bucket} AS bucket, {', '.join(columns)}"


RECORDED = Measures(
    bucket=BUCKET_SQL,
    number="count(*)",
    allowed=f"count_if({IS_ALLOWED_SQL})",
    errors=f"count_if({IS_ERROR_SQL})",
    would_refuse=f"count_if({WOULD_REFUSE_SQL})",
    duration="sum(duration_us)",
    received="sum(request_bytes)",
    sent="sum(response_bytes)",
)
"""How records are added up."""


def sums_sql(columns: Sequence[str], rows: str, condition: str, measures: Measures) -> str:
    """Sums of each group of `rows` (a table of SQL): the columns, then those of `sums_from`.

    Grouped by bucket first and then without it: a histogram that DuckDB makes as a map takes
    thrice as long to fetch.
    """
    names = ", ".join(columns)
    return f"""
        SELECT {names}, sum(allowed)::BIGINT, sum(errors)::BIGINT, sum(would_refuse)::BIGINT,
            sum(number)::BIGINT, sum(duration)::BIGINT, sum(received)::BIGINT, sum(sent)::BIGINT,
            list(bucket), list(number)
        FROM (
            SELECT {names}, {measures.selected()} FROM {rows}
            WHERE {condition} GROUP BY ALL
        ) GROUP BY ALL"""  # noqa: S608  # our own words


def sums_from(columns: Sequence[Any]) -> Sums:
    """The sums in a row of `sums_sql`, after its keys."""
    *numbers, buckets, of_buckets = columns
    return Sums(*[*numbers, dict(zip(buckets, of_buckets, strict=True))])


def is_allowed(verdict: str) -> bool:
    """Whether the gateway let a request with this verdict through."""
    return verdict in ALLOWED_VERDICTS


def is_error(status: int, verdict: str) -> bool:
    """Whether a request ended in a server's failure: 5xx, or the upstream gave no answer."""
    return status >= 500 or verdict == Verdict.UPSTREAM_FAILED
