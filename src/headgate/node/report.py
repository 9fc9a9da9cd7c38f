"""What does the node tell the control plane about itself, every few seconds and at every change?"""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from headgate import __version__
from headgate.core.clock import Clock
from headgate.core.problems import DependencyError
from headgate.core.units import count
from headgate.gateway.table import TableHealth
from headgate.model.node import NodeReport
from headgate.node.access_sync import (
    COUNTERS_PER_REPORT_MAX,
    QUOTAS_PER_REPORT_MAX,
    AccessKeeper,
)
from headgate.node.admin import EnvoyAdmin
from headgate.node.control_plane import ControlPlane
from headgate.node.introspection import Introspection
from headgate.node.misfortunes import ClockWatch, EnvoyCounter, Lately
from headgate.node.paths import NodePaths
from headgate.node.snapshot_sync import Revisions
from headgate.node.spool import list_sealed, measure
from headgate.node.supervise import Supervisor
from headgate.node.troubles import Topic, Troubles
from headgate.node.validators import Validators

REPORT_SECONDS = 5.0
DISK_FREE_BYTES_MIN = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an agent that a report speaks of."""

    node: str
    envoy_version: str
    paths: NodePaths
    supervisor: Supervisor
    revisions: Revisions
    keeper: AccessKeeper
    validators: Validators
    introspection: Introspection
    troubles: Troubles


class Reporter:
    """Sends reports. Counters are repeated until a report that holds them was accepted."""

    def __init__(self, parts: Parts, control_plane: ControlPlane, clock: Clock) -> None:
        self._parts = parts
        self._control_plane = control_plane
        self._clock = clock
        self._clock_watch = ClockWatch(clock)
        self._failures = EnvoyCounter(clock)
        self._filter_steps = Lately(clock)
        self._uncounted = Lately(clock)
        self._damaged = Lately(clock)
        self._unchecked = EnvoyCounter(clock)
        self._certificates = EnvoyCounter(clock)

    async def look(self) -> None:
        """Look after clock, disk and Envoy's log; done even while nobody can be told."""
        health = await self._parts.keeper.health()
        self._judge_clock(health)
        self._judge_table(health)
        self._judge_disk()
        admin = self._parts.supervisor.admin
        if admin is not None and self._parts.supervisor.serving.is_set():
            await self._judge_log(admin)
            await self._count_unchecked(admin)
            await self._count_certificates(admin)

    async def send(self) -> None:
        """Send one report.

        Raises:
            DependencyError: the control plane cannot be reached or refuses it.
        """
        report = await self.report(self._clock.now())
        await self._control_plane.report(report)
        await self._parts.keeper.accept(report.counters, report.quotas)
        if (
            len(report.counters) == COUNTERS_PER_REPORT_MAX
            or len(report.quotas) == QUOTAS_PER_REPORT_MAX
        ):
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
            validator_restarts=parts.validators.restarts,
            unchecked=self._unchecked.total,
            validations=await parts.validators.readings(),
            introspections=tuple(await parts.introspection.readings()),
            certificates_refused=self._certificates.total,
            counters=await parts.keeper.counters(),
            quotas=await parts.keeper.quotas(),
        )

    def _judge_clock(self, health: TableHealth) -> None:
        watch = self._clock_watch
        watch.look()
        self._filter_steps.note(health.clock_steps)
        by = f", last by {watch.last_step_seconds:.1f} s" if watch.is_recent else ""
        steps = count(max(watch.steps, health.clock_steps), "time")
        self._say_while(
            watch.is_recent or self._filter_steps.is_recent,
            Topic.CLOCK,
            f"The clock of this node stepped back {steps}{by}. Limits hold, but times in the"
            " records repeat; let a time service slew the clock instead of setting it.",
        )

    def _judge_table(self, health: TableHealth) -> None:
        self._uncounted.note(health.dropped)
        self._say_while(
            self._uncounted.is_recent,
            Topic.COUNTERS,
            f"The gateway refused {count(health.dropped, 'call')} because no counter was free for"
            " one more caller of a limit. Limit by application instead of by address, or use"
            " shorter windows.",
        )
        self._damaged.note(health.damaged)
        self._say_while(
            self._damaged.is_recent,
            Topic.ROWS,
            f"The gateway refused {count(health.damaged, 'call')} because a row of the access table"
            " led nowhere. If it goes on, stop the node and delete access.tbl in its folder: it is"
            " made anew, and counts of limits begin again.",
        )

    def _say_while(self, is_so: bool, topic: Topic, sentence: str) -> None:  # noqa: FBT001  # reads as a sentence
        if is_so:
            self._parts.troubles.set(topic, sentence)
        else:
            self._parts.troubles.clear(topic)

    def _judge_disk(self) -> None:
        free = shutil.disk_usage(self._parts.paths.folder).free
        self._say_while(
            free < DISK_FREE_BYTES_MIN,
            Topic.DISK,
            f"The disk of {self._parts.paths.folder} has {free // 1024**2} MiB left. Free some"
            " room: when it is full, request records are lost.",
        )

    async def _count_unchecked(self, admin: EnvoyAdmin) -> None:
        """Requests that passed because no validator answered."""
        with suppress(DependencyError):
            found = await admin.numbers(
                r"^http\.gateway\.ext_authz\.validate_.*failure_mode_allowed$"
            )
            self._unchecked.note(sum(found.values()))
        self._say_while(
            self._unchecked.is_recent,
            Topic.UNCHECKED,
            f"{count(self._unchecked.total, 'request')} passed unchecked while no validator"
            " answered. See log/validator.log in the node's folder; the policy's"
            " `on_failure: closed` refuses them instead.",
        )

    async def _count_certificates(self, admin: EnvoyAdmin) -> None:
        """Connections that ended in the handshake, before there was a request to record."""
        with suppress(DependencyError):
            found = await admin.numbers(r"^listener\..*\.ssl\.fail_verify_(error|san|cert_hash)$")
            self._certificates.note(sum(found.values()))

    async def _judge_log(self, admin: EnvoyAdmin) -> None:
        try:
            found = await admin.numbers(r"^filesystem\.(write_failed|reopen_failed)$")
        except DependencyError:
            return
        self._failures.note(sum(found.values()))
        self._say_while(
            self._failures.is_recent,
            Topic.ACCESS_LOG,
            f"Envoy could not write its log {count(self._failures.total, 'time')}: these records"
            " are lost. Free room on the disk of the node's folder; `headgate reconcile` says"
            " how many.",
        )
