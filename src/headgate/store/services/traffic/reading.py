"""How are the listed Parquet files read while others write? Without locks, with a fresh list.

A file that is unlinked between the listing and the reading has been merged into another one,
so the query is run again with a fresh list.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from headgate.core.problems import DependencyError
from headgate.store.models import TrafficFile
from headgate.traffic import queries
from headgate.traffic.io import duck
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.io.parquet import us_of
from headgate.traffic.queries import RequestFilter

LISTINGS_MAX = 4  # tries with a fresh list; the last one leaves out files that are gone
WINDOWS = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=30))
QUERIES_AT_ONCE = 4  # of one process: more share the same memory and only wait

T = TypeVar("T")
_places = threading.BoundedSemaphore(QUERIES_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Listed:
    """One file that may hold records of the asked range, or what such a file adds up to."""

    id: int
    path: Path
    first_at: datetime
    last_at: datetime
    records: int
    is_summary: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Where this process reads."""

    folders: TrafficFolders
    engine: Engine


def reader() -> Reader:
    """The reader of this process's data folder."""
    return _reader(Path(settings.HEADGATE_DATA))


def listed(
    place: Reader,
    filters: RequestFilter,
    *,
    batch_after: int | None = None,
) -> list[Listed]:
    """Files that overlap the filter's times, the one with the newest records first."""
    rows = TrafficFile.objects.filter(replaced_at=None)
    if filters.since is not None:
        rows = rows.filter(last_at__gte=filters.since)
    if filters.until is not None:
        rows = rows.filter(first_at__lt=filters.until)
    if batch_after is not None:
        rows = rows.filter(batch_last__gte=batch_after)
    return [
        Listed(pk, place.folders.files / path, first_at, last_at, records)
        for pk, path, first_at, last_at, records in rows.order_by("-last_at", "-pk").values_list(
            "pk", "path", "first_at", "last_at", "records"
        )
    ]


def with_files(list_files: Callable[[], list[Listed]], read: Callable[[list[Listed]], T]) -> T:
    """`read` over `list_files()`, again with a fresh list when a file went away meanwhile.

    Raises:
        DependencyError: a file is damaged, or the query needs more memory than it may have.
    """
    with _places:
        for _ in range(LISTINGS_MAX - 1):
            try:
                return read(list_files())
            except duck.IOException:
                continue
            except duck.Error as error:
                raise _trouble(error) from error
        try:
            return read([file for file in list_files() if file.path.exists()])
        except duck.Error as error:
            raise _trouble(error) from error


def run(
    place: Reader, sql: str, files: Sequence[Listed], values: Sequence[object]
) -> list[tuple[Any, ...]]:
    """Rows of a query whose first parameter is the list of files."""
    if not files:
        return []
    cursor = place.engine.cursor()
    try:
        return cursor.execute(sql, [[str(file.path) for file in files], *values]).fetchall()
    finally:
        cursor.close()


def newest(
    place: Reader,
    files: Sequence[Listed],
    span: tuple[datetime | None, datetime],
    condition: str,
    values: Sequence[object],
    limit: int,
) -> list[tuple[Any, ...]]:
    """The newest rows, from the shortest stretch of time up to the end of `span` that has enough.

    The last page of a day's file is a matter of its last minute: the file is sorted by time.
    """
    if not files:
        return []
    latest = min(span[1], files[0].last_at)
    oldest = min(file.first_at for file in files)
    oldest = max(oldest, span[0]) if span[0] else oldest
    for window in WINDOWS:
        since = latest - window
        if since <= oldest:
            break
        some = [file for file in files if file.last_at >= since]
        sql = queries.requests_sql(f"{condition} AND {queries.NOT_BEFORE}")
        rows = run(place, sql, some, [*values, us_of(since), limit])
        if len(rows) == limit:
            return rows
    return run(place, queries.requests_sql(condition), files, [*values, limit])


def failed(
    place: Reader,
    files: Sequence[Listed],
    condition: str,
    values: Sequence[object],
    most: tuple[int, int],
) -> list[tuple[Any, ...]]:
    """The newest rows that failed: first which they are, then what is in them.

    `most`: how many that ended alike, and how many at all.
    """
    found = run(place, queries.failures_sql(condition), files, [*values, *most])
    if not found:
        return []
    oldest_us, ids = found[-1][0], [request_id for _, request_id in found]
    some = [file for file in files if us_of(file.last_at) >= oldest_us]
    sql = queries.requests_sql(f"{condition} AND {queries.NOT_BEFORE} AND {queries.AMONG_REQUESTS}")
    return run(place, sql, some, [*values, oldest_us, ids, len(ids)])


def _trouble(error: "duck.Error") -> DependencyError:
    return DependencyError(f"the traffic files cannot be read: {error}", is_retryable=True)


@lru_cache(maxsize=4)
def _reader(data: Path) -> Reader:
    folders = TrafficFolders(data)
    folders.make()
    return Reader(folders, Engine(folders.scratch))
