"""How does a sealed segment become stored, exactly once?

The Parquet file gets its name first, then one transaction inserts segments, file and totals,
then the segment leaves the inbox. Whatever stops in between is done again or swept up:
a file without its row is not read, a segment with its row is only moved.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import DataError, transaction

from headgate.core.clock import Clock
from headgate.core.problems import Bug
from headgate.store.models import Node, TrafficFile, TrafficSegment, TrafficSummary
from headgate.store.services import leases
from headgate.store.services.consumers import credentials
from headgate.store.services.leases import Held
from headgate.store.services.traffic import totals
from headgate.store.services.traffic.mishaps import EventKind, note
from headgate.traffic.compaction import Tier
from headgate.traffic.io import duck, inbox
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders, place
from headgate.traffic.io.inbox import Waiting
from headgate.traffic.io.parquet import Batch, SegmentFile, Span, write_batch

LEASE = "ingest"
LEASE_LENGTH = timedelta(seconds=5)
BATCH_SEGMENTS_MAX = 256
BATCH_BYTES_MAX = 128 * 1024 * 1024  # of JSON: about 200,000 records, less than a second
GATEWAY_UNKNOWN = ""
SUMMARY_PREFIX = "summary"  # of names of files that hold sums, not records
REFUSALS_MAX = 4  # of one segment by itself, before it is put aside
Checkpoint = Callable[[str], None]
"""Called between the steps of a batch; tests stop there."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What one pass over the inbox did."""

    batches: int = 0
    segments: int = 0
    records: int = 0
    rejected: int = 0
    known: int = 0  # segments that were stored already
    aside: int = 0  # files that are no segments or contradict the catalog

    def __add__(self, other: "IngestResult") -> "IngestResult":
        return IngestResult(
            self.batches + other.batches,
            self.segments + other.segments,
            self.records + other.records,
            self.rejected + other.rejected,
            self.known + other.known,
            self.aside + other.aside,
        )


