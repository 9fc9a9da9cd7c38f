"""How is the traffic store, and what should be done about it? For `headgate status`."""

import shutil
from dataclasses import dataclass
from datetime import timedelta

from headgate.core.units import count
from headgate.store.models import Lease, TrafficEvent, TrafficFile
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.traffic import ingest
from headgate.store.services.traffic.mishaps import EventKind
from headgate.store.services.traffic.reading import reader
from headgate.traffic.io import inbox

LAG_SECONDS_MAX = 10.0  # more than this is a problem; the promise is three seconds
EVENT_NEWS = timedelta(hours=1)  # how long an event counts as something that is wrong
LEASE_SILENCE = timedelta(seconds=10)
DISK_FREE_BYTES_MIN = 1024**3
EVENTS_TOLD = frozenset(EventKind) - {EventKind.ORPHAN_REMOVED, EventKind.RECORDS_REMOVED}

NEXT_STEPS = {
    EventKind.LINES_REJECTED: "Look at the lines in DATA/rejects; they were counted, not stored.",
    EventKind.REJECTS_NOT_KEPT: "Empty DATA/rejects when you have seen the lines.",
    EventKind.SEGMENT_CONFLICT: "Two nodes may have the same name: compare `headgate status`.",
    EventKind.SEGMENT_REFUSED: "The segment is in DATA/rejects: report it with the job's log.",
    EventKind.SEGMENT_NAME: "The file is in DATA/rejects; nothing but segments goes to the inbox.",
    EventKind.LOOP_FAILED: "It is tried again; free disk space or mend the database if it lasts.",
    EventKind.FILE_MISSING: "Restore the files from a backup and start again.",
    EventKind.ARCHIVE_DROPPED: "Give the data folder more room, or keep fewer segments.",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong, and what to do about it."""

    detail: str
    next_step: str


@dataclass(frozen=True, slots=True)
class TrafficStatus:
    """`lag_seconds` is the age of the oldest segment that is not stored, 0 without any."""

    segments_waiting: int
    bytes_waiting: int
    lag_seconds: float
    ingest_holder: str
    batches_stored: int
    files: int
    records: int
    size_bytes: int
    rejected_lines: int
    problems: tuple[Trouble, ...]


def status(actor: Actor) -> TrafficStatus:
    """The state of the traffic store.

    Raises:
        Problem: FORBIDDEN without the scope `read`, or for an organization's actor.
    """
    actor.require_operator(Scope.READ, "status")
    folders = reader().folders
    waiting, _ = inbox.waiting(folders)
    oldest = min((item.modified_at for item in waiting), default=actor.at.timestamp())
    lag = max(0.0, actor.at.timestamp() - oldest)
    lease = Lease.objects.filter(name=ingest.LEASE).first()
    is_held = lease is not None and bool(lease.holder)
    files = list(TrafficFile.objects.filter(replaced_at=None).values_list("records", "size_bytes"))
    events = {row.kind: row for row in TrafficEvent.objects.all()}
    problems = [
        *_ingest_problems(actor, lease, lag, len(waiting)),
        *_event_problems(actor, events),
    ]
    free = shutil.disk_usage(folders.data).free
    if free < DISK_FREE_BYTES_MIN:
        problems.append(
            Trouble(
                f"The disk of {folders.data} has {free // 2**20:,} MiB left.",
                "Free some space: without it records wait in the spool.",
            )
        )
    rejected = events.get(EventKind.LINES_REJECTED)
    return TrafficStatus(
        segments_waiting=len(waiting),
        bytes_waiting=sum(item.size_bytes for item in waiting),
        lag_seconds=round(lag, 1),
        ingest_holder=lease.holder if lease is not None and is_held else "",
        batches_stored=lease.progress if lease else 0,
        files=len(files),
        records=sum(row[0] for row in files),
        size_bytes=sum(row[1] for row in files),
        rejected_lines=rejected.count if rejected else 0,
        problems=tuple(problems),
    )


def _ingest_problems(actor: Actor, lease: Lease | None, lag: float, waiting: int) -> list[Trouble]:
    if lease is None or lease.expires_at + LEASE_SILENCE < actor.at:
        since = (
            "never run" if lease is None else f"not run since {lease.expires_at:%Y-%m-%d %H:%M:%S}Z"
        )
        return [
            Trouble(
                f"Nothing stores traffic: the ingest has {since}.",
                "Start `headgate jobs` (`headgate up` does), and look at its log.",
            )
        ]
    if lag > LAG_SECONDS_MAX:
        return [
            Trouble(
                f"{count(waiting, 'segment')} wait to be stored, the oldest for {lag:,.0f} s.",
                "Look at the log of `headgate jobs`; a full or slow disk is the usual reason.",
            )
        ]
    return []


def _event_problems(actor: Actor, events: dict[str, TrafficEvent]) -> list[Trouble]:
    found = []
    for kind in sorted(EVENTS_TOLD):
        event = events.get(kind)
        if event is not None and actor.at - event.last_at < EVENT_NEWS:
            words = kind.replace("_", " ")
            detail = f"Traffic: {words} ({event.count:,} in all): {event.detail}"
            found.append(Trouble(detail, NEXT_STEPS[kind]))
    return found
