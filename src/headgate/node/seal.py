"""How does a live log become a finished segment without losing or doubling a line?

1. hard-link `log/access.log` to `spool/<node>-<boot>-<seq>.jsonl`   (one file, two names)
2. sync the spool folder
3. unlink `log/access.log`
4. ask Envoy to reopen its logs, wait until a new `log/access.log` exists

From then on Envoy has closed the file in the spool: it is sealed. A kill between any two steps
leaves a state that `recover` recognises: the same file under both names (go on with 2), or no
`access.log` although Envoy runs (go on with 4). A name is reserved on disk before it is used
and is never used again.

Source: envoyproxy.io, "Administration interface", `/reopen_logs`; link(2).
"""

import asyncio
import os
from pathlib import Path

import structlog

from headgate.model.node import SegmentName, parse_segment_name
from headgate.node.admin import EnvoyAdmin, EnvoySilent
from headgate.node.durable import FILE_MODE, is_same_file, sync_folder
from headgate.node.paths import NodePaths
from headgate.node.spool import SUFFIX, segment_path

REOPEN_SECONDS_MAX = 5.0
REOPEN_POLL_SECONDS = 0.002
DRAINING_PREFIX = "draining-"  # log of an Envoy that is being replaced, by its boot
AFTER_BOOT_SEQUENCE = 90_000_000  # numbers of logs sealed when another boot already counts

_log = structlog.get_logger()


