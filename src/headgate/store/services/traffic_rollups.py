"""How do a batch's sums get into the rollups? By addition, in the batch's own transaction.

Written as SQL rather than through the ORM: a batch changes thousands of rows, and this is the
larger part of what storing it costs. SQLite and PostgreSQL take the same statements.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

from headgate.store.models import HourRollup, MinuteRollup, TrafficTotal
from headgate.traffic.histogram import decoded, encoded, merged
from headgate.traffic.rollups import BatchRollups, HourKey, MinuteKey, Sums, TotalKey

TIMES_PER_STATEMENT = 500  # below SQLite's limit of parameters
SUM_FIELDS = ("requests", "duration_us", "request_bytes", "response_bytes")


def add(node: str, rollups: BatchRollups) -> None:
    """Add a batch's sums to what is stored. The caller's transaction must hold the ingest lease:
    what is read here must not change before it is written."""
    _add_sums(MinuteRollup, MinuteKey._fields, rollups.minutes.items())
    _write(
        TrafficTotal,
        ("node", *TotalKey._fields),
        ("records",),
        (),
        ((node, *key, number) for key, number in rollups.totals.items()),
    )


def add_hours(hours: Mapping[HourKey, Sums]) -> None:
    """Add closed hours. The caller's transaction must hold the lease of the compaction."""
    _add_sums(HourRollup, HourKey._fields, hours.items())


def _add_sums(
    model: type[Model], fields: tuple[str, ...], items: Iterable[tuple[tuple[Any, ...], Sums]]
) -> None:
    """Numbers are added by the database, histograms here."""
    new = dict(items)
    stored: dict[tuple[Any, ...], dict[int, int]] = {}
    for some in _chunks(sorted({key[0] for key in new})):
        rows = model._default_manager.filter(**{f"{fields[0]}__in": some})  # noqa: SLF001  # public
        for *found, latency in rows.values_list(*fields, "latency").iterator():
            if tuple(found) in new:  # a named tuple equals the plain one
                stored[tuple(found)] = decoded(latency)
    changed = [(*key, *_columns(sums, stored.get(key))) for key, sums in new.items()]
    _write(model, fields, SUM_FIELDS, ("latency",), changed)


def _columns(sums: Sums, stored: Mapping[int, int] | None) -> tuple[int, int, int, int, bytes]:
    """The values of `SUM_FIELDS` and `latency`; the latter together with what is stored."""
    latency = sums.latency if stored is None else merged((sums.latency, stored))
    numbers = (sums.requests, sums.duration_us, sums.request_bytes, sums.response_bytes)
    return *numbers, encoded(latency)


def _write(
    model: type[Model],
    keys: Sequence[str],
    added: Sequence[str],
    replaced: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Insert rows; where a row of the same keys exists, add to it or replace."""
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)  # noqa: SLF001  # Django's public name for it
    columns = [quote(name) for name in (*keys, *added, *replaced)]
    changes = [f"{quote(n)} = {table}.{quote(n)} + excluded.{quote(n)}" for n in added]
    changes += [f"{quote(n)} = excluded.{quote(n)}" for n in replaced]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608  # names of our own
            f" VALUES ({', '.join(['%s'] * len(columns))})"
            f" ON CONFLICT ({', '.join(quote(name) for name in keys)})"
            f" DO UPDATE SET {', '.join(changes)}",
            list(rows),
        )


def _chunks(items: Sequence[int]) -> Iterator[Sequence[int]]:
    return (
        items[at : at + TIMES_PER_STATEMENT] for at in range(0, len(items), TIMES_PER_STATEMENT)
    )
