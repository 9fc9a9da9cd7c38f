"""What does the node tell the control plane about itself, every few seconds and at every change?"""

import shutil
from dataclasses import dataclass
from datetime import datetime

from headgate import __version__
from headgate.core.clock import Clock
from headgate.core.problems import DependencyError
from headgate.model.node import NodeReport
from headgate.node.access_sync import COUNTERS_PER_REPORT_MAX, AccessKeeper
from headgate.node.admin import EnvoyAdmin
from headgate.node.control_plane import ControlPlane
from headgate.node.paths import NodePaths
from headgate.node.snapshot_sync import Revisions
from headgate.node.spool import list_sealed, measure
from headgate.node.supervise import Supervisor
from headgate.node.troubles import Topic, Troubles

REPORT_SECONDS = 5.0
CLOCK_STEP_SECONDS_MIN = 0.5  # smaller corrections are a time daemon at work
CLOCK_TROUBLE_SECONDS = 3600.0
DISK_FREE_BYTES_MIN = 64 * 1024**2


class ClockWatch:
    """Notices when the machine's clock steps back, by comparing it with one that cannot."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._now_offset()
        self._last_step_at: float | None = None
        self.steps = 0
        self.last_step_seconds = 0.0

    def look(self) -> None:
        """Compare once; call it every few seconds."""
        offset = self._now_offset()
        if offset < self._offset - CLOCK_STEP_SECONDS_MIN:
            self.steps += 1
            self.last_step_seconds = self._offset - offset
            self._last_step_at = self._clock.monotonic()
        self._offset = offset

    @property
    def is_recent(self) -> bool:
        """Whether the last step is less than an hour ago."""
        if self._last_step_at is None:
            return False
        return self._clock.monotonic() - self._last_step_at < CLOCK_TROUBLE_SECONDS

    def _now_offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()


class WriteFailures:
    """Log lines that Envoy could not write, over all its processes since the agent's start."""

    def __init__(self) -> None:
        self._before = 0
        self._last = 0
        self.total = 0
        self.is_growing = False

    def note(self, reading: int) -> None:
        """Take one reading of Envoy's counter; a smaller one comes from a new process."""
        if reading < self._last:
            self._before += self._last
        self._last = reading
        self.is_growing = self._before + reading > self.total
        self.total = self._before + reading


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an agent that a report speaks of."""

    node: str
    envoy_version: str
    paths: NodePaths
    supervisor: Supervisor
    revisions: Revisions
    keeper: AccessKeeper
    troubles: Troubles


class Reporter:
    """Sends reports. Counters are repeated until a report that holds them was accepted."""

    def __init__(self, parts: Parts, control_plane: ControlPlane, clock: Clock) -> None:
        self._parts = parts
        self._control_plane = control_plane
        self._clock = clock
        self._clock_watch = ClockWatch(clock)
        self._failures = WriteFailures()

    async def look(self) -> None:
        """Look after clock, disk and Envoy's log; done even while nobody can be told."""
        self._clock_watch.look()
        self._judge_clock()
        self._judge_disk()
        admin = self._parts.supervisor.admin
        if admin is not None and self._parts.supervisor.serving.is_set():
            await self._judge_log(admin)

    async def send(self) -> None:
        """Send one report.

        Raises:
            DependencyError: the control plane cannot be reached or refuses it.
        """
        report = await self.report(self._clock.now())
        await self._control_plane.report(report)
        await self._parts.keeper.accept(report.counters)
        if len(report.counters) == COUNTERS_PER_REPORT_MAX:
            self._parts.troubles.changed.set()  # there may be more: report again at once

    async def report(self, at: datetime) -> NodeReport:
        """How the node is."""
        parts = self._parts
        size = measure(list_sealed(parts.paths.spool))
        health = await parts.keeper.health()
        return NodeReport(
            node=parts.node,
            reported_at=at,
            agent_version=__version__,
            envoy_version=parts.envoy_version,
            envoy_state=parts.supervisor.state,
            envoy_restarts=parts.supervisor.restarts,
            revision_seen=parts.revisions.seen,
            revision_live=parts.revisions.live,
            revision_error=parts.revisions.error,
            access_generation=parts.keeper.generation,
            access_sequence=parts.keeper.sequence,
            spool_segments=size.segments,
            spool_bytes=size.bytes,
            spool_oldest_at=size.oldest_at,
            log_write_failures=self._failures.total,
            table_dropped=health.dropped,
            clock_steps=max(self._clock_watch.steps, health.clock_steps),
            problems=parts.troubles.sentences(),
            counters=await parts.keeper.counters(),
        )

    def _judge_clock(self) -> None:
        if self._clock_watch.is_recent:
            self._parts.troubles.set(
                Topic.CLOCK,
                f"The clock of this node stepped back {self._clock_watch.steps} times, last by"
                f" {self._clock_watch.last_step_seconds:.1f} s. Limits hold, but times in the"
                " records repeat; let a time service slew the clock instead of setting it.",
            )
        else:
            self._parts.troubles.clear(Topic.CLOCK)

    def _judge_disk(self) -> None:
        free = shutil.disk_usage(self._parts.paths.folder).free
        if free < DISK_FREE_BYTES_MIN:
            self._parts.troubles.set(
                Topic.DISK,
                f"The disk of {self._parts.paths.folder} has {free // 1024**2} MiB left. Free some"
                " room: when it is full, request records are lost.",
            )
        else:
            self._parts.troubles.clear(Topic.DISK)

    async def _judge_log(self, admin: EnvoyAdmin) -> None:
        try:
            found = await admin.numbers(r"^filesystem\.(write_failed|reopen_failed)$")
        except DependencyError:
            return
        self._failures.note(sum(found.values()))
        if self._failures.is_growing:
            self._parts.troubles.set(
                Topic.ACCESS_LOG,
                f"Envoy could not write its log {self._failures.total} times: these records are"
                " lost. Free room on the disk of the node's folder.",
            )
        else:
            self._parts.troubles.clear(Topic.ACCESS_LOG)