class Sealer:
    """Seals the logs of one node. One task uses it at a time.

    `pending` is the spool file that Envoy may still write to: it must not be shipped.
    `settled` is set once that is known, after a start.
    """

    def __init__(self, paths: NodePaths, node: str) -> None:
        self._paths = paths
        self._node = node
        self._boot = ""
        self._sequence = 0
        self._lock = asyncio.Lock()
        self.pending: Path | None = None
        self.settled = asyncio.Event()

    def begin_boot(self, boot: str) -> None:
        """Name the segments of the Envoy process `boot` (8 hex digits) from now on."""
        self._boot = boot
        self._sequence = _last_sequence(self._paths, self._node, boot)

    async def seal(self, admin: EnvoyAdmin) -> SegmentName | None:
        """Seal what has been written since the last time; None when there is nothing.

        Raises:
            EnvoySilent: Envoy did not reopen its logs. The next call goes on from there.
            OSError: the disk refused a step. The next call tries it again.
        """
        async with self._lock:
            log = self._paths.access_log
            if self.pending is None and log.exists():
                if not _has_lines(log):
                    return None
                self.pending = self._link(log, self._boot)
            return await self._finish(admin)

    async def recover(self, admin: EnvoyAdmin) -> None:
        """Take up what a killed agent left half done beside a running Envoy.

        Raises:
            EnvoySilent, OSError: as `seal`; the next `seal` goes on from there.
        """
        async with self._lock:
            log = self._paths.access_log
            self.pending = _other_name(self._paths, log)
            if self.pending is None and not log.exists():
                self.pending = self._newest()
            self.settled.set()
            if self.pending is not None or not log.exists():
                await self._finish(admin)

    def seal_left_over(self, log: Path, boot: str) -> SegmentName | None:
        """Seal the log of a process that has ended; None when there was nothing in it.

        A line that the process did not finish gets its line end here, so that it can never
        run into another one; the ingest counts it as rejected.

        Raises:
            OSError: the disk refused a step; calling again goes on from there.
        """
        if log == self._paths.access_log:
            self.pending = None  # nobody writes to it any more
        linked = _other_name(self._paths, log)
        if not log.exists():
            return None
        if linked is None and not _has_lines(log):
            log.unlink()
            return None
        _end_last_line(log)
        target = linked or self._link(log, boot)
        sync_folder(self._paths.spool)
        log.unlink()
        _log.info("sealed a left-over log", segment=target.stem)
        return parse_segment_name(target.stem)

    def draining_log(self, boot: str) -> Path:
        """Where the log of an Envoy lies that is being replaced."""
        return self._paths.log / f"{DRAINING_PREFIX}{boot}.log"

    def left_over_draining_logs(self) -> list[tuple[Path, str]]:
        """Logs of replaced Envoys that were not sealed yet, each with its boot."""
        return [
            (path, path.stem.removeprefix(DRAINING_PREFIX))
            for path in sorted(self._paths.log.glob(f"{DRAINING_PREFIX}*.log"))
        ]

    def _link(self, log: Path, boot: str) -> Path:
        """Step 1, under a name that was never used."""
        sequence = self._sequence
        if boot != self._boot:
            # The file of the last number speaks of the new boot, and shipped segments are gone:
            # what this boot counted to is not known, but it never sealed for so many seconds.
            last = _last_sequence(self._paths, self._node, boot)
            sequence = max(last, AFTER_BOOT_SEQUENCE)
        while True:
            sequence += 1
            if boot == self._boot:
                self._reserve(sequence)
            target = segment_path(self._paths.spool, SegmentName(self._node, boot, sequence))
            try:
                os.link(log, target)
            except FileExistsError:
                continue
            return target

    def _reserve(self, sequence: int) -> None:
        """Remember the number in place: overwriting needs no room on a full disk."""
        self._sequence = sequence
        flags = os.O_WRONLY | os.O_CREAT
        descriptor = os.open(self._paths.sequence, flags, FILE_MODE)
        try:
            os.pwrite(descriptor, f"{self._boot} {sequence:08d}\n".encode(), 0)
        finally:
            os.close(descriptor)

    async def _finish(self, admin: EnvoyAdmin) -> SegmentName | None:
        """Steps 2 to 4; safe to repeat."""
        pending = self.pending
        if pending is not None:
            await asyncio.to_thread(sync_folder, self._paths.spool)
            if is_same_file(self._paths.access_log, pending):
                self._paths.access_log.unlink()
        await self._reopen(admin)
        self.pending = None
        return parse_segment_name(pending.stem) if pending else None

    def _newest(self) -> Path | None:
        """The last segment of this boot: without an `access.log`, Envoy still writes to it."""
        name = SegmentName(self._node, self._boot, self._sequence)
        path = segment_path(self._paths.spool, name)
        return path if path.exists() else None

    async def _reopen(self, admin: EnvoyAdmin) -> None:
        await admin.reopen_logs()
        deadline = asyncio.get_running_loop().time() + REOPEN_SECONDS_MAX
        while not self._paths.access_log.exists():
            if asyncio.get_running_loop().time() > deadline:
                raise EnvoySilent(f"Envoy did not open a new log within {REOPEN_SECONDS_MAX:g} s")
            await asyncio.sleep(REOPEN_POLL_SECONDS)


def _has_lines(log: Path) -> bool:
    try:
        return log.stat().st_size > 0
    except FileNotFoundError:
        return False


def _other_name(paths: NodePaths, log: Path) -> Path | None:
    """The spool's name of `log`, when a seal stopped between linking and unlinking."""
    try:
        stat = log.stat()
    except FileNotFoundError:
        return None
    if stat.st_nlink < 2:
        return None
    found = (path for path in paths.spool.glob(f"*{SUFFIX}") if is_same_file(log, path))
    return next(found, None)


def _end_last_line(log: Path) -> None:
    with log.open("r+b") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _last_sequence(paths: NodePaths, node: str, boot: str) -> int:
    """The highest number that was ever given to a segment of `boot` on this disk."""
    numbers = [0]
    for path in paths.spool.glob(f"{node}-{boot}-*{SUFFIX}"):
        try:
            numbers.append(parse_segment_name(path.stem).sequence)
        except ValueError:
            continue
    try:
        kept_boot, _, number = paths.sequence.read_text().strip().partition(" ")
        if kept_boot == boot:
            numbers.append(int(number))
    except (FileNotFoundError, ValueError, UnicodeDecodeError):
        pass
    return max(numbers)
