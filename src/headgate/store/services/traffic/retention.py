"""What has been kept long enough? Files are unlinked, rows deleted, and removals counted."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Sum

from headgate.core.clock import Clock
from headgate.store.models import TrafficFile, TrafficSegment, TrafficSummary
from headgate.store.services import leases
from headgate.store.services.traffic.compaction import LEASE, LEASE_LENGTH
from headgate.store.services.traffic.mishaps import EventKind, note
from headgate.traffic.compaction import VALUES_KEPT
from headgate.traffic.io import inbox
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.retention import Aged, Keeping, summaries_to_remove, to_remove

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
        self._remove_summaries(now)
        rows = self._remove_segments(now)
        archived = self._remove_copies(now)
        leases.release(held, now=self._clock.now())
        return RetentionResult(files, rows, archived)

    def _remove_records(self, now: datetime) -> int:
        rows = TrafficFile.objects.filter(replaced_at=None)
        files = [
            Aged(pk, now - last_at, size, has_summary=bool(summaries))
            for pk, last_at, size, summaries in rows.annotate(
                summaries=Count("trafficsummary")
            ).values_list("pk", "last_at", "size_bytes", "summaries")
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

    def _remove_summaries(self, now: datetime) -> None:
        rows = TrafficSummary.objects.filter(replaced_at=None)
        files = [
            Aged(pk, now - last_at, size)
            for pk, last_at, size in rows.values_list("pk", "last_at", "size_bytes")
        ]
        removed = summaries_to_remove(files, self._keeping)
        for start in range(0, len(removed), ROWS_PER_DELETE):
            rows.filter(pk__in=removed[start : start + ROWS_PER_DELETE]).update(replaced_at=now)

    def _remove_segments(self, now: datetime) -> int:
        """Forget names of segments: a copy that comes again after so long is none of ours."""
        rows = TrafficSegment.objects.filter(ingested_at__lt=now - self._keeping.segments)
        old = list(rows.values_list("pk", flat=True)[:ROWS_PER_TICK_MAX])
        for start in range(0, len(old), ROWS_PER_DELETE):
            TrafficSegment.objects.filter(pk__in=old[start : start + ROWS_PER_DELETE]).delete()
        return len(old)

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
        inbox.mask_old(folders.rejects, older_than=now - VALUES_KEPT)
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
