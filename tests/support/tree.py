"""How does a test run `headgate up` and the commands? As a person would, in processes."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from headgate.cli.up.answering import free_port
from headgate.gateway.table_layout import SECTIONS

LINES_QUOTED = 20  # of what a tree said, when it fails
READY_SECONDS = 120.0  # a busy machine; the budget itself is measured by the bench
STOP_SECONDS = 120.0
COMMAND_SECONDS = 120.0
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, parsed."""
        return json.loads(self.out)


@dataclass
class Tree:
    """One `headgate up` on a data folder and two free ports."""

    data: Path
    gateway_port: int = field(default_factory=lambda: free_port("127.0.0.1"))
    web_port: int = field(default_factory=lambda: free_port("127.0.0.1"))
    process: "subprocess.Popen[str] | None" = None
    lines: list[str] = field(default_factory=list)
    ready_seconds: float = 0.0
    more: dict[str, str] = field(default_factory=dict)  # of the environment

    @property
    def web(self) -> str:
        """Where people and programs reach the control plane."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def gateway(self) -> str:
        """Where callers go."""
        return f"http://127.0.0.1:{self.gateway_port}"

    def start(self, *options: str) -> None:
        """Start and wait for `ready`."""
        started = time.monotonic()
        with (self.data.parent / f"{self.data.name}.log").open("a") as log:
            self.process = subprocess.Popen(
                [*_COMMAND, "up", *self.options(), *options],
                env=environment(self.data) | self.more,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        try:
            eventually(lambda: any(line.startswith("ready") for line in self.lines), READY_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}: not ready\n{self.last_words()}") from None
        self.ready_seconds = time.monotonic() - started

    def options(self) -> list[str]:
        """The places of this tree, as options."""
        ports = ["--gateway-port", str(self.gateway_port), "--web-port", str(self.web_port)]
        return ["--data", str(self.data), *ports]

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            self.lines.extend(line.rstrip("\n") for line in process.stdout)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it in good order; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        self.process = None
        return code

    def kill(self) -> None:
        """kill -9 of the supervisor alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def cli(self, *arguments: str, stdin: str = "", **more: str) -> Ran:
        """Run one command to its end."""
        done = subprocess.run(
            [*_COMMAND, *arguments],
            env=environment(self.data) | more,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def do(self, *arguments: str, stdin: str = "") -> Ran:
        """Run a command that must succeed."""
        ran = self.cli(*arguments, stdin=stdin)
        assert ran.code == 0, f"headgate {' '.join(arguments)}: {ran.err}\n{self.last_words()}"
        if arguments[:2] == ("key", "create"):
            eventually(self._is_up_to_date)  # how soon a key works, the bench measures
        return ran

    def _is_up_to_date(self) -> bool:
        """Whether the gateway of this folder knows every key. Others are not asked."""
        table, database = self.data / "node" / "access.tbl", self.data / "headgate.db"
        if not table.exists() or not database.exists():
            return True
        with closing(sqlite3.connect(database)) as store:
            [(wanted,)] = store.execute("SELECT sequence FROM store_accesscounter")
        with table.open("rb") as file:
            file.seek(SECTIONS["header"].at(0, "sequence"))
            return int.from_bytes(file.read(8), "little") >= wanted

    def last_words(self) -> str:
        """What it has said and logged of late, for the message of a test that failed."""
        log = self.data.parent / f"{self.data.name}.log"
        logged = log.read_text(errors="replace").split("\n") if log.exists() else []
        return "\n".join([*self.lines[-LINES_QUOTED:], *logged[-LINES_QUOTED:]])

    def call(self, path: str, key: str = "", method: str = "GET") -> httpx2.Response:
        """One request through the gateway."""
        headers = {"x-api-key": key} if key else {}
        return httpx2.request(
            method, self.gateway + path, headers=headers, trust_env=False, timeout=60
        )

    def children(self) -> dict[str, int]:
        """The pids of web, jobs, node and Envoy that run now, by name."""
        found = {}
        for name in ("web", "jobs", "node"):
            for pid in processes(self.data, name):
                found[name] = pid
        with contextlib.suppress(OSError, ValueError, KeyError):
            current = json.loads((self.data / "node" / "envoy.json").read_text())["current"]
            if is_running(current["pid"]):
                found["envoy"] = current["pid"]
        return found

    def end_everything(self) -> None:
        """For the end of a test, however it went: only what this tree started."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop(signal.SIGTERM)
        for pid in self.children().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


_COMMAND = (sys.executable, "-m", "headgate.cli")


def environment(data: Path) -> dict[str, str]:
    """What our processes may know of the test's own environment."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {"HEADGATE_DATA": str(data), "PYTHONWARNINGS": "error"}


@contextlib.contextmanager
def tree(data: Path, *options: str, more: dict[str, str] | None = None) -> Iterator[Tree]:
    """A running tree, until the block ends; `more` is set in its environment."""
    one = Tree(data, more=more or {})
    try:
        one.start(*options)
        yield one
    finally:
        one.end_everything()


def eventually(
    is_so: Callable[[], Any], seconds: float = 60.0, *, every_seconds: float = 0.05
) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it never was.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"it did not come to pass in {seconds} s"
        time.sleep(every_seconds)


def processes(data: Path, name: str = "") -> list[int]:
    """The pids of our process `name` on a data folder; without a name, of all but Envoy."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        is_ours = f"HEADGATE_DATA={data}".encode() in variables
        is_named = b"headgate.cli" in command and name.encode() in command
        if is_ours and (is_named or not name):
            found.append(int(entry.name))
    return found


def is_running(pid: int) -> bool:
    """Whether the process is there and not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"
