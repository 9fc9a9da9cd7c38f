"""From which files is a statistic added up? From summaries where they stand for whole files.

A file of records and its summary say the same, so each file of the asked time is read from
exactly one of them: from its summary when the time holds all of it and the summary knows the
columns, else record by record. What retention has removed is known from summaries alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from headgate.store.models import Lease, TrafficSummary
from headgate.store.services.traffic import compaction, reading
from headgate.store.services.traffic.reading import Listed, Reader
from headgate.traffic import queries
from headgate.traffic.columns import RECORD_FILES, SUMMARY_FILES
from headgate.traffic.queries import Group, Point, RequestFilter
from headgate.traffic.summaries import SUMMED, family_of
from headgate.traffic.sums import RECORDED, is_allowed, is_error, sums_from, sums_sql

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LISTED_MAX = 4  # times that the files are listed when they are being swapped meanwhile

Groups = dict[tuple[str, ...], Group]


def grouped(place: Reader, columns: tuple[str, ...], filters: RequestFilter) -> Groups:
    """Sums of each group, by the values of `columns` as text."""
    family = family_of({*columns, *filters.columns()})
    return reading.with_files(
        lambda: _sources(place, filters, family),
        lambda files: _grouped(place, columns, filters, family, files),
    )


def minutes(place: Reader, filters: RequestFilter) -> list[Point]:
    """Requests by minute, in order, minutes without any left out."""
    condition, values = queries.where(filters)
    rows = reading.with_files(
        lambda: reading.listed(place, filters),
        lambda files: reading.run(place, queries.series_sql(condition), files, values),
    )
    return _points(
        (EPOCH + timedelta(minutes=minute), status, verdict, number)
        for minute, status, verdict, number in rows
    )


def days(place: Reader, filters: RequestFilter) -> list[Point]:
    """Requests by day (UTC), in order, days without any left out."""
    return _points(
        (day, status, verdict, number)
        for day, status, verdict, number, _, _ in _by_day(place, ("status", "verdict"), filters)
    )


def totals_by_day(place: Reader, filters: RequestFilter) -> dict[date, tuple[int, int, int]]:
    """Requests, those let through, and errors by day (UTC), days without any left out.

    From smaller sums than `days`, which tells every status and verdict apart.
    """
    sums: dict[date, tuple[int, int, int]] = {}
    for at, *numbers in _by_day(place, (), filters):
        before = sums.get(at.date(), (0, 0, 0))
        requests, allowed, errors = map(sum, zip(before, numbers, strict=True))
        sums[at.date()] = requests, allowed, errors
    return sums


def _points(rows: Iterable[tuple[datetime, int, str, int]]) -> list[Point]:
    """Numbers of requests by time, status and verdict, added up for each time."""
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for at, status, verdict, number in rows:
        passed, failed = is_allowed(verdict), is_error(status, verdict)
        found = sums[at]
        for place, counts in enumerate((True, passed, failed, passed and failed)):
            found[place] += number if counts else 0
    return [Point(at, *numbers) for at, numbers in sorted(sums.items())]


def _by_day(
    place: Reader, columns: tuple[str, ...], filters: RequestFilter
) -> list[tuple[Any, ...]]:
    """By day (its beginning, UTC) and columns: requests, those let through, and errors. A day may
    come more than once."""
    family = family_of({*columns, *filters.columns()})
    return reading.with_files(
        lambda: _sources(place, filters, family),
        lambda files: _days(place, columns, filters, family, files),
    )


def _days(
    place: Reader,
    columns: tuple[str, ...],
    filters: RequestFilter,
    family: int | None,
    files: list[Listed],
) -> list[tuple[Any, ...]]:
    condition, values = queries.where(filters)
    records = [file for file in files if not file.is_summary]
    sql = queries.days_sql(columns, condition)
    rows = [
        (EPOCH + timedelta(days=row[0]), *row[1:])
        for row in reading.run(place, sql, records, values)
    ]
    if family is not None:
        summaries = {str(file.path): _midnight(file) for file in files if file.is_summary}
        condition, values = queries.where(replace(filters, since=None, until=None))
        sql = queries.file_sums_sql(columns, f"family = {family} AND {condition}")
        found = reading.run(place, sql, [file for file in files if file.is_summary], values)
        rows += [(summaries[row[0]], *row[1:]) for row in found]
    return rows


def _midnight(file: Listed) -> datetime:
    return datetime.combine(file.first_at.astimezone(UTC).date(), time(), UTC)


def _grouped(
    place: Reader,
    columns: tuple[str, ...],
    filters: RequestFilter,
    family: int | None,
    files: list[Listed],
) -> Groups:
    condition, values = queries.where(filters)
    sql = sums_sql(columns, RECORD_FILES, condition, RECORDED)
    rows = reading.run(place, sql, [file for file in files if not file.is_summary], values)
    if family is not None:
        condition, values = queries.where(replace(filters, since=None, until=None))
        sql = sums_sql(columns, SUMMARY_FILES, f"family = {family} AND {condition}", SUMMED)
        rows += reading.run(place, sql, [file for file in files if file.is_summary], values)
    groups: Groups = {}
    width = len(columns)
    for row in rows:
        key = tuple(str(value) for value in row[:width])
        groups.setdefault(key, Group()).join(sums_from(row[width:]))
    return groups


def _sources(place: Reader, filters: RequestFilter, family: int | None) -> list[Listed]:
    """Summaries of whole files, and the files that no summary stands for.

    A swap between the two listings would leave out records or give them twice: listed again.
    """
    files = reading.listed(place, filters)
    if family is None:
        return files
    for _ in range(LISTED_MAX):
        before = _swaps()
        summaries = _summaries(place, filters, family)
        files = reading.listed(place, filters)
        if before == _swaps():
            break
    known = {file.id for file in summaries}
    return [*summaries, *(file for file in files if file.id not in known)]


def _summaries(place: Reader, filters: RequestFilter, family: int) -> list[Listed]:
    """Those with the family whose records all lie in the asked time, by the id of their file (0:
    it is gone)."""
    rows = TrafficSummary.objects.filter(replaced_at=None, families__gt=family)
    if filters.since is not None:
        rows = rows.filter(first_at__gte=filters.since)
    if filters.until is not None:
        rows = rows.filter(last_at__lt=filters.until)
    return [
        Listed(file or 0, place.folders.files / path, first_at, last_at, records, is_summary=True)
        for file, path, first_at, last_at, records in rows.values_list(
            "file", "path", "first_at", "last_at", "records"
        )
    ]


def _swaps() -> int:
    """How often files were replaced by others."""
    rows = Lease.objects.filter(name=compaction.LEASE)
    return rows.values_list("progress", flat=True).first() or 0
