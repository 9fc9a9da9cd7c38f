"""From which files is a statistic added up? From summaries where they stand for whole files.

A file of records and its summary say the same, so each file of the asked time is read from
exactly one of them: from its summary when the time holds all of it and the summary knows the
columns, else record by record. What retention has removed is known from summaries alone.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from headgate.store.models import Lease, TrafficSummary
from headgate.store.services import traffic_compaction
from headgate.store.services import traffic_reading as reading
from headgate.store.services.traffic_reading import Listed, Reader
from headgate.traffic import queries
from headgate.traffic.queries import Group, MinutePoint, RequestFilter
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


def minutes(place: Reader, filters: RequestFilter) -> list[MinutePoint]:
    """Requests by minute, in order, minutes without any left out."""
    condition, values = queries.where(filters)
    rows = reading.with_files(
        lambda: reading.listed(place, filters),
        lambda files: reading.run(place, queries.series_sql(condition), files, values),
    )
    counts: dict[int, list[int]] = {}
    for minute, status, verdict, number in rows:
        found = counts.setdefault(minute, [0, 0, 0])
        found[0] += number
        found[1] += number if is_allowed(verdict) else 0
        found[2] += number if is_error(status, verdict) else 0
    return [
        MinutePoint(EPOCH + timedelta(minutes=minute), *numbers)
        for minute, numbers in sorted(counts.items())
    ]


def _grouped(
    place: Reader,
    columns: tuple[str, ...],
    filters: RequestFilter,
    family: int | None,
    files: list[Listed],
) -> Groups:
    condition, values = queries.where(filters)
    sql = sums_sql(columns, condition, RECORDED)
    rows = reading.run(place, sql, [file for file in files if not file.is_summary], values)
    if family is not None:
        condition, values = queries.where(replace(filters, since=None, until=None))
        sql = sums_sql(columns, f"family = {family} AND {condition}", SUMMED)
        rows += reading.run(place, sql, [file for file in files if file.is_summary], values)
    groups: Groups = {}
    width = len(columns)
    for row in rows:
        key = tuple(str(value) for value in row[:width])
        allowed, errors = row[width : width + 2]
        groups.setdefault(key, Group()).join(sums_from(row[width + 2 :]), allowed, errors)
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
    rows = Lease.objects.filter(name=traffic_compaction.LEASE)
    return rows.values_list("progress", flat=True).first() or 0
