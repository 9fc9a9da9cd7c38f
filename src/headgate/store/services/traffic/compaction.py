"""How do many small files become few large ones, without any reader noticing?

The merged file and its summary are written first, then one transaction swaps the catalog rows,
then the old files are unlinked after a grace period in which running queries end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from headgate.core.clock import Clock
from headgate.core.problems import Bug
from headgate.store.models import Operation, TrafficFile, TrafficSummary
from headgate.store.services import leases
from headgate.store.services.leases import Held
from headgate.store.services.traffic.ingest import SUMMARY_PREFIX, remove_orphans
from headgate.store.services.traffic.mishaps import EventKind, note
from headgate.traffic.compaction import (
    FINAL_COLUMNS,
    ListedFile,
    Merge,
    Tier,
    plan,
)
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders, place
from headgate.traffic.io.parquet import Span, merge_files
from headgate.traffic.io.sums import write_summary
from headgate.traffic.summaries import families_for

LEASE = "compaction"
LEASE_LENGTH = timedelta(seconds=120)  # a merge of the largest size takes a quarter of it
GRACE = timedelta(seconds=60)  # between the swap and the unlink: no query runs that long
MERGES_PER_TICK_MAX = 16
REMOVED_PER_TICK_MAX = 500  # files; also below SQLite's limit of parameters

Templates = dict[tuple[str, str, str], str]


@dataclass(frozen=True, slots=True)
class CompactionResult:
    """What one pass did."""

    merges: int
    files_merged: int
    files_removed: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary that was written, not yet listed."""

    path: Path
    rows: int
    families: int


class Compaction:
    """Merges files; any number may run, one at a time works."""

    def __init__(
        self, folders: TrafficFolders, engine: Engine, *, clock: Clock, holder: str
    ) -> None:
        self._folders = folders
        self._engine = engine
        self._clock = clock
        self._holder = holder
        self._is_swept = False  # files of a killed predecessor are removed once

    def tick(self) -> CompactionResult | None:
        """Merge what is due, remove what was replaced; None while another process does it.

        Raises:
            LeaseLostError, duckdb.Error, OSError, django.db.Error: nothing is lost, try again.
        """
        now = self._clock.now()
        is_due = any(
            rows.filter(replaced_at__lt=now - GRACE).exists()
            for rows in (TrafficFile.objects.all(), TrafficSummary.objects.all())
        )
        if self._is_swept and not plan(listed_files(), now) and not is_due:
            return CompactionResult(0, 0, 0)
        held = leases.take(LEASE, holder=self._holder, now=now, length=LEASE_LENGTH)
        if held is None:
            return None
        for prefix in ("merge", SUMMARY_PREFIX):
            remove_orphans(self._folders, prefix, held.token, now)
        self._is_swept = True
        merges = plan(listed_files(), now)[:MERGES_PER_TICK_MAX]
        for merge in merges:
            held = self._merge(merge, held)
        removed = self.remove_replaced()
        leases.release(held, now=self._clock.now())
        return CompactionResult(len(merges), sum(len(m.files) for m in merges), removed)

    def remove_replaced(self) -> int:
        """Unlink files whose grace period is over, then forget them; how many held records."""
        limit = self._clock.now() - GRACE
        _remove(self._folders, TrafficSummary.objects.filter(replaced_at__lt=limit))
        return _remove(self._folders, TrafficFile.objects.filter(replaced_at__lt=limit))

    def _merge(self, merge: Merge, held: Held) -> Held:
        paths = [self._folders.files / file.path for file in merge.files]
        if missing := [path for path in paths if not path.exists()]:
            return self._forget_missing(missing, held)
        name = f"merge-{merge.files[0].id:010d}-t{held.token}.parquet"
        scratch = self._folders.scratch / name
        span = merge_files(
            self._engine,
            paths,
            scratch,
            replaced=FINAL_COLUMNS if merge.is_final else None,
            templates=operation_templates() if merge.is_final else None,
        )
        if span.records != sum(file.records for file in merge.files):
            raise Bug(f"merging {len(paths)} files changed the number of records")
        day = self._folders.files / f"{span.last_at:%Y-%m-%d}"
        families = families_for(merge.tier, span.records)
        is_same = has_summary(merge.files, families)
        summary = None
        if families and not is_same:
            summary = self._summarized(scratch, day / f"{SUMMARY_PREFIX}-{name}", families)
        place(scratch, day / name)
        return swap(
            self._folders,
            merge.files,
            day / name,
            span,
            held=held,
            clock=self._clock,
            tier=merge.tier,
            is_final=merge.is_final,
            summary=summary,
            is_same=is_same,
        )

    def _summarized(self, records: Path, target: Path, families: int) -> Summary:
        scratch = self._folders.scratch / target.name
        rows = write_summary(self._engine, records, scratch, families=families)
        place(scratch, target)
        return Summary(target, rows, families)

    def _forget_missing(self, missing: Sequence[Path], held: Held) -> Held:
        """Somebody removed files by hand: say so and go on with those that are there."""
        now = self._clock.now()
        names = [str(path.relative_to(self._folders.files)) for path in missing]
        with transaction.atomic():
            held = leases.prove(held, now=now)
            rows = TrafficFile.objects.filter(path__in=names, replaced_at=None)
            lost = sum(rows.values_list("records", flat=True))
            rows.update(replaced_at=now)
            note(
                EventKind.FILE_MISSING,
                f"{len(names)} files with {lost:,} records are gone, the first is {names[0]}.",
                now=now,
                count=len(names),
            )
        return held


