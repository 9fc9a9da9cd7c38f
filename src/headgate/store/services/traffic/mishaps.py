"""What went wrong in the traffic store, and how often?"""

from datetime import datetime
from enum import StrEnum

from django.db.models import F

from headgate.store.models import TrafficEvent

DETAIL_CHARACTERS_MAX = 500


class EventKind(StrEnum):
    """Everything in the traffic store that is counted because it should not happen."""

    LINES_REJECTED = "lines_rejected"
    REJECTS_NOT_KEPT = "rejects_not_kept"  # the folder of rejects is full
    SEGMENT_CONFLICT = "segment_conflict"  # a stored name came again with another size
    SEGMENT_REFUSED = "segment_refused"  # failed alone again and again: put aside
    SEGMENT_NAME = "segment_name"  # a file in the inbox that is no segment
    LOOP_FAILED = "loop_failed"
    FILE_MISSING = "file_missing"  # the catalog lists a file that is not there
    ORPHAN_REMOVED = "orphan_removed"  # a file that no catalog row names
    ARCHIVE_DROPPED = "archive_dropped"  # archived segments removed before their time
    RECORDS_REMOVED = "records_removed"  # by retention


def note(kind: EventKind, detail: str, *, now: datetime, count: int = 1) -> None:
    """Count an event and keep its latest words; takes part in the caller's transaction."""
    words = detail.replace("\0", "")[:DETAIL_CHARACTERS_MAX]
    rows = TrafficEvent.objects.filter(kind=kind)
    if not rows.update(count=F("count") + count, last_at=now, detail=words):
        TrafficEvent.objects.create(kind=kind, count=count, last_at=now, detail=words)
