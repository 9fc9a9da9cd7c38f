"""A node with a real Envoy, its control plane in memory, and an upstream that counts."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx2
import orjson
import pytest

from headgate.model.snapshot import (
    Snapshot,
    SnapshotAPI,
    SnapshotOperation,
    Upstream,
    UpstreamHost,
)
from headgate.node import process
from headgate.node.process import ProcessIdentity
from tests.support.control_plane import (
    TOKEN,
    ControlPlaneServer,
    ControlPlaneState,
    control_plane,
    wait_until,
)
from tests.support.server import Server

AGENT = """
import sys, pathlib
from headgate.core.logging import configure
from headgate.core.problems import Problem
from headgate.node.main import run
from headgate.node.settings import AgentSettings, FullSpool
data, url, port, options = sys.argv[1:5]
configure("json")
try:
    run(AgentSettings(
        data=pathlib.Path(data), control_plane=url, port=int(port),
        **({"workers": 1, "drain_seconds": 1.0, "has_filter": False} | eval(options)),
    ))
except Problem as problem:
    print(problem, file=sys.stderr)
    sys.exit(2)
"""


class CountingUpstream:
    """Answers 200 `ok` to everything and counts calls and connections, less health checks."""

    def __init__(self) -> None:
        upstream = self
        self.calls = 0
        self.connections = 0
        self._lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with upstream._lock:
                    upstream.connections += 1

            def do_GET(self) -> None:
                upstream.before_answer(self.path)
                with upstream._lock:
                    upstream.calls += self.path != "/health"
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def before_answer(self, path: str) -> None:
        """For those who answer some paths late."""

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Node:
    """One node folder, and the agent that runs there when it does."""

    data: Path
    url: str
    upstream: CountingUpstream
    state: ControlPlaneState
    port: int = field(default_factory=free_port)
    options: dict[str, object] = field(default_factory=dict)
    is_local: bool = True
    agent: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        return self.data / "node"

    @property
    def inbox(self) -> Path:
        return self.data / "inbox"

    @property
    def agent_log(self) -> Path:
        return self.data / "agent.log"

    def start(self, *, is_served: bool = True) -> None:
        """Start the agent; by default return once it has Envoy serving."""
        begun = self._times_serving()
        options = repr({**self.options, **({"inbox": self.inbox} if self.is_local else {})})
        code = AGENT.replace("eval(options)", "eval(options, {'PosixPath': pathlib.Path})")
        with self.agent_log.open("ab") as log:
            self.agent = subprocess.Popen(
                [sys.executable, "-c", code, str(self.data), self.url, str(self.port), options],
                stderr=log,
                stdout=log,
            )
        if is_served:
            wait_until(lambda: self._times_serving() > begun)

    def _times_serving(self) -> int:
        return self.agent_log.read_text().count("envoy serves") if self.agent_log.exists() else 0

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal the agent and wait for its end."""
        assert self.agent is not None
        self.agent.send_signal(number)
        code = self.agent.wait(90)
        self.agent = None
        return code

    def envoy(self) -> ProcessIdentity | None:
        """The Envoy of this folder."""
        return next(iter(process.find("envoy", self.folder)), None)

    def answers(self) -> bool:
        """Whether the gateway takes a connection and answers anything."""
        try:
            httpx2.get(f"http://127.0.0.1:{self.port}/", timeout=30)
        except httpx2.HTTPError:
            return False
        return True

    def status(self, path: str = "/a1/r0") -> int:
        """The status of one call."""
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=60).status_code

    def publish(self, revision: int, apis: int = 1, *, prefix: str = "a") -> None:
        """Have the control plane offer a revision with so many APIs."""
        self.state.publish(snapshot(revision, self.upstream.port, apis=apis, prefix=prefix))

    def wait_live(self, revision: int, seconds: float = 60) -> None:
        """Until the node says that `revision` is in service."""
        wait_until(
            lambda: self.state.reports and self.state.reports[-1].revision_live == revision, seconds
        )

    def lines(self) -> list[dict[str, object]]:
        """Every record in the inbox and in the control plane."""
        bodies = [path.read_bytes() for path in self.inbox.glob("*.jsonl")]
        bodies += list(self.state.segments.values())
        return [orjson.loads(line) for body in bodies for line in body.splitlines()]

    def close(self) -> None:
        """End everything that runs in this folder."""
        if self.agent is not None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
        if self.agent is not None:
            self.agent.kill()
            self.agent.wait()
        for identity in list(process.find("envoy", self.folder)):
            process.send_signal(identity, signal.SIGKILL)


def snapshot(revision: int, port: int, *, apis: int = 1, prefix: str = "a") -> Snapshot:
    """`apis` APIs with one operation each in front of a local upstream."""
    upstream = Upstream((UpstreamHost("127.0.0.1", port),), outlier_ejection=None)
    return Snapshot(
        revision,
        "default",
        tuple(
            SnapshotAPI(
                row=row,
                name=f"{prefix}{row}",
                version="v1",
                base_path=f"/{prefix}{row}",
                upstream=upstream,
                operations=(SnapshotOperation(row * 10, "op0", "GET", "/r0"),),
            )
            for row in range(1, apis + 1)
        ),
    )


@pytest.fixture
def upstream() -> Iterator[CountingUpstream]:
    made = CountingUpstream()
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[ControlPlaneServer]:
    with control_plane() as made:
        yield made


@pytest.fixture
def node(tmp_path: Path, upstream: CountingUpstream, server: ControlPlaneServer) -> Iterator[Node]:
    made = make_node(tmp_path / "data", upstream, server)
    yield made
    made.close()
    if os.environ.get("HEADGATE_TEST_LOGS"):
        print(made.agent_log.read_text())


def make_node(data: Path, upstream: CountingUpstream, server: ControlPlaneServer) -> Node:
    """A node folder with its token, nothing started."""
    (data / "node").mkdir(parents=True)
    (data / "node" / "node.token").write_text(TOKEN)
    return Node(data, server.url, upstream, server.state)
