"""Where do ten million realistic records come from? One generated block, moved through time."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from headgate.core.clock import FixedClock, SystemClock
from headgate.traffic.io.parquet import WRITE_OPTIONS
from tests.support.lines import DEFAULT_START, Shape, lines

BLOCK_LINES = 100_000
MERGING_MEMORY_MB = 384  # as in the product's jobs
_STARTED = re.compile(rb'"started_us":"(\d+)"')


@contextmanager
def traffic_store() -> Iterator[Path]:
    """An empty store in a folder of its own, Django set up on it; one per process."""
    with TemporaryDirectory(prefix="headgate-bench-") as folder:
        os.environ["HEADGATE_DATA"] = folder
        from headgate.store import setup

        setup.start(SystemClock().now())
        yield Path(folder)


class Block:
    """A block of lines, `gap_us` apart on average, that can be put anywhere in time."""

    def __init__(self, *, count: int = BLOCK_LINES, gap_us: int) -> None:
        self._text = lines(count, shape=Shape(apis=20, applications=1000, gap_us=gap_us))
        self.count = count
        self.length = timedelta(microseconds=count * gap_us)

    def at(self, offset: timedelta) -> bytes:
        """The block's lines, `offset` later."""
        shift = int(offset.total_seconds() * 1_000_000)
        return _STARTED.sub(lambda m: b'"started_us":"%d"' % (int(m[1]) + shift), self._text)


class Filler:
    """Puts segments into the inbox and stores them by the product's own ingest."""

    def __init__(self, data: Path) -> None:
        from headgate.store.services.traffic.compaction import Compaction
        from headgate.store.services.traffic.ingest import Ingest
        from headgate.traffic.io.engine import INGEST_THREADS, Engine
        from headgate.traffic.io.folders import TrafficFolders

        self.clock = FixedClock(DEFAULT_START)
        self.folders = TrafficFolders(data)
        self.folders.make()
        self._number = 0
        parsing = Engine(self.folders.scratch, threads=INGEST_THREADS)
        self._ingest = Ingest(self.folders, parsing, clock=self.clock, holder="bench")
        merging = Engine(self.folders.scratch / "merging", memory_mb=MERGING_MEMORY_MB)
        self._compaction = Compaction(self.folders, merging, clock=self.clock, holder="bench")

    def place(self, text: bytes) -> None:
        """One sealed segment in the inbox."""
        self._number += 1
        name = f"local-00c0ffee-{self._number:08d}.jsonl"
        (self.folders.inbox / name).write_bytes(text)

    def store(self) -> int:
        """Store what is in the inbox; how many records. The archive is emptied: disk is finite."""
        result = self._ingest.tick()
        shutil.rmtree(self.folders.archive)
        self.folders.make()
        return result.records if result else 0

    def compact(self) -> None:
        """Merge until nothing is due."""
        while True:
            result = self._compaction.tick()
            if result is None or not result.merges:
                break
        self.clock.set(self.clock.now() + timedelta(minutes=5))
        self._compaction.remove_replaced()

    def compact_days(self) -> None:
        """Merge until closed days are one file each: their hours must have rested before."""
        self.compact()
        self.clock.set(self.clock.now() + timedelta(hours=2))
        self.compact()

    def copy_day(self, day: datetime, later: datetime) -> int:
        """List a merged day's file and summary once more, with times of a later day; how many
        records that makes."""
        from headgate.store.models import TrafficFile, TrafficSummary

        moved, copied = later - day, 0
        rows = TrafficFile.objects.filter(replaced_at=None, last_at__gte=day)
        for file in rows.filter(last_at__lt=day + timedelta(days=1)):
            summary = TrafficSummary.objects.get(file=file, replaced_at=None)
            source, records, sums = (
                self.folders.files / path
                for path in (file.path, f"{later:%F}.parquet", f"{later:%F}.summary")
            )
            duckdb.execute(
                f"COPY (SELECT * REPLACE (started_at + INTERVAL {moved.days} DAY AS started_at)"
                f" FROM '{source}') TO '{records}' {WRITE_OPTIONS}"
            )
            shutil.copy(self.folders.files / summary.path, sums)
            for row, path in ((file, records), (summary, sums)):
                row.pk, row.path = None, path.name
                row.first_at, row.last_at = row.first_at + moved, row.last_at + moved
            file.save(force_insert=True)
            summary.file = file
            summary.save(force_insert=True)
            copied += file.records
        return copied

    def clear(self) -> None:
        """Forget all records."""
        from headgate.store.models import TrafficFile, TrafficSegment, TrafficSummary

        for rows in (TrafficSummary.objects, TrafficFile.objects, TrafficSegment.objects):
            rows.all().delete()
        for path in self.folders.files.iterdir():
            if path.is_file():
                path.unlink()
            elif path != self.folders.scratch:  # DuckDB works there
                shutil.rmtree(path)

    def bytes_stored(self) -> int:
        """Size of all Parquet files, summaries included."""
        return sum(path.stat().st_size for path in self.folders.files.rglob("*.parquet"))
