"""Which part of a question do the rollups answer? Whole minutes or hours; records do the rest.

Both parts count with the same histogram and cover different times, so the sum is exact: no
request is counted twice, and none is missed while files are being merged.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.store.models import HourRollup, MinuteRollup, TrafficFile
from headgate.store.services import traffic_reading as reading
from headgate.store.services.traffic_reading import Reader
from headgate.store.services.traffic_rollups import sums_of
from headgate.traffic import queries
from headgate.traffic.queries import Group, MinutePoint, RequestFilter
from headgate.traffic.rollups import HourKey, MinuteKey, is_allowed, is_error, sums_from

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROLLUP_ROW_SECONDS = 2e-5  # reading and adding one row of a rollup
RECORD_SECONDS = 2e-8  # scanning and adding one record
SCAN_SECONDS = 0.02

Groups = dict[tuple[str, ...], Group]


@dataclass(frozen=True, slots=True)
class Rollup:
    """One of the rollups: its table, the column of its time, and the length of a step."""

    model: Any
    time: str
    columns: frozenset[str]
    step: timedelta


ROLLUPS = (
    Rollup(MinuteRollup, "minute", frozenset(MinuteKey._fields), timedelta(minutes=1)),
    Rollup(HourRollup, "hour", frozenset(HourKey._fields), timedelta(hours=1)),
)


def grouped(place: Reader, columns: tuple[str, ...], filters: RequestFilter) -> Groups:
    """Sums of each group, by the values of `columns` as text."""
    groups: Groups = {}
    rollup, rest = _cheapest(columns, filters)
    if rollup is not None:
        _add_rollup(groups, rollup, columns, filters)
    for part in rest:
        _add_records(groups, place, columns, part)
    return groups


def minutes(place: Reader, filters: RequestFilter) -> list[MinutePoint]:
    """Requests by minute, in order, minutes without any left out."""
    counts: dict[int, list[int]] = {}

    def count(minute: int, status: int, verdict: str, number: int) -> None:
        found = counts.setdefault(minute, [0, 0, 0])
        found[0] += number
        found[1] += number if is_allowed(verdict) else 0
        found[2] += number if is_error(status, verdict) else 0

    rest = [filters]
    if filters.equals().keys() <= ROLLUPS[0].columns:
        first, last, rest = _whole_steps(filters, ROLLUPS[0].step)
        rows = _between(ROLLUPS[0], first, last).filter(**filters.equals())
        for row in rows.values_list("minute", "status", "verdict", "requests").iterator():
            count(*row)
    for part in rest:
        condition, values = queries.where(part)
        for row in _rows(place, queries.series_sql(condition), part, values):
            count(*row)
    return [
        MinutePoint(EPOCH + timedelta(minutes=minute), *numbers)
        for minute, numbers in sorted(counts.items())
    ]


def _cheapest(
    columns: tuple[str, ...], filters: RequestFilter
) -> tuple[Rollup | None, list[RequestFilter]]:
    """The rollup that answers soonest, and what is left for the records.

    Records are chosen only when all of the asked time is still in files: rollups live longer.
    """
    wanted = {*columns, *filters.equals()}
    best: tuple[float, Rollup | None, list[RequestFilter]] | None = None
    for rollup in ROLLUPS:
        if not wanted <= rollup.columns:
            continue
        first, last, rest = _whole_steps(filters, rollup.step)
        rows = _between(rollup, first, last).filter(**filters.equals()).count()
        seconds = rows * ROLLUP_ROW_SECONDS + sum(_scan_seconds(part) for part in rest)
        if best is None or seconds < best[0]:
            best = (seconds, rollup, rest)
    if best is None:
        return None, [filters]
    if filters.since is not None and _scan_seconds(filters) < best[0] and _in_files(filters.since):
        return None, [filters]
    return best[1], best[2]


def _scan_seconds(part: RequestFilter) -> float:
    rows = TrafficFile.objects.filter(replaced_at=None)
    if part.since is not None:
        rows = rows.filter(last_at__gte=part.since)
    if part.until is not None:
        rows = rows.filter(first_at__lt=part.until)
    return SCAN_SECONDS + RECORD_SECONDS * sum(rows.values_list("records", flat=True))


def _in_files(since: datetime) -> bool:
    """Whether nothing from `since` on was removed: an older record is still in a file."""
    rows = TrafficFile.objects.filter(replaced_at=None)
    oldest = rows.order_by("first_at").values_list("first_at", flat=True).first()
    return oldest is not None and oldest <= since


def _whole_steps(
    filters: RequestFilter, step: timedelta
) -> tuple[int | None, int | None, list[RequestFilter]]:
    """The first step inside the filter, the one after the last, and the ends that are left."""
    first = last = None
    rest: list[RequestFilter] = []
    if filters.since is not None:
        first = -((EPOCH - filters.since) // step)
        start = EPOCH + first * step
        if filters.until is not None and filters.until <= start:
            return 0, 0, [filters]
        if start > filters.since:
            rest.append(replace(filters, until=start))
    if filters.until is not None:
        last = (filters.until - EPOCH) // step
        end = EPOCH + last * step
        if first is not None and last <= first:
            return 0, 0, [filters]
        if end < filters.until:
            rest.append(replace(filters, since=end))
    return first, last, rest


def _between(rollup: Rollup, first: int | None, last: int | None) -> Any:
    rows = rollup.model.objects.all()
    if first is not None:
        rows = rows.filter(**{f"{rollup.time}__gte": first})
    if last is not None:
        rows = rows.filter(**{f"{rollup.time}__lt": last})
    return rows


def _add_rollup(
    groups: Groups, rollup: Rollup, columns: tuple[str, ...], filters: RequestFilter
) -> None:
    first, last, _ = _whole_steps(filters, rollup.step)
    rows = _between(rollup, first, last).filter(**filters.equals())
    for row in rows.iterator():
        key = tuple(str(getattr(row, name)) for name in columns)
        groups.setdefault(key, Group()).add(sums_of(row), row.status, row.verdict)


def _add_records(
    groups: Groups, place: Reader, columns: tuple[str, ...], part: RequestFilter
) -> None:
    condition, values = queries.where(part)
    names = tuple(dict.fromkeys((*columns, "status", "verdict")))
    width = len(names)
    for row in _rows(place, queries.stats_sql(columns, condition), part, values):
        keyed = dict(zip(names, row[:width], strict=True))
        key = tuple(str(keyed[name]) for name in columns)
        group = groups.setdefault(key, Group())
        group.add(sums_from(row[width:]), keyed["status"], keyed["verdict"])


def _rows(
    place: Reader, sql: str, part: RequestFilter, values: list[object]
) -> list[tuple[Any, ...]]:
    read: Callable[[list[reading.Listed]], list[tuple[Any, ...]]] = lambda files: reading.run(  # noqa: E731
        place, sql, files, values
    )
    return reading.with_files(lambda: reading.listed(place, part), read)
