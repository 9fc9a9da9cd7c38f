"""What happened at the gateway? Requests, statistics and series, for REST and pages.

    requests(actor, filters, cursor=None, limit=100) -> RequestsPage      newest first
    follow(actor, filters, after=None, limit=1000)   -> RequestsPage      as they are stored
    stats(actor, by, filters)                        -> list[StatsRow]
    series(actor, filters)                           -> list[Point]       by minute
    daily(actor, filters)                            -> list[Point]       by day

Filters come from `request_filter`, which turns names into ids and keeps an organization's actor
to its own records. A request is visible within three seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType
from headgate.model.limits_left import LimitLeft, limits_left
from headgate.model.record import RequestRecord, Verdict
from headgate.store.models import Lease
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import reach
from headgate.store.services.traffic import reading
from headgate.store.services.traffic.ingest import LEASE
from headgate.store.services.traffic.names import application_id, names, organization_id, plan_id
from headgate.store.services.traffic.statistics import days, grouped, minutes
from headgate.store.services.values import invalid
from headgate.traffic import queries
from headgate.traffic.io.parquet import at_us
from headgate.traffic.queries import (
    GROUP_COLUMNS,
    RECORD_COLUMNS,
    REQUESTS_PAGE_MAX,
    Group,
    GroupBy,
    Point,
    RequestFilter,
    StatsRow,
)

SERIES_MINUTES_MAX = 10_080  # a week
SERIES_DAYS_MAX = 400  # a year and a month


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A record and what people call its caller: `acme`, `acme/demo`, `basic/free`, or empty.

    `limits` are those that the call met, as far as the one who asks may know of them: what is in
    shadow is the provider's to know.
    """

    record: RequestRecord
    organization: str
    application: str
    plan: str
    limits: tuple[LimitLeft, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestsPage:
    """Some requests. `next` is the cursor of the older page, None on the last one.

    `after` is the place in the order of storing: `follow(after=…)` gives what came since.
    """

    items: tuple[SeenRequest, ...]
    next: str | None
    after: str


def request_filter(
    actor: Actor,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    api: str | None = None,
    version: str | None = None,
    operation: str | None = None,
    organization: str | None = None,
    application: str | None = None,
    plan: str | None = None,
    credential: str | None = None,
    status: int | None = None,
    verdict: str | None = None,
    observed: str | None = None,
    request_id: str | None = None,
    text: str | None = None,
    status_class: int | None = None,
) -> RequestFilter:
    """A filter from what a caller wrote: names or ids, a verdict by its text.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`; NOT_FOUND; INVALID_INPUT.
    """
    actor.require(Scope.TRAFFIC)
    for name, value in (("verdict", verdict), ("observed", observed)):
        if value is not None and value not in set(Verdict):
            raise invalid(
                phrase(
                    "'{verdict}' is no verdict: {verdicts}.",
                    verdict=value[:40],
                    verdicts=", ".join(Verdict),
                ),
                f"/{name}",
            )
    if since is not None and until is not None and since >= until:
        raise invalid("'since' must be before 'until'.", "/since")
    found = RequestFilter(
        since=since,
        until=until,
        api=api,
        version=version,
        operation=operation,
        organization=organization_id(actor, organization) if organization else None,
        application=application_id(actor, application) if application else None,
        plan=plan_id(plan) if plan else None,
        credential=credential,
        status=status,
        verdict=Verdict(verdict) if verdict else None,
        observed=Verdict(observed) if observed else None,
        request_id=request_id,
        text=text or None,
        status_class=status_class,
    )
    return _limited(actor, found)


def requests(
    actor: Actor, filters: RequestFilter, *, cursor: str | None = None, limit: int = 100
) -> RequestsPage:
    """Requests, newest first, from `cursor` on.

    Raises:
        Problem: FORBIDDEN; INVALID_INPUT for a wrong cursor or limit.
        DependencyError: the files cannot be read.
    """
    actor.require(Scope.TRAFFIC)
    filters = _limited(actor, filters)
    _check_limit(limit)
    place = reading.reader()
    progress = _progress()
    condition, values = _stored(filters, progress)
    until = filters.until
    if cursor:
        started_us, request_id = _cursor(cursor)
        condition = f"{condition} AND {queries.OLDER_THAN}"
        values = [*values, started_us, request_id]
        last = at_us(started_us + 1)
        until = min(until, last) if until else last
    listing = replace(filters, until=until)
    span = filters.since, min(until, actor.at) if until else actor.at
    rows = reading.with_files(
        lambda: reading.listed(place, listing),
        lambda files: reading.newest(place, files, span, condition, values, limit + 1),
    )
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = f"{rows[-1][0]}.{rows[-1][1]}"
    return RequestsPage(_seen(actor, rows), following, f"{progress + 1}.0.")


def failures(
    actor: Actor, filters: RequestFilter, *, of_each: int, limit: int
) -> tuple[SeenRequest, ...]:
    """The newest requests that failed, no more than `of_each` that ended alike: refused for one
    verdict, or answered with one status.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`.
        DependencyError: the files cannot be read.
    """
    actor.require(Scope.TRAFFIC)
    filters = _limited(actor, filters)
    place = reading.reader()
    condition, values = _stored(filters, _progress())
    rows = reading.with_files(
        lambda: reading.listed(place, filters),
        lambda files: reading.failed(place, files, condition, values, (of_each, limit)),
    )
    return _seen(actor, rows)


def follow(
    actor: Actor, filters: RequestFilter, *, after: str | None = None, limit: int = 1000
) -> RequestsPage:
    """Requests stored since `after` (by default: from now on), in the order of storing.

    Each one is given exactly once, however late it was stored. Ask again with the answer's
    `after`, every second or so.

    Raises:
        Problem: FORBIDDEN; INVALID_INPUT for a wrong place or limit.
        DependencyError: the files cannot be read.
    """
    actor.require(Scope.TRAFFIC)
    filters = _limited(actor, filters)
    _check_limit(limit)
    if after is None:
        return RequestsPage((), None, f"{_progress() + 1}.0.")
    batch, started_us, request_id = _place(after)
    place = reading.reader()
    condition, values = queries.where(filters)
    rows = reading.with_files(
        lambda: reading.listed(place, filters, batch_after=batch),
        lambda files: reading.run(
            place,
            queries.follow_sql(f"{condition} AND {queries.STORED_AFTER}"),
            files,
            [*values, batch, started_us, request_id, limit],
        ),
    )
    if rows:
        after = f"{rows[-1][-1]}.{rows[-1][0]}.{rows[-1][1]}"
    return RequestsPage(_seen(actor, rows), None, after)


def stats(actor: Actor, by: GroupBy, filters: RequestFilter) -> list[StatsRow]:
    """Statistics of each group, the one with most requests first.

    Keys are names where there are any: `acme`, `acme/demo`, `basic/free`; an operation's key is
    (api, version, operation). At most `GROUPS_MAX` groups, the rest as one. Of times before the
    records' retention only whole days are known (UTC), and no single operation of a consumer.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`.
        DependencyError: the files cannot be read.
    """
    actor.require(Scope.TRAFFIC)
    groups = grouped(reading.reader(), GROUP_COLUMNS[by], _limited(actor, filters))
    rows = sorted(
        (group.row(key) for key, group in groups.items()),
        key=lambda row: (-row.requests, row.key),
    )
    rows = queries.others(rows, groups)
    if by in {GroupBy.APPLICATION, GroupBy.ORGANIZATION, GroupBy.PLAN}:
        known = names(row.key[-1] for row in rows)
        rows = [
            replace(row, key=(known.get(row.key[-1] or row.key[0], row.key[0]),)) for row in rows
        ]
    return rows


def total(actor: Actor, filters: RequestFilter) -> StatsRow | None:
    """The numbers of all requests together; None without any.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`.
        DependencyError: the files cannot be read.
    """
    actor.require(Scope.TRAFFIC)
    all_of_it = Group()
    groups = grouped(reading.reader(), GROUP_COLUMNS[GroupBy.VERDICT], _limited(actor, filters))
    for group in groups.values():
        all_of_it.join(group)
    return all_of_it.row(()) if all_of_it.requests else None


def series(actor: Actor, filters: RequestFilter) -> list[Point]:
    """Requests by minute, minutes without any left out; both ends of the filter must be given.

    Raises:
        Problem: FORBIDDEN; INVALID_INPUT for more than `SERIES_MINUTES_MAX` minutes.
        DependencyError: the files cannot be read.
    """
    actor.require(Scope.TRAFFIC)
    if _length(filters) > timedelta(minutes=SERIES_MINUTES_MAX):
        raise invalid(
            phrase("A series has at most {most:,} minutes.", most=SERIES_MINUTES_MAX), "/since"
        )
    return minutes(reading.reader(), _limited(actor, filters))


def daily(actor: Actor, filters: RequestFilter) -> list[Point]:
    """Requests by day (UTC), days without any left out; both ends of the filter must be given.

    They add up to what `stats` says of the same filter: of times before the records' retention
    only whole days are known.

    Raises:
        Problem: FORBIDDEN; INVALID_INPUT for more than `SERIES_DAYS_MAX` days.
        DependencyError: the files cannot be read.
    """
    actor.require(Scope.TRAFFIC)
    if _length(filters) > timedelta(days=SERIES_DAYS_MAX):
        raise invalid(phrase("A series has at most {most:,} days.", most=SERIES_DAYS_MAX), "/since")
    return days(reading.reader(), _limited(actor, filters))


def _length(filters: RequestFilter) -> timedelta:
    if filters.since is None or filters.until is None:
        raise invalid("A series needs both 'since' and 'until'.", "/since")
    return filters.until - filters.since


def _stored(filters: RequestFilter, progress: int) -> tuple[str, list[object]]:
    """A filter's condition on records of segments up to `progress`, and its parameters."""
    condition, values = queries.where(filters)
    return f"{condition} AND batch <= ?", [*values, progress]


def seen_record(actor: Actor, record: RequestRecord) -> SeenRequest:
    """A record that is not stored, with the names of its caller."""
    return _named(actor, [record])[0]


def _seen(actor: Actor, rows: Iterable[tuple[Any, ...]]) -> tuple[SeenRequest, ...]:
    return _named(actor, [_record(row) for row in rows])


def _named(actor: Actor, records: list[RequestRecord]) -> tuple[SeenRequest, ...]:
    ids = {value for r in records for value in (r.organization, r.application, r.plan)}
    known = names(ids) | {"": ""}
    return tuple(
        SeenRequest(
            r, known[r.organization], known[r.application], known[r.plan], _limits(actor, r)
        )
        for r in records
    )


def _limits(actor: Actor, record: RequestRecord) -> tuple[LimitLeft, ...]:
    found = limits_left(record.limits) if record.limits else ()
    if actor.organization is None:
        return found
    return tuple(one for one in found if not one.limit.is_shadow)


def _record(row: tuple[Any, ...]) -> RequestRecord:
    values = dict(zip(RECORD_COLUMNS, row, strict=False))
    values["started_at"] = at_us(values["started_at"])
    values["verdict"] = Verdict(values["verdict"])
    return RequestRecord(**values)


def _limited(actor: Actor, filters: RequestFilter) -> RequestFilter:
    """Keep an organization's actor to its own records, and one in teams to those in reach."""
    if actor.organization is None:
        return filters
    return replace(
        filters,
        organization=organization_id(actor, actor.organization),
        applications=reach.applications_of(actor),
    )


def _progress() -> int:
    return Lease.objects.filter(name=LEASE).values_list("progress", flat=True).first() or 0


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= REQUESTS_PAGE_MAX:
        raise invalid(phrase("The limit is 1 to {most}.", most=REQUESTS_PAGE_MAX), "/limit")


def _cursor(text: str) -> tuple[int, str]:
    started, _, request_id = text.partition(".")
    return _number(started, "/cursor"), request_id


def _place(text: str) -> tuple[int, int, str]:
    batch, _, rest = text.partition(".")
    started, _, request_id = rest.partition(".")
    return _number(batch, "/after"), _number(started, "/after"), request_id


def _number(text: str, pointer: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Problem(
            ProblemType.INVALID_INPUT,
            phrase("'{pointer}' is not a value that an answer gave.", pointer=pointer[1:]),
            "Leave it out, or send the one of the last answer.",
        )
    return int(text)