def _remove(folders: TrafficFolders, rows: Any) -> int:
    some = list(rows[:REMOVED_PER_TICK_MAX])
    for row in some:
        (folders.files / row.path).unlink(missing_ok=True)
    rows.model.objects.filter(pk__in=[row.pk for row in some]).delete()
    return len(some)


def listed_files() -> list[ListedFile]:
    """The catalog, for planning."""
    rows = TrafficFile.objects.filter(replaced_at=None).values_list(
        "pk",
        "path",
        "tier",
        "size_bytes",
        "records",
        "first_at",
        "last_at",
        "created_at",
        "is_final",
    )
    return [ListedFile(row[0], row[1], Tier(row[2]), *row[3:]) for row in rows.iterator()]


def has_summary(files: Sequence[ListedFile], families: int) -> bool:
    """Whether this is one file, only written anew, whose summary has as many families already."""
    known = TrafficSummary.objects.filter(
        file=files[0].id, replaced_at=None, families__gte=families
    )
    return len(files) == 1 and known.exists()


def swap(
    folders: TrafficFolders,
    old: Sequence[ListedFile],
    target: Path,
    span: Span,
    *,
    held: Held,
    clock: Clock,
    tier: Tier,
    is_final: bool,
    summary: Summary | None = None,
    is_same: bool = False,
) -> Held:
    """List `target` in place of `old`, with its summary, in one transaction.

    `is_same`: the summary of `old` stands for `target` as well, and stays.

    Raises:
        LeaseLostError: another process works on the files.
        Bug: one of `old` is listed no more, although the lease was held.
    """
    now = clock.now()
    with transaction.atomic():
        held = leases.prove(held, now=now, progress=held.progress + 1)
        replaced = TrafficFile.objects.filter(
            pk__in=[file.id for file in old], replaced_at=None
        ).update(replaced_at=now)
        if replaced != len(old):
            raise Bug("a file was replaced twice")
        file = TrafficFile.objects.create(
            path=str(target.relative_to(folders.files)),
            tier=tier,
            records=span.records,
            size_bytes=span.size_bytes,
            first_at=span.first_at,
            last_at=span.last_at,
            batch_first=span.batch_first,
            batch_last=span.batch_last,
            is_final=is_final,
            created_at=now,
        )
        known = TrafficSummary.objects.filter(file__in=[file.id for file in old], replaced_at=None)
        if is_same:
            known.update(file=file)
        else:
            known.update(replaced_at=now)
        if summary is not None:
            TrafficSummary.objects.create(
                path=str(summary.path.relative_to(folders.files)),
                file=file,
                records=span.records,
                rows=summary.rows,
                families=summary.families,
                size_bytes=summary.path.stat().st_size,
                first_at=span.first_at,
                last_at=span.last_at,
                created_at=now,
            )
    return held


def operation_templates() -> Templates:
    """The path template of every operation that was ever imported, by (api, version, id)."""
    rows = Operation.objects.values_list(
        "version__api__name", "version__name", "id", "version__base_path", "path"
    )
    return {
        (api, version, operation): base_path + path
        for api, version, operation, base_path, path in rows.iterator()
    }
