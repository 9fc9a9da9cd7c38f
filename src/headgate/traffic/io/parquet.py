"""How do lines become a Parquet file, and several files one?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from headgate.core.problems import Bug
from headgate.model.logline import LINE_FIELDS
from headgate.model.node import CounterKind
from headgate.traffic.io.cleaning import Reject, clean, count_lines
from headgate.traffic.io.engine import JSON_LINE_BYTES_MAX, Engine
from headgate.traffic.record import COLUMN_SQL, FILTER_VERDICT_SQL, INVALID_SQL
from headgate.traffic.rollups import (
    HOUR_SQL,
    MINUTE_SQL,
    SUMS_SQL,
    BatchRollups,
    HourKey,
    MinuteKey,
    Sums,
    TotalKey,
)

REJECTS_PER_SEGMENT_MAX = 100  # kept as evidence; all are counted
ROW_GROUP_RECORDS = 65_536
WRITE_OPTIONS = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_RECORDS})"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINE_COLUMNS = "{" + ", ".join(f"'{n}': '{t.value}'" for n, t in LINE_FIELDS.items()) + "}"


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A sealed segment on disk and, once read, what is in it."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """`records` + `rejected` = `lines`; `rejects` are the first of the rejected ones."""

    name: str
    lines: int
    records: int
    rejected: int
    size_bytes: int
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """What a Parquet file holds: times of the first and last `started_at`, and its size."""

    records: int
    size_bytes: int
    first_at: datetime
    last_at: datetime
    batch_first: int
    batch_last: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Segments that were read together; `span` is None when no line was a record."""

    segments: tuple[SegmentCount, ...]
    rollups: BatchRollups
    span: Span | None


def at_us(microseconds: int) -> datetime:
    """The instant that many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def us_of(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def write_batch(
    engine: Engine,
    segments: Sequence[SegmentFile],
    target: Path,
    *,
    scratch: Path,
    node: str,
    gateway: str,
    batch: int,
) -> Batch:
    """Write the records of one node's segments to `target`, and add them up.

    A segment that DuckDB refuses is read line by line, so that one bad line costs only itself.
    `target` is not written when there are no records.

    Raises:
        duckdb.Error, OSError: the disk is full, or a file went away.
    """
    lines = {segment.name: count_lines(segment.path) for segment in segments}
    with _tables(engine) as cursor, _scratch_files(scratch, batch) as cleaned_path:
        sources = {segment.name: segment.path for segment in segments}
        rejects: dict[str, tuple[int, tuple[Reject, ...]]] = {}
        records = _read(cursor, sources, lines)
        if records is None:
            for name, path in sources.items():
                if _read(cursor, {name: path}, lines) is None:
                    found = clean(path, cleaned_path(name), rejects_max=REJECTS_PER_SEGMENT_MAX)
                    sources[name] = cleaned_path(name)
                    rejects[name] = (found.rejected, found.rejects)
            expected = {name: lines[name] - rejects.get(name, (0, ()))[0] for name in lines}
            records = _read(cursor, sources, expected)
        if records is None:
            raise Bug(f"cleaned lines of batch {batch} are still refused")
        counts = tuple(
            SegmentCount(
                name=segment.name,
                lines=lines[segment.name],
                records=records.get(segment.name, 0),
                rejected=rejects.get(segment.name, (0, ()))[0],
                size_bytes=segment.path.stat().st_size,
                rejects=rejects.get(segment.name, (0, ()))[1],
            )
            for segment in segments
        )
        if any(count.records + count.rejected != count.lines for count in counts):
            raise Bug(f"a line of batch {batch} was lost")
        if not sum(records.values()):
            return Batch(counts, BatchRollups({}, {}, {}), None)
        _make_records(cursor, node, gateway, batch)
        rollups = _rollups(cursor)
        cursor.execute(
            f"COPY (SELECT * EXCLUDE (filter_verdict) FROM records) TO {_quoted(target)}"  # noqa: S608
            f" {WRITE_OPTIONS}"
        )
        return Batch(counts, rollups, _span(cursor, "records", target))


def merge_files(
    engine: Engine,
    sources: Sequence[Path],
    target: Path,
    *,
    replaced: Mapping[str, str] | None = None,
    templates: Mapping[tuple[str, str, str], str] | None = None,
) -> Span:
    """Write all records of `sources` to `target`, sorted by time.

    `replaced` gives columns new values (SQL expressions). `templates` is what stands for the
    path of an operation, by (api, version, operation): its presence replaces paths.

    Raises:
        duckdb.Error: a source is gone or damaged, or the disk is full.
    """
    new = dict(replaced or {})
    with _tables(engine) as cursor:
        join = ""
        if templates is not None:
            cursor.execute(
                "CREATE TEMP TABLE template (a VARCHAR, v VARCHAR, o VARCHAR, t VARCHAR)"
            )
            if templates:
                rows = [(*key, path) for key, path in templates.items()]
                cursor.execute(
                    "INSERT INTO template SELECT unnest(?), unnest(?), unnest(?), unnest(?)",
                    [list(column) for column in zip(*rows, strict=True)],
                )
            join = " LEFT JOIN template ON api = a AND version = v AND operation = o"
            new["path"] = "coalesce(t, path)"
        replace = ", ".join(f"{expression} AS {name}" for name, expression in new.items())
        columns = f"f.* REPLACE ({replace})" if new else "f.*"
        cursor.execute(
            f"COPY (SELECT {columns} FROM read_parquet(?) f{join} ORDER BY started_at)"  # noqa: S608
            f" TO {_quoted(target)} {WRITE_OPTIONS}",
            [[str(path) for path in sources]],
        )
        return _span(cursor, f"read_parquet({_quoted(target)})", target)


@contextmanager
def _tables(engine: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor whose temporary tables are gone afterwards."""
    cursor = engine.cursor()
    try:
        yield cursor
    finally:
        for name in ("lines", "records", "template"):
            cursor.execute(f"DROP TABLE IF EXISTS temp.{name}")
        cursor.close()


