"""Which part of a question do the rollups answer? Whole minutes or hours; records do the rest.

All parts count with the same histogram and hold different records, so the sum is exact. The
rollup of hours holds what is in files of `Tier.HOUR` and above: records of those hours in smaller
files are added. Should files change their tier in between, the question is asked again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.store.models import HourRollup, Lease, MinuteRollup, TrafficEvent, TrafficFile
from headgate.store.services import traffic_compaction
from headgate.store.services import traffic_reading as reading
from headgate.store.services.traffic_events import EventKind
from headgate.store.services.traffic_reading import Reader
from headgate.traffic import queries
from headgate.traffic.compaction import Tier
from headgate.traffic.histogram import decoded
from headgate.traffic.queries import Group, MinutePoint, RequestFilter
from headgate.traffic.rollups import HourKey, MinuteKey, Sums, is_allowed, is_error, sums_from

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROLLUP_ROW_SECONDS = 2e-5  # reading and adding one row of a rollup
RECORD_SECONDS = 2e-8  # scanning and adding one record
SCAN_SECONDS = 0.02
ASKED_MAX = 4  # times that a question is asked when files change under it

Groups = dict[tuple[str, ...], Group]


@dataclass(frozen=True, slots=True)
class Rollup:
    """One of the rollups: its table, key columns (the time first), and the length of a step.

    `below`: records in files below this tier are not in it yet. `is_short`: it is kept for a
    shorter time than the records are.
    """

    model: Any
    keys: tuple[str, ...]
    step: timedelta
    below: Tier | None
    is_short: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Records to be read: those that fit `filters` in files below a tier, or in all."""

    filters: RequestFilter
    below: Tier | None = None


ROLLUPS = (
    Rollup(MinuteRollup, MinuteKey._fields, timedelta(minutes=1), None, is_short=True),
    Rollup(HourRollup, HourKey._fields, timedelta(hours=1), Tier.HOUR, is_short=False),
)
SUM_COLUMNS = ("requests", "duration_us", "request_bytes", "response_bytes", "latency")


def grouped(place: Reader, columns: tuple[str, ...], filters: RequestFilter) -> Groups:
    """Sums of each group, by the values of `columns` as text."""
    for _ in range(ASKED_MAX):
        before = _swaps()
        groups = _grouped(place, columns, filters)
        if before == _swaps():
            break
    return groups


def minutes(place: Reader, filters: RequestFilter) -> list[MinutePoint]:
    """Requests by minute, in order, minutes without any left out."""
    counts: dict[int, list[int]] = {}

    def count(minute: int, status: int, verdict: str, number: int) -> None:
        found = counts.setdefault(minute, [0, 0, 0])
        found[0] += number
        found[1] += number if is_allowed(verdict) else 0
        found[2] += number if is_error(status, verdict) else 0

    rest = [Part(filters)]
    if filters.equals().keys() <= {*ROLLUPS[0].keys} and _is_kept(ROLLUPS[0], filters):
        rows, rest = _split(ROLLUPS[0], filters)
        for row in rows.values_list("minute", "status", "verdict", "requests").iterator():
            count(*row)
    for part in rest:
        condition, values = queries.where(part.filters)
        for row in _rows(place, queries.series_sql(condition), part, values):
            count(*row)
    return [
        MinutePoint(EPOCH + timedelta(minutes=minute), *numbers)
        for minute, numbers in sorted(counts.items())
    ]


def _grouped(place: Reader, columns: tuple[str, ...], filters: RequestFilter) -> Groups:
    groups: Groups = {}
    rollup = _cheapest(columns, filters)
    rest = [Part(filters)]
    if rollup is not None:
        rows, rest = _split(rollup, filters)
        _add_rollup(groups, rows, columns)
    for part in rest:
        _add_records(groups, place, columns, part)
    return groups


def _cheapest(columns: tuple[str, ...], filters: RequestFilter) -> Rollup | None:
    """The rollup that answers sooner than the records would, None when they are the soonest.

    Counting stops where a rollup has become the dearer one: counting alone may take long. When
    records of the asked time were removed, only a rollup knows them.
    """
    wanted = {*columns, *filters.equals()}
    able = [r for r in ROLLUPS if wanted <= {*r.keys} and _is_kept(r, filters)]
    if not _is_all_in_files(filters):
        return able[-1] if able else None
    best, best_seconds = None, _scan_seconds(Part(filters))
    for rollup in able:
        rows, rest = _split(rollup, filters)
        left = best_seconds - sum(_scan_seconds(part) for part in rest)
        rows_max = int(left / ROLLUP_ROW_SECONDS)
        if rows_max > 0:
            number = rows.values("requests")[: rows_max + 1].count()
            if number <= rows_max:
                best_seconds -= left - number * ROLLUP_ROW_SECONDS
                best = rollup
    return best