class Ingest:
    """The writer of the traffic store; any number may run, one at a time works."""

    def __init__(
        self,
        folders: TrafficFolders,
        engine: Engine,
        *,
        clock: Clock,
        holder: str,
        checkpoint: Checkpoint = lambda _step: None,
    ) -> None:
        self._folders = folders
        self._engine = engine
        self._clock = clock
        self._holder = holder
        self._checkpoint = checkpoint
        self._held: Held | None = None
        self._suspects: dict[str, int] = {}  # segments by failures, to be stored one by one

    def tick(self) -> IngestResult | None:
        """Store what is in the inbox now; None while another process holds the lease.

        Raises:
            LeaseLostError, duckdb.Error, OSError, django.db.Error: nothing is lost, try again.
        """
        held = self._lease()
        if held is None:
            return None
        found, strange = inbox.waiting(self._folders)
        result = IngestResult(aside=self._put_aside(strange))
        try:
            for segments in batches(found, alone=self._suspects):
                result += self._store_or_suspect(segments, self._held or held)
        except BaseException:
            self._held = None  # the next pass starts from what the catalog says
            raise
        return result

    def release(self) -> None:
        """Let another process go on at once."""
        if self._held is not None:
            leases.release(self._held, now=self._clock.now())
            self._held = None

    def _lease(self) -> Held | None:
        now = self._clock.now()
        if self._held is None:
            self._held = leases.take(LEASE, holder=self._holder, now=now, length=LEASE_LENGTH)
            if self._held is not None:
                remove_orphans(self._folders, "batch", self._held.token, now)
        elif self._held.expires_at - now < LEASE_LENGTH / 2 or self._held.expires_at < now:
            try:
                self._held = leases.prove(self._held, now=now)
            except leases.LeaseLostError:
                self._held = None
        return self._held

    def _store_or_suspect(self, segments: Sequence[Waiting], held: Held) -> IngestResult:
        """One segment that cannot be stored must not keep all others waiting."""
        first = segments[0]
        if self._suspects.get(first.name, 0) >= REFUSALS_MAX:
            del self._suspects[first.name]
            self._refuse(first)
            return IngestResult(aside=1)
        try:
            result = self._store(segments, held)
        except duck.IOException:
            raise
        except (Bug, ValueError, DataError, duck.Error):  # not OSError: the disk is full
            for item in segments:
                self._suspects[item.name] = self._suspects.get(item.name, 0) + 1
            raise
        for item in segments:
            self._suspects.pop(item.name, None)
        return result

    def _refuse(self, item: Waiting) -> None:
        now = self._clock.now()
        inbox.put_aside(self._folders, item.path, now)
        note(
            EventKind.SEGMENT_REFUSED,
            f"Segment {item.name} failed {REFUSALS_MAX} times; it is in {self._folders.rejects}.",
            now=now,
        )

    def _store(self, segments: Sequence[Waiting], held: Held) -> IngestResult:
        new, known, aside = self._sorted_out(segments)
        if not new:
            return IngestResult(known=known, aside=aside)
        number = held.progress + 1
        scratch = self._folders.scratch / f"batch-{number:08d}-t{held.token}.parquet"
        node = new[0].node
        batch = write_batch(
            self._engine,
            [SegmentFile(item.name, item.path, at) for at, item in enumerate(new, number)],
            scratch,
            scratch=self._folders.scratch,
            node=node,
            gateway=gateway_of(node),
        )
        self._checkpoint("written")
        target = self._placed(batch, scratch)
        self._checkpoint("placed")
        try:
            self._commit(node, batch, target, held)
        except BaseException:
            if (
                target is not None
                and not TrafficFile.objects.filter(
                    path=str(target.relative_to(self._folders.files))
                ).exists()
            ):
                target.unlink(missing_ok=True)
            raise
        self._checkpoint("committed")
        for item in new:
            inbox.archive(self._folders, item.path)
        self._checkpoint("archived")
        return IngestResult(
            batches=1,
            segments=len(new),
            records=sum(item.records for item in batch.segments),
            rejected=sum(item.rejected for item in batch.segments),
            known=known,
            aside=aside,
        )

    def _sorted_out(self, segments: Sequence[Waiting]) -> tuple[list[Waiting], int, int]:
        """The segments that are not stored yet; stored ones leave the inbox."""
        names = [item.name for item in segments]
        sizes = dict(
            TrafficSegment.objects.filter(name__in=names).values_list("name", "size_bytes")
        )
        now = self._clock.now()
        new: list[Waiting] = []
        known = aside = 0
        for item in segments:
            if item.name not in sizes:
                new.append(item)
            elif sizes[item.name] == item.size_bytes:
                inbox.archive(self._folders, item.path)
                known += 1
            else:
                inbox.put_aside(self._folders, item.path, now)
                note(
                    EventKind.SEGMENT_CONFLICT,
                    f"Segment {item.name} was stored with {sizes[item.name]:,} bytes and came"
                    f" again with {item.size_bytes:,}; it is in {self._folders.rejects}.",
                    now=now,
                )
                aside += 1
        return new, known, aside

    def _placed(self, batch: Batch, scratch: Path) -> Path | None:
        if batch.span is None:
            return None
        target = self._folders.files / f"{batch.span.first_at:%Y-%m-%d}" / scratch.name
        place(scratch, target)
        return target

    def _commit(self, node: str, batch: Batch, target: Path | None, held: Held) -> None:
        now = self._clock.now()
        progress = held.progress + len(batch.segments)
        for segment in batch.segments:
            if segment.rejected:
                self._keep_rejects(segment.name, batch, now)
        with transaction.atomic():
            held = leases.prove(held, now=now, progress=progress)
            TrafficSegment.objects.bulk_create(
                TrafficSegment(
                    name=item.name,
                    node=node,
                    batch=item.number,
                    lines=item.lines,
                    records=item.records,
                    rejected=item.rejected,
                    size_bytes=item.size_bytes,
                    ingested_at=now,
                )
                for item in batch.segments
            )
            if target is not None and batch.span is not None:
                list_file(self._folders, target, batch.span, now)
            totals.add(node, batch.totals)
            credentials.note_use(batch.last_used)
            rejected = sum(item.rejected for item in batch.segments)
            if rejected:
                worst = max(batch.segments, key=lambda item: item.rejected)
                reason = worst.rejects[0].reason if worst.rejects else "unknown"
                note(
                    EventKind.LINES_REJECTED,
                    f"Segment {worst.name}: {reason}",
                    now=now,
                    count=rejected,
                )
            self._checkpoint("before_commit")
        self._held = held

    def _keep_rejects(self, name: str, batch: Batch, now: datetime) -> None:
        segment = next(item for item in batch.segments if item.name == name)
        is_kept = inbox.keep_rejects(
            self._folders, name, segment.rejects, bytes_max=inbox.REJECTS_BYTES_MAX
        )
        if not is_kept:
            note(
                EventKind.REJECTS_NOT_KEPT,
                f"{self._folders.rejects} holds {inbox.REJECTS_BYTES_MAX:,} bytes: the lines"
                f" of {name} were counted, not kept.",
                now=now,
                count=segment.rejected,
            )

    def _put_aside(self, strange: Sequence[Path]) -> int:
        now = self._clock.now()
        for path in strange:
            inbox.put_aside(self._folders, path, now)
            note(EventKind.SEGMENT_NAME, f"{path.name} is not the name of a segment.", now=now)
        return len(strange)


