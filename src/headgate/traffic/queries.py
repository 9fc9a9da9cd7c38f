"""Which questions can be asked of the records? Named queries, their filters and their answers.

Each query is SQL over a list of Parquet files, its first parameter. The store's service chooses
the files, and reads summaries in place of those that they stand for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum

from headgate.model.record import RequestRecord, Verdict
from headgate.traffic.columns import RECORD_FILES, SUMMARY_FILES
from headgate.traffic.histogram import percentiles_us
from headgate.traffic.summaries import SUMMED
from headgate.traffic.sums import RECORDED, Sums

REQUESTS_PAGE_MAX = 1000
GROUPS_MAX = 10_000  # of one answer; the rest are added up under `OTHERS`
OTHERS = "(others)"


class GroupBy(StrEnum):
    """What statistics can be grouped by."""

    API = "api"
    OPERATION = "operation"
    APPLICATION = "application"
    ORGANIZATION = "organization"
    PLAN = "plan"
    STATUS = "status"
    VERDICT = "verdict"


GROUP_COLUMNS: Mapping[GroupBy, tuple[str, ...]] = {
    GroupBy.API: ("api",),
    GroupBy.OPERATION: ("api", "version", "operation"),
    GroupBy.APPLICATION: ("organization", "application"),
    GroupBy.ORGANIZATION: ("organization",),
    GroupBy.PLAN: ("plan",),
    GroupBy.STATUS: ("status",),
    GroupBy.VERDICT: ("verdict",),
}


NOT_EQUAL = frozenset({"since", "until", "text", "status_class", "applications"})
TEXT_COLUMNS = ("method", "path", "operation", "request_id", "client_ip", "user_agent")


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which records: each value that is given must be equal; times are [since, until).

    But `text` is contained in one of `TEXT_COLUMNS`, in either case, and `status_class` is the
    first digit of the status; `applications`, where there are any, has the application in it.
    """

    since: datetime | None = None
    until: datetime | None = None
    api: str | None = None
    version: str | None = None
    operation: str | None = None
    organization: str | None = None
    application: str | None = None
    plan: str | None = None
    credential: str | None = None
    status: int | None = None
    verdict: Verdict | None = None
    observed: Verdict | None = None
    request_id: str | None = None
    text: str | None = None
    status_class: int | None = None
    applications: tuple[str, ...] | None = None

    def equals(self) -> dict[str, str | int]:
        """The columns that must have a value."""
        names = (item.name for item in fields(self) if item.name not in NOT_EQUAL)
        found = ((name, getattr(self, name)) for name in names)
        return {name: value for name, value in found if value is not None}

    def columns(self) -> set[str]:
        """The columns that it asks about, times left out."""
        more = set(TEXT_COLUMNS) if self.text is not None else set()
        if self.status_class is not None:
            more.add("status")
        if self.applications is not None:
            more.add("application")
        return {*self.equals(), *more}


