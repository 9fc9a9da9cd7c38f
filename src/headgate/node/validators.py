"""How do the node's validators keep running? Started when an API asks for them, adopted, restarted.

None runs while no API validates. They are processes of their own session, like Envoy: killing the
agent stops no validation, and the next agent adopts them. One of another build is replaced: the
new one takes over the socket first, then the old one is told to end.
"""

import asyncio
import hashlib
import os
import ssl
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import httpx2
import orjson
import structlog

from headgate import __version__
from headgate.core.problems import TYPE_PREFIX
from headgate.gateway import validation
from headgate.model.validation import ValidationReading
from headgate.node import process, validator
from headgate.node.durable import FILE_MODE
from headgate.node.launch import ENVIRONMENT_KEPT, rotate_log, tail
from headgate.node.paths import NodePaths
from headgate.node.process import ProcessIdentity
from headgate.node.troubles import Topic, Troubles
from headgate.node.validator.control import control_name, socket_name

READY_SECONDS_MAX = 60.0  # a large contract takes seconds to compile
READY_POLL_SECONDS = 0.02
ORDER_SECONDS_MAX = 60.0
RESTART_DELAYS_SECONDS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
STABLE_SECONDS = 30.0
TERM_SECONDS_MAX = 5.0

_log = structlog.get_logger()


def fingerprint() -> str:
    """Which build of the validator this is."""
    parts = [__version__, sys.executable]
    for package in (validator, validation):
        for path in sorted(Path(package.__path__[0]).glob("*.py")):
            stat = path.stat()
            parts.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


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


class _Member:
    """One validator: its process and its control socket."""

    def __init__(self, paths: NodePaths, index: int, build: str) -> None:
        self.name = socket_name(index)
        self._paths = paths
        self._build = build
        self._child: subprocess.Popen[bytes] | None = None

    def found(self) -> Iterable[ProcessIdentity]:
        """The processes that serve this socket, whoever started them."""
        for identity in process.find(Path(sys.executable).name, self._paths.folder):
            if process.option(process.command_line(identity.pid), "--socket") == self.name:
                yield identity

    def adopted(self) -> ProcessIdentity | None:
        """A running one of this build."""
        for identity in self.found():
            arguments = process.command_line(identity.pid)
            if process.option(arguments, "--fingerprint") == self._build:
                return identity
        return None

    def start(self) -> ProcessIdentity:
        """Start one."""
        rotate_log(self._paths.validator_log)
        log = os.open(self._paths.validator_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
        try:
            self._child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "headgate.node.validator"),
                    *("--socket", self.name),
                    *("--contracts", self._paths.contracts.name),
                    *("--fingerprint", self._build),
                ],
                cwd=self._paths.folder,
                env={name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
            )
        finally:
            os.close(log)
        _log.info("validator started", validator=self.name, pid=self._child.pid)
        return process.identify(self._child.pid) or ProcessIdentity(self._child.pid, 0)

    def reap(self) -> None:
        """Take the end of a process that we started."""
        if self._child is not None:
            self._child.poll()

    async def is_ready(self, identity: ProcessIdentity) -> bool:
        """Whether the process answers; false when it ended first, or never does."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS_MAX
        while asyncio.get_running_loop().time() < deadline and process.is_alive(identity):
            answer = await self._order("GET", "/process")
            if answer is not None and answer.text == str(identity.pid):
                return True
            await asyncio.sleep(READY_POLL_SECONDS)
        await self.end([identity])
        return False

    async def end(self, identities: Iterable[ProcessIdentity]) -> None:
        """SIGTERM, and SIGKILL when that is not enough."""
        for identity in identities:
            await process.end(identity, seconds=TERM_SECONDS_MAX)

    async def know(self, ids: list[str], types: str) -> str | None:
        """Empty when it knows these contracts, why it does not, or None when it does not answer."""
        wanted = orjson.dumps({"contracts": ids, "problem_types": types})
        answer = await self._order("PUT", "/contracts", wanted)
        if answer is None:
            return None
        return "" if answer.is_success else answer.text

    async def readings(self) -> list[ValidationReading]:
        """What it has counted; nothing when it does not answer."""
        answer = await self._order("GET", "/readings")
        if answer is None or not answer.is_success:
            return []
        return [ValidationReading(**one) for one in orjson.loads(answer.content)]

    async def _order(
        self, method: str, path: str, content: bytes | None = None
    ) -> httpx2.Response | None:
        folder = os.open(self._paths.folder, os.O_PATH | os.O_DIRECTORY)
        place = f"/proc/self/fd/{folder}/{control_name(self.name)}"  # an address has 108 bytes
        try:
            transport = httpx2.AsyncHTTPTransport(
                uds=place, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://validator", timeout=ORDER_SECONDS_MAX
            ) as client:
                with suppress(httpx2.HTTPError, OSError):
                    return await client.request(method, path, content=content)
        finally:
            os.close(folder)
        return None


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