def _is_kept(rollup: Rollup, filters: RequestFilter) -> bool:
    """Whether a rollup still has all of the asked time: the oldest rows go first."""
    if not rollup.is_short:
        return True
    time = rollup.keys[0]
    oldest = rollup.model.objects.order_by(time).values_list(time, flat=True).first()
    if oldest is None or filters.since is None:
        return False
    return bool(EPOCH + oldest * rollup.step <= filters.since)


def _scan_seconds(part: Part) -> float:
    rows = TrafficFile.objects.filter(replaced_at=None)
    if part.filters.since is not None:
        rows = rows.filter(last_at__gte=part.filters.since)
    if part.filters.until is not None:
        rows = rows.filter(first_at__lt=part.filters.until)
    if part.below is not None:
        rows = rows.filter(tier__lt=part.below)
    records = sum(rows.values_list("records", flat=True))
    return SCAN_SECONDS + RECORD_SECONDS * records if records else 0.0


def _is_all_in_files(filters: RequestFilter) -> bool:
    """Whether no record of the asked time was removed from the files."""
    removed = (EventKind.RECORDS_REMOVED, EventKind.FILE_MISSING)
    if not TrafficEvent.objects.filter(kind__in=removed).exists():
        return True
    rows = TrafficFile.objects.filter(replaced_at=None)
    oldest = rows.order_by("last_at").values_list("last_at", flat=True).first()
    return filters.since is not None and oldest is not None and oldest <= filters.since


def _split(rollup: Rollup, filters: RequestFilter) -> tuple[Any, list[Part]]:
    """The rollup's rows for the whole steps inside the filter, and what records must add."""
    rows = rollup.model.objects.filter(**filters.equals())
    time, step = rollup.keys[0], rollup.step
    rest: list[Part] = []
    start, end = filters.since, filters.until
    if filters.since is not None:
        first = -((EPOCH - filters.since) // step)
        start = EPOCH + first * step
        rows = rows.filter(**{f"{time}__gte": first})
    if filters.until is not None:
        last = (filters.until - EPOCH) // step
        end = EPOCH + last * step
        rows = rows.filter(**{f"{time}__lt": last})
    if start is not None and end is not None and end <= start:
        return rows.none(), [Part(filters)]
    if start != filters.since:
        rest.append(Part(replace(filters, until=start)))
    if end != filters.until:
        rest.append(Part(replace(filters, since=end)))
    if rollup.below is not None:
        rest.append(Part(replace(filters, since=start, until=end), rollup.below))
    return rows, rest


def _add_rollup(groups: Groups, rows: Any, columns: tuple[str, ...]) -> None:
    names = tuple(dict.fromkeys((*columns, "status", "verdict")))
    for row in rows.values_list(*names, *SUM_COLUMNS).iterator():
        requests, duration_us, request_bytes, response_bytes, latency = row[len(names) :]
        sums = Sums(requests, duration_us, request_bytes, response_bytes, decoded(latency))
        keyed = dict(zip(names, row, strict=False))
        key = tuple(str(keyed[name]) for name in columns)
        groups.setdefault(key, Group()).add(sums, keyed["status"], keyed["verdict"])


def _add_records(groups: Groups, place: Reader, columns: tuple[str, ...], part: Part) -> None:
    width = len(columns)
    condition, values = queries.where(part.filters)
    for row in _rows(place, queries.stats_sql(columns, condition), part, values):
        key = tuple(str(value) for value in row[:width])
        allowed, errors = row[width : width + 2]
        groups.setdefault(key, Group()).join(sums_from(row[width + 2 :]), allowed, errors)


def _rows(place: Reader, sql: str, part: Part, values: list[object]) -> Iterator[tuple[Any, ...]]:
    yield from reading.with_files(
        lambda: reading.listed(place, part.filters, below=part.below),
        lambda files: reading.run(place, sql, files, values),
    )


def _swaps() -> int:
    """How often files have changed their tier."""
    rows = Lease.objects.filter(name=traffic_compaction.LEASE)
    return rows.values_list("progress", flat=True).first() or 0
