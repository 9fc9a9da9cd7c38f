"""What do the records of a file add up to?"""

from pathlib import Path

from headgate.model.node import CounterKind
from headgate.traffic.io import duck
from headgate.traffic.io.engine import Engine
from headgate.traffic.summaries import NAMES, family_sql
from headgate.traffic.sums import TotalKey

WRITE_OPTIONS = "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE 16384)"
"""Small groups: a question reads one family, and often one consumer in it."""


def totals_of(cursor: "duck.DuckDBPyConnection", source: str) -> dict[TotalKey, int]:
    """What the records of `source` (a table expression) add to the totals."""
    totals: dict[TotalKey, int] = {}
    counted = f"filter_verdict, count(*) FROM {source} WHERE filter_verdict <> ''"
    for application, verdict, number in cursor.execute(
        f"SELECT application, {counted} AND application <> '' GROUP BY ALL"
    ).fetchall():
        totals[TotalKey(CounterKind.APPLICATION, application, "", "", "", verdict)] = number
    for api, version, operation, verdict, number in cursor.execute(
        f"SELECT api, version, operation, {counted} AND operation <> '' GROUP BY ALL"
    ).fetchall():
        totals[TotalKey(CounterKind.OPERATION, "", api, version, operation, verdict)] = number
    return totals


def write_summary(engine: Engine, records: Path, target: Path, *, families: int) -> int:
    """Write the first `families` sums of a merged file of records to `target`; how many rows it
    has.

    Raises:
        duckdb.Error: the file is gone or damaged, or the disk is full.
    """
    source = f"read_parquet({quoted(records)})"
    sums = " UNION ALL ".join(family_sql(number, source) for number in range(families))
    order = ", ".join(("family", *NAMES))
    cursor = engine.cursor()
    try:
        rows = cursor.execute(
            f"COPY (SELECT * FROM ({sums}) ORDER BY {order}) TO {quoted(target)}"  # noqa: S608  # our own words
            f" {WRITE_OPTIONS}"
        ).fetchall()
    finally:
        cursor.close()
    return int(rows[0][0])


def quoted(text: str | Path) -> str:
    """As a string of SQL."""
    return "'" + str(text).replace("'", "''") + "'"