@dataclass(frozen=True, slots=True)
class StatsRow:
    """One group of requests. `key` holds the values of `GROUP_COLUMNS`, as text.

    Latencies are those of the whole request at the gateway, within 1 %; None without requests.
    `allowed` were let through by the gateway, `errors` ended with 5xx or without an answer of
    the upstream. `would_refuse`: a limit in shadow, or a policy that only observes, would have
    refused them.
    """

    key: tuple[str, ...]
    requests: int
    allowed: int
    errors: int
    would_refuse: int
    latency_ms_mean: float | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    latency_ms_p99: float | None
    request_bytes: int
    response_bytes: int

    @property
    def refused(self) -> int:
        """Those that the gateway did not let through."""
        return self.requests - self.allowed

    @property
    def error_ratio(self) -> float:
        """The share of requests that ended in errors, 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """One minute or day of a series. `failed`: those of `allowed` that ended in errors."""

    at: datetime
    requests: int
    allowed: int
    errors: int
    failed: int


@dataclass(slots=True)
class Group:
    """Sums of a group while they are collected from records and summaries."""

    requests: int = 0
    allowed: int = 0
    errors: int = 0
    would_refuse: int = 0
    duration_us: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    latency: dict[int, int] = field(default_factory=dict)

    def join(self, sums: "Sums | Group") -> None:
        """Count these requests too."""
        self.requests += sums.requests
        self.allowed += sums.allowed
        self.errors += sums.errors
        self.would_refuse += sums.would_refuse
        self.duration_us += sums.duration_us
        self.request_bytes += sums.request_bytes
        self.response_bytes += sums.response_bytes
        if not self.latency:
            self.latency = dict(sums.latency)
            return
        for bucket, number in sums.latency.items():
            self.latency[bucket] = self.latency.get(bucket, 0) + number

    def row(self, key: tuple[str, ...]) -> StatsRow:
        """The answer."""
        requests = self.requests
        p50, p95, p99 = percentiles_us(self.latency, (0.50, 0.95, 0.99))
        return StatsRow(
            key=key,
            requests=requests,
            allowed=self.allowed,
            errors=self.errors,
            would_refuse=self.would_refuse,
            latency_ms_mean=_ms(self.duration_us / requests if requests else None),
            latency_ms_p50=_ms(p50),
            latency_ms_p95=_ms(p95),
            latency_ms_p99=_ms(p99),
            request_bytes=self.request_bytes,
            response_bytes=self.response_bytes,
        )


RECORD_COLUMNS = tuple(item.name for item in fields(RequestRecord))
_SELECT = ", ".join(
    "epoch_us(started_at) AS started_us" if name == "started_at" else name
    for name in RECORD_COLUMNS
)
NEWEST_FIRST = "started_at DESC, request_id DESC"


def where(filters: RequestFilter) -> tuple[str, list[object]]:
    """The condition of a filter, and its parameters."""
    parts, values = ["true"], list[object]()
    if filters.since is not None:
        parts.append("started_at >= make_timestamp(?::BIGINT)")
        values.append(_us(filters.since))
    if filters.until is not None:
        parts.append("started_at < make_timestamp(?::BIGINT)")
        values.append(_us(filters.until))
    for name, value in filters.equals().items():
        parts.append(f"{name} = ?")
        values.append(value)
    if filters.status_class is not None:
        parts.append("status // 100 = ?")
        values.append(filters.status_class)
    if filters.applications is not None:
        parts.append("list_contains(?::VARCHAR[], application)")
        values.append(list(filters.applications))
    if filters.text is not None:
        parts.append(f"contains(lower(concat_ws(' ', {', '.join(TEXT_COLUMNS)})), lower(?))")
        values.append(filters.text)
    return " AND ".join(parts), values


def requests_sql(condition: str) -> str:
    """Records, newest first: started_us in place of started_at, then `batch`."""
    return (
        f"SELECT {_SELECT}, batch FROM {RECORD_FILES} WHERE {condition}"  # noqa: S608  # our own words
        f" ORDER BY {NEWEST_FIRST} LIMIT ?"
    )


FAILED_FROM = 400  # the status of a call that was let through and did not succeed
_FAILED = f"(verdict <> '{Verdict.ALLOWED}' OR status >= {FAILED_FROM})"
_ALIKE = f"verdict, CASE WHEN verdict = '{Verdict.ALLOWED}' THEN status END"


def failures_sql(condition: str) -> str:
    """Which requests failed: started_us and request_id, newest first, no more than a number of
    those that ended alike. Their other columns are not read: there may be millions."""
    return (
        "SELECT epoch_us(started_at), request_id"  # noqa: S608  # our own words
        f" FROM {RECORD_FILES} WHERE {condition} AND {_FAILED}"
        f" QUALIFY row_number() OVER (PARTITION BY {_ALIKE} ORDER BY {NEWEST_FIRST}) <= ?"
        f" ORDER BY {NEWEST_FIRST} LIMIT ?"
    )


def follow_sql(condition: str) -> str:
    """Records in the order in which they were stored, from after a place on."""
    return (
        f"SELECT {_SELECT}, batch FROM {RECORD_FILES} WHERE {condition}"  # noqa: S608  # our own words
        " ORDER BY batch, started_at, request_id LIMIT ?"
    )


NOT_BEFORE = "started_at >= make_timestamp(?::BIGINT)"
OLDER_THAN = "(started_at, request_id) < (make_timestamp(?::BIGINT), ?)"
AMONG_REQUESTS = "list_contains(?::VARCHAR[], request_id)"
STORED_AFTER = "(batch, started_at, request_id) > (?::BIGINT, make_timestamp(?::BIGINT), ?)"


def series_sql(condition: str) -> str:
    """Requests by minute since 1970, status and verdict."""
    return (
        "SELECT epoch_us(started_at) // 60000000, status, verdict, count(*)"  # noqa: S608  # our own words
        f" FROM {RECORD_FILES} WHERE {condition} GROUP BY ALL"
    )


def callers_sql(condition: str) -> str:
    """Calls by consumer and day since 1970 (UTC), and when the last of them began."""
    return (
        "SELECT organization, application, epoch_us(started_at) // 86400000000, count(*),"  # noqa: S608  # our own words
        " epoch_us(max(started_at))"
        f" FROM {RECORD_FILES} WHERE {condition} GROUP BY ALL"
    )


def own_calls_sql(condition: str) -> str:
    """Calls by application, API, version and operation, and when the last of them began."""
    return (
        "SELECT application, api, version, operation, count(*), epoch_us(max(started_at))"  # noqa: S608  # our own words
        f" FROM {RECORD_FILES} WHERE {condition} GROUP BY ALL"
    )


AMONG_APIS = "list_contains(?, api)"


def days_sql(columns: Sequence[str], condition: str) -> str:
    """Requests, those let through, and errors, by day since 1970 (UTC) and columns."""
    names = "".join(f"{name}, " for name in columns)
    return (
        f"SELECT epoch_us(started_at) // 86400000000, {names}count(*),"  # noqa: S608  # our own words
        f" ({RECORDED.allowed})::BIGINT, ({RECORDED.errors})::BIGINT"
        f" FROM {RECORD_FILES} WHERE {condition} GROUP BY ALL"
    )


def file_sums_sql(columns: Sequence[str], condition: str) -> str:
    """The same of summaries, by the name of the file: each is of one day or less."""
    names = "".join(f"{name}, " for name in columns)
    return (
        f"SELECT filename, {names}({SUMMED.number})::BIGINT,"  # noqa: S608  # our own words
        f" ({SUMMED.allowed})::BIGINT, ({SUMMED.errors})::BIGINT"
        f" FROM {SUMMARY_FILES} WHERE {condition} GROUP BY ALL"
    )


def others(rows: list[StatsRow], groups: Mapping[tuple[str, ...], Group]) -> list[StatsRow]:
    """The first `GROUPS_MAX` rows, and all others as one."""
    if len(rows) <= GROUPS_MAX:
        return rows
    rest = Group()
    for row in rows[GROUPS_MAX - 1 :]:
        rest.join(groups[row.key])
    width = len(rows[0].key)
    return [*rows[: GROUPS_MAX - 1], rest.row((OTHERS, *[""] * (width - 1)))]


def _us(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _ms(microseconds: float | None) -> float | None:
    return None if microseconds is None else round(microseconds / 1000, 3)
