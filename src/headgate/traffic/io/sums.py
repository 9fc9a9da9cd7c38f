"""What do the records of a new file add up to?"""

import duckdb

from headgate.model.node import CounterKind
from headgate.traffic.rollups import (
    HOUR_SQL,
    MINUTE_SQL,
    BatchRollups,
    HourKey,
    MinuteKey,
    TotalKey,
    sums_from,
    sums_sql,
)

MINUTE_KEYS = {name: name for name in MinuteKey._fields} | {"minute": MINUTE_SQL}
HOUR_KEYS = {name: name for name in HourKey._fields} | {"hour": HOUR_SQL}


def rollups_of(cursor: duckdb.DuckDBPyConnection, source: str) -> BatchRollups:
    """Everything that the records of `source` (a table expression) add to the rollups."""
    minutes = cursor.execute(sums_sql(MINUTE_KEYS, source)).fetchall()
    hours = cursor.execute(sums_sql(HOUR_KEYS, source)).fetchall()
    width, hour_width = len(MINUTE_KEYS), len(HOUR_KEYS)
    return BatchRollups(
        {MinuteKey(*row[:width]): sums_from(row[width:]) for row in minutes},
        {HourKey(*row[:hour_width]): sums_from(row[hour_width:]) for row in hours},
        _totals(cursor, source),
    )


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
