"""How long is what kept?"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Keeping:
    """Ages and sizes beyond which things go; the oldest first."""

    records: timedelta = timedelta(days=90)
    records_bytes_max: int = 100 * 1024**3
    minutes: timedelta = timedelta(days=2)  # with many operations, larger than the records
    hours: timedelta = timedelta(days=800)
    segments: timedelta = timedelta(days=30)  # names that are known: a copy sent again is old news
    archive: timedelta = timedelta(hours=48)
    archive_bytes_max: int = 8 * 1024**3
    rejects: timedelta = timedelta(days=30)
    rejects_bytes_max: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Aged:
    """A file with the time of its last record, as an age in seconds, and its size."""

    id: int
    age_seconds: float
    size_bytes: int


def to_remove(files: list[Aged], keeping: Keeping) -> list[int]:
    """Files beyond their age, then the oldest until the rest fits."""
    oldest_first = sorted(files, key=lambda file: -file.age_seconds)
    total = sum(file.size_bytes for file in files)
    limit = keeping.records.total_seconds()
    removed: list[int] = []
    for file in oldest_first:
        if file.age_seconds <= limit and total <= keeping.records_bytes_max:
            break
        removed.append(file.id)
        total -= file.size_bytes
    return removed
