"""What do the records of a new file add up to?"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from headgate.model.node import CounterKind
from headgate.traffic.io.engine import Engine
from headgate.traffic.rollups import (
    HOUR_SQL,
    MINUTE_SQL,
    BatchRollups,
    HourKey,
    MinuteKey,
    Sums,
    TotalKey,
    sums_from,
    sums_sql,
)

ROWS_AT_ONCE = 10_000
MINUTE_KEYS = {name: name for name in MinuteKey._fields} | {"minute": MINUTE_SQL}
HOUR_KEYS = {name: name for name in HourKey._fields} | {"hour": HOUR_SQL}


def rollups_of(cursor: duckdb.DuckDBPyConnection, source: str) -> BatchRollups:
    """What the records of `source` (a table expression) add to the minutes and totals."""
    rows = cursor.execute(sums_sql(MINUTE_KEYS, source)).fetchall()
    width = len(MINUTE_KEYS)
    return BatchRollups(
        {MinuteKey(*row[:width]): sums_from(row[width:]) for row in rows},
        _totals(cursor, source),
    )


def hours_of(engine: Engine, files: Sequence[Path]) -> dict[HourKey, Sums]:
    """What the records of `files` add to the hours.

    Done once per record, when its hour is closed: hours have many keys (every application that
    called every API), and a second's batch would touch each of them again.
    """
    if not files:
        return {}
    width = len(HOUR_KEYS)
    cursor = engine.cursor()
    try:
        cursor.execute(sums_sql(HOUR_KEYS, "read_parquet(?)"), [[str(path) for path in files]])
        found: dict[HourKey, Sums] = {}
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            found.update((HourKey(*row[:width]), sums_from(row[width:])) for row in rows)
    finally:
        cursor.close()
    return found


def _totals(cursor: duckdb.DuckDBPyConnection, source: str) -> dict[TotalKey, int]:
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