@contextmanager
def _scratch_files(scratch: Path, batch: int) -> Iterator["_Cleaned"]:
    made = _Cleaned(scratch, batch)
    try:
        yield made
    finally:
        for path in made.paths:
            path.unlink(missing_ok=True)


class _Cleaned:
    """Names of cleaned copies, so that all of them can be removed."""

    def __init__(self, scratch: Path, batch: int) -> None:
        self._scratch = scratch
        self._batch = batch
        self.paths: set[Path] = set()

    def __call__(self, segment: str) -> Path:
        path = self._scratch / f"clean-{self._batch}-{segment}.jsonl"
        self.paths.add(path)
        return path


def _read(
    cursor: duckdb.DuckDBPyConnection, sources: Mapping[str, Path], expected: Mapping[str, int]
) -> dict[str, int] | None:
    """Parse into the table `lines`; records by segment, or None when anything is not in order."""
    try:
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE lines AS SELECT * FROM read_json(?, columns ="  # noqa: S608
            f" {_LINE_COLUMNS}, format = 'newline_delimited', filename = 'source_file',"
            f" maximum_object_size = {JSON_LINE_BYTES_MAX})",
            [[str(path) for path in sources.values()]],
        )
    except duckdb.IOException:
        raise
    except duckdb.Error:
        return None
    rows = cursor.execute(
        f"SELECT source_file, count(*), count_if({INVALID_SQL}) FROM lines GROUP BY ALL"  # noqa: S608
    ).fetchall()
    names = {str(path): name for name, path in sources.items()}
    found = {names[file]: count for file, count, _ in rows}
    is_whole = all(found.get(name, 0) == expected[name] for name in sources)
    return found if is_whole and not any(row[2] for row in rows) else None


def _make_records(cursor: duckdb.DuckDBPyConnection, node: str, gateway: str, batch: int) -> None:
    columns = ", ".join(f"{expression} AS {name}" for name, expression in COLUMN_SQL.items())
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE records AS SELECT {columns}, ? AS node, ? AS gateway,"  # noqa: S608
        f" {batch}::BIGINT AS batch, {FILTER_VERDICT_SQL} AS filter_verdict FROM lines",
        [node, gateway],
    )
    cursor.execute("DROP TABLE lines")


def _rollups(cursor: duckdb.DuckDBPyConnection) -> BatchRollups:
    def grouped(keys: str) -> list[tuple[object, ...]]:
        return cursor.execute(
            f"SELECT {keys}, {SUMS_SQL} FROM records GROUP BY ALL"  # noqa: S608
        ).fetchall()

    minutes = grouped(f"{MINUTE_SQL} AS minute, api, version, operation, status, verdict")
    hours = grouped(f"{HOUR_SQL} AS hour, organization, application, plan, api, status, verdict")
    return BatchRollups(
        {MinuteKey(*row[:6]): Sums(*row[6:]) for row in minutes},  # type: ignore[arg-type]
        {HourKey(*row[:7]): Sums(*row[7:]) for row in hours},  # type: ignore[arg-type]
        _totals(cursor),
    )


def _totals(cursor: duckdb.DuckDBPyConnection) -> dict[TotalKey, int]:
    totals: dict[TotalKey, int] = {}
    counted = "filter_verdict, count(*) FROM records WHERE filter_verdict <> ''"
    for application, verdict, number in cursor.execute(
        f"SELECT application, {counted} AND application <> '' GROUP BY ALL"
    ).fetchall():
        totals[TotalKey(CounterKind.APPLICATION, application, "", "", "", verdict)] = number
    for api, version, operation, verdict, number in cursor.execute(
        f"SELECT api, version, operation, {counted} AND operation <> '' GROUP BY ALL"
    ).fetchall():
        totals[TotalKey(CounterKind.OPERATION, "", api, version, operation, verdict)] = number
    return totals


def _span(cursor: duckdb.DuckDBPyConnection, table: str, path: Path) -> Span:
    found = cursor.execute(
        "SELECT count(*), epoch_us(min(started_at)), epoch_us(max(started_at)), min(batch),"  # noqa: S608
        f" max(batch) FROM {table}"
    ).fetchall()
    records, first, last, batch_first, batch_last = found[0]
    size = path.stat().st_size
    return Span(records, size, at_us(first), at_us(last), batch_first, batch_last)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
