"""How does the node's introspector keep running, and how does it learn whom to ask?

None runs while no API has opaque tokens. Whom to ask, secrets included, stands in a file of the
node's folder that its owner alone can read: an introspector that starts while no agent is there
knows it too. It outlives the agent, like Envoy, and the next agent adopts it.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import orjson
import structlog

from headgate.core.units import count
from headgate.gateway.introspection import servers
from headgate.gateway.secrets import fill
from headgate.model.introspection import SOCKET_NAME, IntrospectionReading, IntrospectionServer
from headgate.model.snapshot import Snapshot
from headgate.node import introspector, process
from headgate.node.companion import RESTART_DELAYS_SECONDS, STABLE_SECONDS, Companion, build_of
from headgate.node.durable import write_file
from headgate.node.launch import tail
from headgate.node.paths import NodePaths
from headgate.node.troubles import Topic, Troubles

READY_SECONDS_MAX = 10.0  # that a revision waits for it to know whom to ask
START_SECONDS_MAX = 3.0  # that Envoy's start waits for it
LOOK_SECONDS = 2.0  # between two looks at what it says of the servers
POLL_SECONDS = 0.02

_log = structlog.get_logger()


class Introspection:
    """The introspector of one node. `prepare` and `settle` say what it has to know."""

    def __init__(self, paths: NodePaths, troubles: Troubles) -> None:
        self._paths = paths
        self._troubles = troubles
        self._is_wanted = asyncio.Event()
        self._process = Companion(
            paths.folder,
            SOCKET_NAME,
            build_of(introspector.__path__[0]),
            program=("headgate.node.introspector", "--settings", paths.introspection.name),
            log=paths.introspector_log,
        )
        self.restarts = 0

    async def prepare(self, candidate: Snapshot, good: Snapshot) -> None:
        """Have it know whom `candidate` asks, beside those of what is in service.

        Raises:
            OSError: the disk refused.
        """
        wanted = servers(fill(candidate))
        if wanted:
            both = servers(fill(candidate), fill(good))
            await self._know(both, seconds=READY_SECONDS_MAX)

    async def settle(self, good: Snapshot) -> None:
        """Have it know exactly whom the revision in service asks; none: end it.

        Fails by saying so: what it knew stays, and tokens of others get 503.
        """
        try:
            await self._know(servers(fill(good)), seconds=START_SECONDS_MAX)
        except OSError as error:
            self._troubles.set(
                Topic.INTROSPECTOR,
                f"The introspector cannot be told whom to ask: {error}. Free some room on the disk,"
                " and publish again.",
            )

    async def run(self) -> None:
        """Keep it running, and say what is wrong with it, until cancelled."""
        await asyncio.gather(self._keep(), self._watch())

    async def stop(self) -> None:
        """End every introspector of this folder, also one that another agent started."""
        await self._process.end(list(self._process.found()))
        self._troubles.clear(Topic.INTROSPECTOR)
        self._troubles.clear(Topic.INTROSPECTION)

    async def _know(self, wanted: Iterable[IntrospectionServer], *, seconds: float) -> None:
        listed = list(wanted)
        if not listed:
            self._is_wanted.clear()
            self._paths.introspection.unlink(missing_ok=True)
            await self.stop()
            return
        told = orjson.dumps(listed)
        place = self._paths.introspection
        if not place.exists() or place.read_bytes() != told:
            write_file(place, told)
        self._is_wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not await self._tell():  # noqa: ASYNC110  # it answers or not
                    await asyncio.sleep(POLL_SECONDS)

    async def _keep(self) -> None:
        quick_ends = 0
        while True:
            await self._is_wanted.wait()
            identity = self._process.adopted() or self._process.start()
            began = asyncio.get_running_loop().time()
            if await self._process.is_ready(identity):
                others = [other for other in self._process.found() if other != identity]
                await self._process.end(others)
                await self._tell()
                await process.wait_for_exit(identity)
            self._process.reap()
            if not self._is_wanted.is_set():
                continue
            ran = asyncio.get_running_loop().time() - began
            quick_ends = 1 if ran >= STABLE_SECONDS else quick_ends + 1
            self._note_end()
            longest = len(RESTART_DELAYS_SECONDS)
            await asyncio.sleep(RESTART_DELAYS_SECONDS[min(quick_ends, longest) - 1])

    def _note_end(self) -> None:
        self.restarts += 1
        _log.warning("the introspector ended")
        self._troubles.set(
            Topic.INTROSPECTOR,
            "The introspector is down and is being started again. Meanwhile opaque tokens get 503."
            f" Its last words:\n{tail(self._paths.introspector_log)}",
        )

    async def _tell(self) -> bool:
        """Have it read its settings; false when it does not answer."""
        answer = await self._process.order("PUT", "/settings")
        if answer is None:
            return False
        if answer.is_success:
            self._troubles.clear(Topic.INTROSPECTOR)
        else:
            self._troubles.set(
                Topic.INTROSPECTOR,
                f"The introspector cannot use its settings: {answer.text}. Opaque tokens get 503;"
                " report it with the node's log.",
            )
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._is_wanted.wait()
            self._say_silent(await self.readings())

    async def readings(self) -> list[IntrospectionReading]:
        """What it has done for each server; nothing when it does not answer."""
        answer = await self._process.order("GET", "/readings")
        if answer is None or not answer.is_success:
            return []
        return [IntrospectionReading(**one) for one in orjson.loads(answer.content)]

    def _say_silent(self, readings: list[IntrospectionReading]) -> None:
        silent = [
            f"{one.issuer}: {one.error} ({count(one.failed, 'question')} without an answer)"
            for one in readings
            if one.error
        ]
        if silent:
            self._troubles.set(
                Topic.INTROSPECTION,
                f"Tokens cannot be checked with their server: {'; '.join(silent)}. Those that are"
                " not remembered get 503. Check the policy `introspect`, its secret and the"
                " server.",
            )
        else:
            self._troubles.clear(Topic.INTROSPECTION)
