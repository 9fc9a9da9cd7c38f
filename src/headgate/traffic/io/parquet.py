"""How do lines become a Parquet file, and several files one?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headgate.core.problems import Bug
from headgate.model.logline import LINE_FIELDS
from headgate.traffic.columns import RECORD_FILES, records_in
from headgate.traffic.io import duck
from headgate.traffic.io.cleaning import Cleaned, Reject, clean, count_lines
from headgate.traffic.io.engine import JSON_LINE_BYTES_MAX, Engine
from headgate.traffic.io.sums import quoted, totals_of
from headgate.traffic.record import COLUMN_SQL, FILTER_VERDICT_SQL, INVALID_SQL, words_sql
from headgate.traffic.sums import TotalKey

KEYS_USED_MAX = 2_000  # of one batch; a key in use comes again with the next
REJECTS_PER_SEGMENT_MAX = 100  # kept as evidence; all are counted
ROW_GROUP_RECORDS = 65_536
WRITE_OPTIONS = (
    "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1,"
    f" ROW_GROUP_SIZE {ROW_GROUP_RECORDS})"
)
"""Level 1 is as small as level 3 on these columns, and a tenth cheaper."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINE_COLUMNS = "{" + ", ".join(f"'{n}': '{t.value}'" for n, t in LINE_FIELDS.items()) + "}"
_LINES = (
    f"read_json(?, columns = {_LINE_COLUMNS}, format = 'newline_delimited',"
    f" filename = 'source_file', maximum_object_size = {JSON_LINE_BYTES_MAX})"
)
_RECORD_COLUMNS = ", ".join(f"{expression} AS {name}" for name, expression in COLUMN_SQL.items())
_RECORDS = (
    f"SELECT {_RECORD_COLUMNS}, {{node}} AS node, {{gateway}} AS gateway, batch,"  # noqa: S608  # our own words
    f" {FILTER_VERDICT_SQL} AS filter_verdict FROM {words_sql('line')}"
)


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A sealed segment on disk. `number`: its place in the order of storing, in each record."""

    name: str
    path: Path
    number: int


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """`records` + `rejected` = `lines`; `rejects` are the first of the rejected ones."""

    name: str
    number: int
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
    """Segments that were read together; `span` is None when no line was a record.

    `last_used`: when the keys used last (at most `KEYS_USED_MAX`, by id) were used.
    """

    segments: tuple[SegmentCount, ...]
    totals: Mapping[TotalKey, int]
    span: Span | None
    last_used: Mapping[str, datetime] = field(default_factory=dict)


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
) -> Batch:
    """Write the records of one node's segments to `target`, and add them up.

    A segment that DuckDB refuses is read line by line, so that one bad line costs only itself.
    `target` is left behind empty, or not at all, when there are no records.

    Raises:
        duckdb.Error, OSError: the disk is full, or a file went away.
    """
    lines = {segment.name: count_lines(segment.path) for segment in segments}
    cleaned: dict[str, Cleaned] = {}
    with _cursor(engine) as cursor:
        if not _copy(cursor, segments, lines, target, node, gateway):
            sources: list[SegmentFile] = []
            expected = dict(lines)
            try:
                for segment in segments:
                    if _is_whole(cursor, segment, lines[segment.name]):
                        sources.append(segment)
                        continue
                    path = scratch / f"clean-{target.stem}-{segment.name}.jsonl"
                    found = clean(segment.path, path, rejects_max=REJECTS_PER_SEGMENT_MAX)
                    cleaned[segment.name] = found
                    expected[segment.name] = found.records
                    sources.append(SegmentFile(segment.name, path, segment.number))
                if not _copy(cursor, sources, expected, target, node, gateway):
                    raise Bug(f"the cleaned lines of {target.stem} are still refused")
            finally:
                for path in scratch.glob(f"clean-{target.stem}-*.jsonl"):
                    path.unlink(missing_ok=True)
        counts = tuple(_count(segment, lines[segment.name], cleaned) for segment in segments)
        if not sum(count.records for count in counts):
            target.unlink(missing_ok=True)
            return Batch(counts, {}, None)
        totals = totals_of(cursor, _table(target))
        return Batch(counts, totals, _span(cursor, target), _last_used(cursor, target))


def merge_files(
    engine: Engine,
    sources: Sequence[Path],
    target: Path,
    *,
    replaced: Mapping[str, str] | None = None,
    templates: Mapping[tuple[str, str, str], str] | None = None,
) -> Span:
    """Write all records of `sources` to `target`, sorted by time, in the present schema.

    `replaced` gives columns new values (SQL expressions). `templates` is what stands for the
    path of an operation, by (api, version, operation): its presence replaces paths.

    Raises:
        duckdb.Error: a source is gone or damaged, or the disk is full.
    """
    new = dict(replaced or {})
    with _cursor(engine) as cursor:
        join = ""
        if templates is not None:
            rows = [(*key, path) for key, path in templates.items()]
            columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 4
            cursor.execute(
                "CREATE TEMP TABLE template AS SELECT unnest(?::VARCHAR[]) AS a,"
                " unnest(?::VARCHAR[]) AS v, unnest(?::VARCHAR[]) AS o, unnest(?::VARCHAR[]) AS t",
                columns,
            )
            join = " LEFT JOIN template ON api = a AND version = v AND operation = o"
            new["path"] = "coalesce(t, path)"
        replace = ", ".join(f"{expression} AS {name}" for name, expression in new.items())
        selected = f"f.* REPLACE ({replace})" if new else "f.*"
        cursor.execute(
            f"COPY (SELECT {selected} FROM {RECORD_FILES} f{join} ORDER BY started_at)"  # noqa: S608  # our own words
            f" TO {quoted(target)} {WRITE_OPTIONS}",
            [[str(path) for path in sources]],
        )
        return _span(cursor, target)


def count_where(engine: Engine, path: Path, column: str, value: str) -> int:
    """How many records of a file have a value in a column."""
    with _cursor(engine) as cursor:
        rows = cursor.execute(
            f"SELECT count(*) FROM {records_in(quoted(path))} WHERE {column} = ?",  # noqa: S608  # our own words
            [value],
        ).fetchall()
    return int(rows[0][0])


def _last_used(cursor: "duck.DuckDBPyConnection", path: Path) -> dict[str, datetime]:
    rows = cursor.execute(
        f"SELECT credential, epoch_us(max(started_at)) AS used_us FROM {_table(path)}"  # noqa: S608  # our own words
        f" WHERE credential <> '' GROUP BY ALL ORDER BY used_us DESC LIMIT {KEYS_USED_MAX}"
    ).fetchall()
    return {credential: at_us(used_us) for credential, used_us in rows}


@contextmanager
def _cursor(engine: Engine) -> Iterator["duck.DuckDBPyConnection"]:
    """A cursor whose temporary table is gone afterwards."""
    cursor = engine.cursor()
    try:
        yield cursor
    finally:
        cursor.execute("DROP TABLE IF EXISTS temp.template")
        cursor.close()


def _copy(
    cursor: "duck.DuckDBPyConnection",
    sources: Sequence[SegmentFile],
    expected: Mapping[str, int],
    target: Path,
    node: str,
    gateway: str,
) -> bool:
    """Write the records of `sources`; false when one of them has not as many as expected.

    The lines are parsed into a table first: it knows which columns are ASCII, and counts.
    """
    paths = [str(source.path) for source in sources]
    numbers = [source.number for source in sources]
    try:
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE line AS SELECT * EXCLUDE (source_file) FROM {_LINES}"  # noqa: S608  # our own words
            " JOIN (SELECT unnest(?::VARCHAR[]) AS source_file, unnest(?::BIGINT[]) AS batch)"
            " USING (source_file)",
            [paths, paths, numbers],
        )
    except duck.IOException:
        raise  # the disk, not the lines
    except (duck.InvalidInputException, duck.ConversionException):
        return False
    rows = cursor.execute(
        f"SELECT batch, count(*) FROM line WHERE NOT ({INVALID_SQL}) GROUP BY ALL"  # noqa: S608  # our own words
    ).fetchall()
    found = dict(rows)
    if any(found.get(source.number, 0) != expected[source.name] for source in sources):
        return False
    records = _RECORDS.format(node=_constant(node), gateway=_constant(gateway))
    cursor.execute(f"COPY ({records}) TO {quoted(target)} {WRITE_OPTIONS}")
    return True


def _constant(text: str) -> str:
    """A column of one value. As an enumeration, so that it is not looked up for each row."""
    return f"{quoted(text)}::ENUM({quoted(text)})"


def _is_whole(cursor: "duck.DuckDBPyConnection", segment: SegmentFile, lines: int) -> bool:
    """Whether every line of a segment parses and is a record.

    The hash is of the whole line: without it DuckDB would not look at any field.
    """
    try:
        rows = cursor.execute(
            f"SELECT count(*), count_if({INVALID_SQL}), bit_xor(hash(line))"  # noqa: S608  # our own words
            f" FROM {_LINES} AS line",
            [[str(segment.path)]],
        ).fetchall()
    except (duck.InvalidInputException, duck.ConversionException):
        return False
    return rows[0][:2] == (lines, 0)


def _count(segment: SegmentFile, lines: int, cleaned: Mapping[str, Cleaned]) -> SegmentCount:
    found = cleaned.get(segment.name)
    records = found.records if found else lines
    rejected = found.rejected if found else 0
    if records + rejected != lines:
        raise Bug(f"a line of {segment.name} was lost")
    size = segment.path.stat().st_size
    rejects = found.rejects if found else ()
    return SegmentCount(segment.name, segment.number, lines, records, rejected, size, rejects)


def _span(cursor: "duck.DuckDBPyConnection", path: Path) -> Span:
    rows = cursor.execute(
        "SELECT count(*), epoch_us(min(started_at)), epoch_us(max(started_at)), min(batch),"  # noqa: S608  # our own words
        f" max(batch) FROM {_table(path)}"
    ).fetchall()
    records, first, last, batch_first, batch_last = rows[0]
    size = path.stat().st_size
    return Span(records, size, at_us(first), at_us(last), batch_first, batch_last)


def _table(path: Path) -> str:
    """A file that was just written, so in the present schema."""
    return f"read_parquet({quoted(path)})"
