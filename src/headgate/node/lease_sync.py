"""How does a node get its part of quotas that several nodes share, and give some of it back?

Two loops over one table. One waits for what the control plane has to say (another divisor, parts
that are recalled, among how many nodes shared rates are divided), the other asks for more where a
part runs low. What is asked and what is given back goes through one lock: an answer that is
overtaken by a recall must not be applied after it.

Fails closed: without the control plane a node lets pass what it holds, and refuses the rest until
the next window, in which it has its divided part again. Of a shared rate it keeps the last part.
"""

import asyncio
from collections.abc import Sequence

import structlog

from headgate.gateway.table_leases import LeaseTable
from headgate.model.leases import (
    DIVISOR_ALL,
    LEASES_PER_CALL_MAX,
    Held,
    LeaseAnswer,
    LeaseRequest,
    Recall,
)
from headgate.node.access_sync import AccessKeeper
from headgate.node.control_plane import WAIT_SECONDS, ControlPlane

LOOK_SECONDS = 0.05  # a part that runs low is noticed within this time
ALONE_SECONDS = 1.0  # while the gateway has one node there is nothing to look for

_log = structlog.get_logger()


class LeaseSync:
    """Follows the parts of one node."""

    def __init__(self, control_plane: ControlPlane, keeper: AccessKeeper) -> None:
        self._control_plane = control_plane
        self._keeper = keeper
        self._lock = asyncio.Lock()
        self._told = ""  # the epoch of the table whose fixed parts have been told

    async def step(self) -> None:
        """One long poll, and what it brought.

        Raises:
            DependencyError: the control plane cannot be reached or refuses.
        """
        if not self._keeper.generation:  # the table of no store: a real one follows
            await asyncio.sleep(LOOK_SECONDS)
            return
        async with self._lock:
            await self._tell()
            request = LeaseRequest(
                self._keeper.epoch,
                await self._divisor(),
                await self._keeper.with_leases(lambda it: it.rate_nodes),
            )
        answer = await self._poll(request)
        if answer is None or request.epoch != self._keeper.epoch:
            return
        async with self._lock:
            await self._adopt(answer)
            await self._give_back(answer.recalls)

    async def look(self) -> None:
        """Ask for more where a part runs low.

        Raises:
            DependencyError: the control plane cannot be reached or refuses.
        """
        divisor = await self._divisor()
        await asyncio.sleep(ALONE_SECONDS if divisor == DIVISOR_ALL else LOOK_SECONDS)
        async with self._lock:
            wants = await self._keeper.with_leases(lambda it: it.wants(LEASES_PER_CALL_MAX))
            if not wants or self._told != self._keeper.epoch:
                return
            epoch = self._keeper.epoch
            request = LeaseRequest(epoch, await self._divisor(), wants=tuple(wants))
            answer = await self._control_plane.leases(request, wait=0)
            if answer is None or epoch != self._keeper.epoch:
                return
            leases = answer.leases
            await self._keeper.with_leases(lambda it: it.put(leases))
            await self._give_back(answer.recalls)

    async def _poll(self, request: LeaseRequest) -> LeaseAnswer | None:
        """What the control plane has to say; None as well when the table was replaced meanwhile."""
        poll = asyncio.ensure_future(self._control_plane.leases(request, wait=WAIT_SECONDS))
        replaced = asyncio.ensure_future(self._keeper.replaced.wait())
        try:
            await asyncio.wait({poll, replaced}, return_when=asyncio.FIRST_COMPLETED)
            self._keeper.replaced.clear()
            return poll.result() if poll.done() else None
        finally:
            for task in (poll, replaced):
                task.cancel()
            await asyncio.gather(poll, replaced, return_exceptions=True)

    async def _tell(self) -> None:
        """Before a table's divisor counts, the control plane knows what is fixed beside it."""
        epoch = self._keeper.epoch
        if self._told == epoch:
            return
        await self._say(await self._keeper.with_leases(LeaseTable.held))
        self._told = epoch

    async def _adopt(self, answer: LeaseAnswer) -> None:
        await self._keeper.with_leases(lambda it: it.share_rates(answer.rate_nodes))
        if answer.divisor == await self._divisor():
            return
        self._told = ""  # until what became fixed has been said
        await self._keeper.with_leases(lambda it: it.adopt(answer.divisor, answer.since_s))
        _log.info("quotas are shared by another divisor", divisor=answer.divisor)
        await self._tell()

    async def _give_back(self, recalls: Sequence[Recall]) -> None:
        if not recalls:
            return
        found = await self._keeper.with_leases(
            lambda it: [held for recall in recalls if (held := it.give_back(recall)) is not None]
        )
        if not found:  # of a window that is over by this clock, and not yet by the other
            await asyncio.sleep(LOOK_SECONDS)
        await self._say(found)

    async def _say(self, held: Sequence[Held]) -> None:
        for start in range(0, len(held), LEASES_PER_CALL_MAX):
            page = tuple(held[start : start + LEASES_PER_CALL_MAX])
            await self._control_plane.leases(
                LeaseRequest(self._keeper.epoch, None, held=page), wait=0
            )

    async def _divisor(self) -> int:
        return await self._keeper.with_leases(lambda it: it.divisor)
