"""How does a process beside Envoy live? Started, found again, asked, told to end.

It serves Envoy on a Unix socket in the node's folder, in a session of its own: killing the agent
does not end it, and the next agent adopts it. One of another build is replaced: the new one takes
over the socket first, then the old one is told to end.
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
import structlog

from headgate import __version__
from headgate.node import local_http, process
from headgate.node.durable import FILE_MODE
from headgate.node.launch import ENVIRONMENT_KEPT, rotate_log
from headgate.node.local_http import control_name
from headgate.node.process import ProcessIdentity

READY_SECONDS_MAX = 60.0  # a large contract takes seconds to compile
READY_POLL_SECONDS = 0.02
ORDER_SECONDS_MAX = 60.0
RESTART_DELAYS_SECONDS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
STABLE_SECONDS = 30.0
TERM_SECONDS_MAX = 5.0

_log = structlog.get_logger()


def build_of(*folders: str) -> str:
    """Which build a program is that consists of the modules of these folders."""
    parts = [__version__, sys.executable]
    modules = [path for folder in folders for path in sorted(Path(folder).glob("*.py"))]
    for path in (*modules, Path(local_http.__file__)):
        stat = path.stat()
        parts.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class Companion:
    """One such process: `name` is its socket in `folder`, `program` its module and arguments."""

    def __init__(
        self, folder: Path, name: str, build: str, *, program: tuple[str, ...], log: Path
    ) -> None:
        self.name = name
        self._folder = folder
        self._build = build
        self._program = program
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None

    def found(self) -> Iterable[ProcessIdentity]:
        """The processes that serve this socket, whoever started them."""
        for identity in process.find(Path(sys.executable).name, self._folder):
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
        rotate_log(self._log)
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
        try:
            self._child = subprocess.Popen(
                [
                    *(sys.executable, "-m", *self._program),
                    *("--socket", self.name, "--fingerprint", self._build),
                ],
                cwd=self._folder,
                env={name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
            )
        finally:
            os.close(log)
        _log.info("companion started", socket=self.name, pid=self._child.pid)
        return process.identify(self._child.pid) or ProcessIdentity(self._child.pid, 0)

    def reap(self) -> None:
        """Take the end of a process that we started."""
        if self._child is not None:
            self._child.poll()

    async def is_ready(self, identity: ProcessIdentity) -> bool:
        """Whether the process answers; false when it ended first, or never does."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS_MAX
        while asyncio.get_running_loop().time() < deadline and process.is_alive(identity):
            answer = await self.order("GET", "/process")
            if answer is not None and answer.text == str(identity.pid):
                return True
            await asyncio.sleep(READY_POLL_SECONDS)
        await self.end([identity])
        return False

    async def end(self, identities: Iterable[ProcessIdentity]) -> None:
        """SIGTERM, and SIGKILL when that is not enough."""
        for identity in identities:
            await process.end(identity, seconds=TERM_SECONDS_MAX)

    async def order(
        self, method: str, path: str, content: bytes | None = None
    ) -> httpx2.Response | None:
        """The answer of its control socket; None when it does not answer."""
        folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
        place = f"/proc/self/fd/{folder}/{control_name(self.name)}"  # an address has 108 bytes
        try:
            transport = httpx2.AsyncHTTPTransport(
                uds=place, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://companion", timeout=ORDER_SECONDS_MAX
            ) as client:
                with suppress(httpx2.HTTPError, OSError):
                    return await client.request(method, path, content=content)
        finally:
            os.close(folder)
        return None
