"""What has been kept long enough? Files are unlinked, rows deleted, and removals counted."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from headgate.core.clock import Clock
from headgate.store.models import HourRollup, MinuteRollup, TrafficFile, TrafficSegment
from headgate.store.services import leases
from headgate.store.services.traffic_compaction import LEASE, LEASE_LENGTH
from headgate.store.services.traffic_events import EventKind, note
from headgate.store.services.traffic_rollup_reading import EPOCH
from headgate.traffic.io import inbox
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.retention import Aged, Keeping, to_remove

ROWS_PER_DELETE = 500  # a long delete would keep other writers waiting
ROWS_PER_TICK_MAX = 100_000
OVERFLOW_KEPT = timedelta(days=1)  # folders that a killed DuckDB left behind


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """What one pass removed."""

    files: int
    rows: int
    segments_archived: int


class Retention:
    """Removes what is old, under the lease of the compaction: both change the list of files."""

    def __init__(
        self, folders: TrafficFolders, *, clock: Clock, holder: str, keeping: Keeping | None = None
    ) -> None:
        self._folders = folders
        self._clock = clock
        self._holder = holder
        self._keeping = keeping or Keeping()

    def tick(self) -> RetentionResult | None:
        """Remove what is due; None while another process holds the lease.

        Raises:
            OSError, django.db.Error: try again.
        """
        now = self._clock.now()
        held = leases.take(LEASE, holder=self._holder, now=now, length=LEASE_LENGTH)
        if held is None:
            return None
        files = self._remove_records(now)
        rows = self._remove_rows(now)
        archived = self._remove_copies(now)
        leases.release(held, now=self._clock.now())
        return RetentionResult(files, rows, archived)

    def _remove_records(self, now: datetime) -> int:
        rows = TrafficFile.objects.filter(replaced_at=None)
        files = [
            Aged(pk, (now - last_at).total_seconds(), size)
            for pk, last_at, size in rows.values_list("pk", "last_at", "size_bytes")
        ]
        removed = to_remove(files, self._keeping)
        for start in range(0, len(removed), ROWS_PER_DELETE):
            some = rows.filter(pk__in=removed[start : start + ROWS_PER_DELETE])
            records = some.aggregate(total=Sum("records"))["total"] or 0
            some.update(replaced_at=now)
            note(
                EventKind.RECORDS_REMOVED,
                "Records older than they are kept, or more than there is room for.",
                now=now,
                count=records,
            )
        return len(removed)

    def _remove_rows(self, now: datetime) -> int:
        keeping = self._keeping
        minute = (now - keeping.minutes - EPOCH) // timedelta(minutes=1)
        hour = (now - keeping.hours - EPOCH) // timedelta(hours=1)
        old_segments = TrafficSegment.objects.filter(ingested_at__lt=now - keeping.segments)
        removed = 0
        for rows in (
            MinuteRollup.objects.filter(minute__lt=minute),
            HourRollup.objects.filter(hour__lt=hour),
            old_segments,
        ):
            some: list[str | int] = list(rows.values_list("pk", flat=True)[:ROWS_PER_TICK_MAX])
            removed += len(some)
            for start in range(0, len(some), ROWS_PER_DELETE):
                rows.model._default_manager.filter(  # noqa: SLF001  # Django's public name for it
                    pk__in=some[start : start + ROWS_PER_DELETE]
                ).delete()
        return removed

    def _remove_copies(self, now: datetime) -> int:
        folders, keeping = self._folders, self._keeping
        aged, crowded = inbox.remove_old(
            folders.archive,
            older_than=now - keeping.archive,
            bytes_max=keeping.archive_bytes_max,
            is_wanted=lambda _path: True,
        )
        if crowded:
            note(
                EventKind.ARCHIVE_DROPPED,
                f"The archive holds more than {keeping.archive_bytes_max:,} bytes.",
                now=now,
                count=crowded,
            )
        inbox.remove_old(
            folders.rejects,
            older_than=now - keeping.rejects,
            bytes_max=keeping.rejects_bytes_max,
            is_wanted=lambda _path: True,
        )
        inbox.remove_old(
            folders.inbox,
            older_than=now - inbox.PART_KEPT,
            bytes_max=2**63,
            is_wanted=lambda path: path.name.endswith(inbox.PART_SUFFIX),
        )
        for folder in folders.scratch.glob("overflow-*"):
            if folder.stat().st_mtime < (now - OVERFLOW_KEPT).timestamp():
                shutil.rmtree(folder, ignore_errors=True)
        return aged + crowded
