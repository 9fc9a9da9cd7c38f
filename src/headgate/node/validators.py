"""How do the node's validators keep running? Started when an API asks for them, adopted, restarted.

None runs while no API validates. They are processes of their own session, like Envoy: killing the
agent stops no validation, and the next agent adopts them. One of another build is replaced: the
new one takes over the socket first, then the old one is told to end.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import orjson
import structlog

from headgate.core.problems import TYPE_PREFIX
from headgate.gateway import validation
from headgate.model.validation import ValidationReading
from headgate.node import process, validator
from headgate.node.companion import RESTART_DELAYS_SECONDS, STABLE_SECONDS, Companion, build_of
from headgate.node.launch import tail
from headgate.node.paths import NodePaths
from headgate.node.troubles import Topic, Troubles
from headgate.node.validator.control import socket_name

READY_POLL_SECONDS = 0.02

_log = structlog.get_logger()


def fingerprint() -> str:
    """Which build of the validator this is."""
    return build_of(validator.__path__[0], validation.__path__[0])


class Validators:
    """The validators of one node. `know` says what they have to know; `run` keeps them alive."""

    def __init__(self, paths: NodePaths, count: int, troubles: Troubles) -> None:
        self._paths = paths
        self._troubles = troubles
        self._fingerprint = fingerprint()
        self._ids: list[str] = []
        self._types = TYPE_PREFIX
        self._is_wanted = asyncio.Event()
        self._members = [_Member(paths, index, self._fingerprint) for index in range(count)]
        self.restarts = 0

    async def run(self) -> None:
        """Keep the validators running until cancelled."""
        await asyncio.gather(*(self._keep(member) for member in self._members))

    async def know(self, ids: Iterable[str], *, types: str = TYPE_PREFIX, seconds: float) -> None:
        """Have every validator know exactly these contracts; none: end them all.

        `types` is what the `type` of their refusals begins with. One that does not answer within
        so many seconds is told when it does.
        """
        self._ids, self._types = list(ids), types
        if not self._ids:
            self._is_wanted.clear()
            await self.stop()
            return
        self._is_wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for member in self._members:
                    while not await self._tell(member):  # noqa: ASYNC110  # it answers or not
                        await asyncio.sleep(READY_POLL_SECONDS)

    async def readings(self) -> tuple[ValidationReading, ...]:
        """What all validators have counted, by operation."""
        sums: dict[int, ValidationReading] = {}
        for member in self._members:
            for one in await member.readings():
                sums[one.row] = _sum(sums.get(one.row), one)
        return tuple(sums[row] for row in sorted(sums))

    async def stop(self) -> None:
        """End every validator of this folder, also one that another agent started."""
        for member in self._members:
            await member.end(list(member.found()))
        self._troubles.clear(Topic.VALIDATORS)

    async def _keep(self, member: "_Member") -> None:
        quick_ends = 0
        while True:
            await self._is_wanted.wait()
            identity = member.adopted() or member.start()
            began = asyncio.get_running_loop().time()
            if await member.is_ready(identity):
                await member.end(other for other in member.found() if other != identity)
                await self._tell(member)
                await process.wait_for_exit(identity)
            member.reap()
            if not self._is_wanted.is_set():
                continue
            ran = asyncio.get_running_loop().time() - began
            quick_ends = 1 if ran >= STABLE_SECONDS else quick_ends + 1
            self._note_end(member)
            longest = len(RESTART_DELAYS_SECONDS)
            await asyncio.sleep(RESTART_DELAYS_SECONDS[min(quick_ends, longest) - 1])

    def _note_end(self, member: "_Member") -> None:
        self.restarts += 1
        _log.warning("a validator ended", validator=member.name)
        self._troubles.set(
            Topic.VALIDATORS,
            f"The validator {member.name} is down and is being started again. Meanwhile requests"
            " of operations with the policy `validate` pass unchecked or get 503, as the policy"
            f" says. Its last words:\n{tail(self._paths.validator_log)}",
        )

    async def _tell(self, member: "_Member") -> bool:
        """Say which contracts are in force; false when the validator does not answer."""
        refusal = await member.know(self._ids, self._types)
        if refusal is None:
            return False
        if refusal:
            self._troubles.set(
                Topic.VALIDATORS,
                f"The validator {member.name} cannot use a contract: {refusal}. Requests of that"
                " API are treated as its policy says for a validator that is down.",
            )
        else:
            self._troubles.clear(Topic.VALIDATORS)
        return True


class _Member(Companion):
    """One validator: its process and its control socket."""

    def __init__(self, paths: NodePaths, index: int, build: str) -> None:
        super().__init__(
            paths.folder,
            socket_name(index),
            build,
            program=("headgate.node.validator", "--contracts", paths.contracts.name),
            log=paths.validator_log,
        )

    async def know(self, ids: list[str], types: str) -> str | None:
        """Empty when it knows these contracts, why it does not, or None when it does not answer."""
        wanted = orjson.dumps({"contracts": ids, "problem_types": types})
        answer = await self.order("PUT", "/contracts", wanted)
        if answer is None:
            return None
        return "" if answer.is_success else answer.text

    async def readings(self) -> list[ValidationReading]:
        """What it has counted; nothing when it does not answer."""
        answer = await self.order("GET", "/readings")
        if answer is None or not answer.is_success:
            return []
        return [ValidationReading(**one) for one in orjson.loads(answer.content)]


def _sum(one: ValidationReading | None, other: ValidationReading) -> ValidationReading:
    if one is None:
        return other
    return ValidationReading(
        one.row,
        one.requests + other.requests,
        one.invalid_requests + other.invalid_requests,
        one.responses + other.responses,
        one.invalid_responses + other.invalid_responses,
        other.example or one.example,
    )
