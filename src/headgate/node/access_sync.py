"""How do keys, subscriptions, limits and blocks reach the filter? One table, written as they come.

A delta is applied the moment it arrives: no file of Envoy's is touched.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from headgate.core.problems import DependencyError, Problem
from headgate.gateway.table import AccessTable, TableHealth
from headgate.gateway.table_leases import LeaseTable
from headgate.model.access import AccessDelta, PublishedRows
from headgate.model.node import CounterReading, QuotaReading
from headgate.node.control_plane import WAIT_SECONDS, ControlPlane
from headgate.node.paths import NodePaths
from headgate.node.state import NodeState, save_state
from headgate.node.troubles import Topic, Troubles

COUNTERS_PER_REPORT_MAX = 5_000  # the rest goes with the next report
QUOTAS_PER_REPORT_MAX = 2_000  # likewise
ROWS_INLINE_MAX = 100  # a larger delta is applied in a thread, so that nothing else waits

_log = structlog.get_logger()

T = TypeVar("T")


class AccessKeeper:
    """The one writer of the node's access table.

    Raises (constructor):
        Problem: another process writes the table.
        DependencyError: the disk is full.
    """

    def __init__(self, paths: NodePaths, state: NodeState, troubles: Troubles) -> None:
        self._paths = paths
        self._state = state
        self._troubles = troubles
        self._lock = asyncio.Lock()
        self._published: PublishedRows | None = None
        self.replaced = asyncio.Event()  # set when another table has taken the place of this one
        self._table = self._open(state.generation)

    @property
    def generation(self) -> str:
        """The store that the rows come from, empty before the first delta."""
        return self._table.generation

    @property
    def epoch(self) -> str:
        """The present table's own name: another table counts from nothing."""
        return self._table.epoch

    @property
    def sequence(self) -> int:
        """The last change that is in the table."""
        return self._table.sequence

    async def publish(self, rows: PublishedRows) -> None:
        """Put in the rows of a revision, before Envoy's routes name them.

        Raises:
            Problem, DependencyError: the table refused; what was in it stays in force.
        """
        async with self._lock:
            await asyncio.to_thread(self._table.publish, rows)
            self._published = rows

    async def apply(self, delta: AccessDelta) -> None:
        """Put in one page of changes; live when this returns.

        Raises:
            Problem, DependencyError, OSError: as `publish`.
        """
        async with self._lock:
            if delta.generation != self._table.generation:
                await asyncio.to_thread(self._start_afresh, delta.generation)
            if delta.after > self._table.sequence:
                return  # pages from before the fresh start; the next poll asks from the beginning
            if _rows(delta) <= ROWS_INLINE_MAX:
                self._table.apply(delta)
            else:
                await asyncio.to_thread(self._table.apply, delta)

    async def with_leases(self, work: Callable[[LeaseTable], T]) -> T:
        """What `work` makes of the leases of the present table.

        Raises:
            DependencyError: the disk is full.
        """
        async with self._lock:
            return await asyncio.to_thread(work, self._table.leases)

    async def health(self) -> TableHealth:
        """What the table says of itself."""
        async with self._lock:
            return self._table.health()

    async def counters(self) -> tuple[CounterReading, ...]:
        """The counters to report now."""
        async with self._lock:
            return tuple(self._table.counters()[:COUNTERS_PER_REPORT_MAX])

    async def quotas(self) -> tuple[QuotaReading, ...]:
        """What has been used of quotas, to report now."""
        async with self._lock:
            return tuple(
                await asyncio.to_thread(self._table.quotas.readings, QUOTAS_PER_REPORT_MAX)
            )

    async def accept(
        self, readings: Sequence[CounterReading], quotas: Sequence[QuotaReading]
    ) -> None:
        """These readings have reached the control plane."""
        async with self._lock:
            self._table.accept(readings)
            self._table.quotas.accept(quotas)

    def close(self) -> None:
        """Let another agent write."""
        self._table.close()

    def _open(self, generation: str, before: AccessTable | None = None) -> AccessTable:
        """The table. A new one lets nothing of a quota pass before it knows the node's part."""
        table = self._open_or_replace(generation, before)
        if not table.is_complete:
            table.leases.close_until_told()
        return table

    def _open_or_replace(self, generation: str, before: AccessTable | None) -> AccessTable:
        """The table; a damaged one is set aside for people to look at, and made anew."""
        try:
            return AccessTable.open(self._paths.table, generation=generation, before=before)
        except Problem as problem:
            if "damaged" not in problem.detail:  # another writer, or a generation too long
                raise
            aside = self._paths.table.with_suffix(".damaged")
            self._paths.table.replace(aside)
            self._troubles.set(
                Topic.TABLE,
                f"The access table was damaged and is made anew: {problem.detail} Counts of limits"
                f" begin again. The damaged file is kept as {aside}; delete it when it is not"
                " needed.",
            )
            return AccessTable.open(self._paths.table, generation=generation, before=before)

    def _start_afresh(self, generation: str) -> None:
        """A new table for the rows of another store. The published rows are the same."""
        _log.info("the access table starts afresh", generation=generation)
        before = self._table
        self._table = self._open(generation, before)
        before.close()
        if self._published is not None:
            self._table.publish(self._published)
        self.replaced.set()
        self._state = self._state.with_generation(generation)
        save_state(self._paths.state, self._state)


class AccessSync:
    """Follows the control plane's changes."""

    def __init__(
        self, control_plane: ControlPlane, keeper: AccessKeeper, troubles: Troubles
    ) -> None:
        self._control_plane = control_plane
        self._keeper = keeper
        self._troubles = troubles
        self._wait = 0

    async def step(self) -> None:
        """One long poll, and what it brought.

        Raises:
            DependencyError: the control plane cannot be reached or refuses.
            OSError: the disk refused.
        """
        delta = await self._control_plane.access(
            generation=self._keeper.generation, after=self._keeper.sequence, wait=self._wait
        )
        self._wait = WAIT_SECONDS
        if delta is None:
            return
        try:
            await self._keeper.apply(delta)
        except Problem as problem:
            self._wait = 0
            raise DependencyError(f"the access table: {problem}", is_retryable=True) from problem
        if not delta.is_complete:
            self._wait = 0


def _rows(delta: AccessDelta) -> int:
    return (
        len(delta.applications)
        + len(delta.plans)
        + len(delta.apis)
        + len(delta.subscriptions)
        + len(delta.credentials)
        + len(delta.blocks)
    )