def batches(found: Sequence[Waiting], *, alone: Collection[str] = ()) -> Iterator[list[Waiting]]:
    """Segments to be read together: of one node, in order, within the limits of a batch.

    Those named in `alone` come last, one by one.
    """
    some: list[Waiting] = []
    size = 0
    together = [item for item in found if item.name not in alone]
    for item in sorted(together, key=lambda item: (item.node, item.name)):
        is_full = len(some) == BATCH_SEGMENTS_MAX or size + item.size_bytes > BATCH_BYTES_MAX
        if some and (is_full or item.node != some[0].node):
            yield some
            some, size = [], 0
        some.append(item)
        size += item.size_bytes
    if some:
        yield some
    yield from ([item] for item in found if item.name in alone)


def gateway_of(node: str) -> str:
    """The name of the gateway that a node, by name or id, belongs to; empty when unknown."""
    rows = Node.objects.filter(name=node) | Node.objects.filter(id=node)
    found = rows.order_by("-row").values_list("gateway__name", flat=True).first()
    return found or GATEWAY_UNKNOWN


def list_file(folders: TrafficFolders, target: Path, span: Span, now: datetime) -> None:
    """Insert the catalog row of a batch's file, in the caller's transaction."""
    TrafficFile.objects.create(
        path=str(target.relative_to(folders.files)),
        tier=Tier.BATCH,
        records=span.records,
        size_bytes=span.size_bytes,
        first_at=span.first_at,
        last_at=span.last_at,
        batch_first=span.batch_first,
        batch_last=span.batch_last,
        created_at=now,
    )


def remove_orphans(folders: TrafficFolders, prefix: str, token: int, now: datetime) -> int:
    """Remove files of earlier holders that the catalog does not list, and their scratch files.

    Called right after the lease was taken: a file with a smaller token can no longer be listed,
    because its writer cannot commit any more.
    """
    removed = 0
    model = TrafficSummary if prefix == SUMMARY_PREFIX else TrafficFile
    for path in folders.scratch.glob(f"clean-{prefix}-*"):
        path.unlink(missing_ok=True)
    for path in folders.files.glob(f"*/{prefix}-*.parquet"):
        if _token_of(path) >= token:
            continue
        is_scratch = path.parent == folders.scratch
        listed = model._default_manager.filter(path=str(path.relative_to(folders.files)))  # noqa: SLF001  # Django's public name for it
        if is_scratch or not listed.exists():
            path.unlink(missing_ok=True)
            removed += not is_scratch
    if removed:
        note(EventKind.ORPHAN_REMOVED, f"{removed} files of an earlier writer.", now=now)
    return removed


def _token_of(path: Path) -> int:
    text = path.stem.rpartition("-t")[2]
    return int(text) if text.isdecimal() else 0
