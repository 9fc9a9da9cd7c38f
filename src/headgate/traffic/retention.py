"""How long is what kept?"""

from dataclasses import dataclass
from datetime import timedelta

from headgate.traffic.compaction import VALUES_KEPT


@dataclass(frozen=True, slots=True)
class Keeping:
    """Ages and sizes beyond which things go; the oldest first."""

    records: timedelta = timedelta(days=90)
    records_bytes_max: int = 100 * 1024**3
    summary_wait: timedelta = timedelta(days=2)  # beyond `records`, for a file without its summary
    summaries: timedelta = timedelta(days=800)
    summaries_bytes_max: int = 20 * 1024**3
    segments: timedelta = timedelta(days=30)  # names that are known: a copy sent again is old news
    archive: timedelta = VALUES_KEPT  # segments hold what callers sent, values and all
    archive_bytes_max: int = 8 * 1024**3
    rejects: timedelta = timedelta(days=30)
    rejects_bytes_max: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Aged:
    """A file with the time of its last record, as an age, and its size."""

    id: int
    age: timedelta
    size_bytes: int
    has_summary: bool = True


def to_remove(files: list[Aged], keeping: Keeping) -> list[int]:
    """Files of records beyond their age, then the oldest until the rest fits.

    A file that has no summary yet is kept somewhat longer: it was about to get one.
    """
    limits = {True: keeping.records, False: keeping.records + keeping.summary_wait}
    return _beyond(files, limits, keeping.records_bytes_max)


def summaries_to_remove(files: list[Aged], keeping: Keeping) -> list[int]:
    """The same for summaries."""
    limits = dict.fromkeys((True, False), keeping.summaries)
    return _beyond(files, limits, keeping.summaries_bytes_max)


def _beyond(files: list[Aged], limits: dict[bool, timedelta], bytes_max: int) -> list[int]:
    removed = [file.id for file in files if file.age > limits[file.has_summary]]
    kept = sorted(
        (file for file in files if file.age <= limits[file.has_summary]),
        key=lambda file: file.age,
        reverse=True,
    )
    total = sum(file.size_bytes for file in kept)
    for file in kept:
        if total <= bytes_max:
            break
        removed.append(file.id)
        total -= file.size_bytes
    return removed
