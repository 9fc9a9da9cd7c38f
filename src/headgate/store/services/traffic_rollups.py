"""How do a batch's sums get into the rollups? By addition, in the batch's own transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model

from headgate.store.models import HourRollup, MinuteRollup, TrafficTotal
from headgate.traffic.histogram import decoded, encoded
from headgate.traffic.rollups import BatchRollups, HourKey, MinuteKey, Sums, TotalKey

ROWS_PER_STATEMENT = 500
SUM_FIELDS = ("requests", "duration_us", "request_bytes", "response_bytes", "latency")

K = TypeVar("K", MinuteKey, HourKey)


def add(node: str, rollups: BatchRollups) -> None:
    """Add a batch's sums to what is stored. The caller's transaction must hold the ingest lease:
    what is read here must not change before it is written."""
    _add_sums(MinuteRollup, MinuteKey, "minute", rollups.minutes)
    _add_sums(HourRollup, HourKey, "hour", rollups.hours)
    _add_totals(node, rollups.totals)


def sums_of(row: MinuteRollup | HourRollup) -> Sums:
    """The sums of a stored row."""
    return Sums(
        row.requests,
        row.duration_us,
        row.request_bytes,
        row.response_bytes,
        decoded(row.latency),
    )


def _add_sums(model: Any, key_type: type[K], time_field: str, new: Mapping[K, Sums]) -> None:
    times = sorted({key[0] for key in new})
    stored: dict[K, Sums] = {}
    for some in _chunks(times):
        for row in model.objects.filter(**{f"{time_field}__in": some}).iterator():
            key = key_type(*(getattr(row, name) for name in key_type._fields))
            if key in new:
                stored[key] = sums_of(row)
    rows = []
    for key, sums in new.items():
        total = sums + stored[key] if key in stored else sums
        rows.append(
            model(
                **key._asdict(),
                requests=total.requests,
                duration_us=total.duration_us,
                request_bytes=total.request_bytes,
                response_bytes=total.response_bytes,
                latency=encoded(total.latency),
            )
        )
    _upsert(model, rows, key_type._fields, SUM_FIELDS)


def _add_totals(node: str, new: Mapping[TotalKey, int]) -> None:
    stored: dict[TotalKey, int] = {}
    for row in TrafficTotal.objects.filter(node=node).values_list(*TotalKey._fields, "records"):
        stored[TotalKey(*row[:-1])] = row[-1]
    rows = [
        TrafficTotal(node=node, **key._asdict(), records=number + stored.get(key, 0))
        for key, number in new.items()
    ]
    _upsert(TrafficTotal, rows, ("node", *TotalKey._fields), ("records",))


def _upsert(
    model: type[Model], rows: Sequence[Any], keys: Sequence[str], values: Sequence[str]
) -> None:
    model._default_manager.bulk_create(  # noqa: SLF001  # Django's public name for it
        rows,
        batch_size=ROWS_PER_STATEMENT,
        update_conflicts=True,
        unique_fields=list(keys),
        update_fields=list(values),
    )


def _chunks(items: Iterable[int]) -> Iterator[list[int]]:
    some: list[int] = []
    for item in items:
        some.append(item)
        if len(some) == ROWS_PER_STATEMENT:
            yield some
            some = []
    if some:
        yield some
