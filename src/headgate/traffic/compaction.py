"""Which files should become one? Many small ones are slow to read, and values must go in time.

Files grow in tiers: a batch (about a second), a part (tens of batches), an hour, a final hour
(values replaced), a day. Each record is written at most five times.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

PART_FILES_MIN = 30  # batches that become a part
PART_FILES_MAX = 512
MERGE_BYTES_MAX = 512 * 1024**2  # of one merge: about ten million records
HOUR_SETTLED = timedelta(minutes=5)  # after its end, most late records have come
DAY_SETTLED = timedelta(hours=1)
VALUES_KEPT = timedelta(hours=23)  # with HOUR_SETTLED and a merge, less than a day
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


FINAL_COLUMNS: Mapping[str, str] = {"query": "regexp_replace(query, '=[^&]*', '=*', 'g')"}
"""What stands for good in place of values, in SQL; paths become their operation's template."""


class Tier(IntEnum):
    """How far a file has come."""

    BATCH = 0
    PART = 1
    HOUR = 2
    FINAL_HOUR = 3
    DAY = 4


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the catalog, as far as planning needs it."""

    id: int
    path: str
    tier: Tier
    size_bytes: int
    records: int
    first_at: datetime
    last_at: datetime
    created_at: datetime
    is_final: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """`files` become one of `tier`; `is_final` replaces query and path values."""

    files: tuple[ListedFile, ...]
    tier: Tier
    is_final: bool


def plan(files: Iterable[ListedFile], now: datetime) -> list[Merge]:
    """What to merge now, the most urgent first; merges have no file in common.

    Values that are due to be replaced come first, then small files, then closed hours and
    days. A file belongs to the hour of its last record: a stream that ends now and began
    yesterday must not open yesterday again.
    """
    by_hour: dict[datetime, list[ListedFile]] = defaultdict(list)
    by_day: dict[datetime, list[ListedFile]] = defaultdict(list)
    for file in sorted(files, key=lambda file: (file.last_at, file.id)):
        if file.is_final:
            by_day[_floor(file.last_at, DAY)].append(file)
        else:
            by_hour[_floor(file.last_at, HOUR)].append(file)
    values: list[Merge] = []
    parts: list[Merge] = []
    hours: list[Merge] = []
    for hour, group in by_hour.items():
        batches = [file for file in group if file.tier == Tier.BATCH]
        if group[0].last_at <= now - VALUES_KEPT:
            values += _merges(group, Tier.FINAL_HOUR, is_final=True)
        elif hour + HOUR + HOUR_SETTLED <= now and _is_quiet(group, now - HOUR_SETTLED):
            hours += _merges(group, Tier.HOUR, is_final=False)
        elif len(batches) >= PART_FILES_MIN:
            parts += _merges(batches[:PART_FILES_MAX], Tier.PART, is_final=False)
    days = [
        merge
        for day, group in by_day.items()
        if day + DAY + VALUES_KEPT + HOUR <= now and _is_quiet(group, now - DAY_SETTLED)
        for merge in _merges(group, Tier.DAY, is_final=True)
    ]
    return [*values, *parts, *hours, *days]


def _is_quiet(files: list[ListedFile], since: datetime) -> bool:
    """Whether nothing was added since: else late arrivals would rewrite all of it each time."""
    return all(file.created_at <= since for file in files)


def _merges(files: list[ListedFile], tier: Tier, *, is_final: bool) -> list[Merge]:
    """Merges of at most `MERGE_BYTES_MAX`; a file that has come as far already stays."""
    groups: list[list[ListedFile]] = []
    size = 0
    for file in files:
        if not groups or size + file.size_bytes > MERGE_BYTES_MAX:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size_bytes
    return [
        Merge(tuple(group), tier, is_final)
        for group in groups
        if len(group) > 1 or group[0].tier < tier
    ]


def _floor(at: datetime, step: timedelta) -> datetime:
    """The start of the hour or day that holds `at`."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day if step == DAY else day.replace(hour=at.hour)
