"""The real introspector's process, without an agent."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from headgate.gateway.introspection import servers
from headgate.model.snapshot import Snapshot, SnapshotAPI
from headgate.node.local_http import control_name

START_SECONDS_MAX = 60.0


@dataclass
class Introspector:
    """An introspector on `socket`. `start` returns once it answers."""

    socket: Path
    settings: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "headgate.node.introspector"),
                *("--socket", str(self.socket), "--settings", str(self.settings)),
            ]
        )
        end = time.monotonic() + START_SECONDS_MAX
        while not self.answers():
            assert time.monotonic() < end, "the introspector does not answer"
            assert self.process.poll() is None, "the introspector has ended"
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            self.ask("GET", "/process")
        except OSError:
            return False
        return True

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def know(self, *apis: SnapshotAPI) -> None:
        """Ask the servers that these APIs name."""
        told = servers(Snapshot(1, "default", apis))
        self.settings.write_bytes(orjson.dumps(told))
        assert self.ask("PUT", "/settings") == ""

    def reading(self) -> dict[str, Any]:
        """What it has done for its only server."""
        found: list[dict[str, Any]] = json.loads(self.ask("GET", "/readings"))
        assert len(found) == 1
        return found[0]

    def ask(self, method: str, target: str) -> str:
        """One order of the agent's, and the body of its answer."""
        connection = http.client.HTTPConnection("introspector", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.socket.with_name(control_name(self.socket.name))))
            connection.request(method, target, headers={"Content-Length": "0"})
            return connection.getresponse().read().decode()
        finally:
            connection.close()


@contextmanager
def introspector(folder: Path) -> Iterator[Introspector]:
    """A running introspector in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Introspector(folder / "i.sock", folder / "introspection.json")
    made.start()
    try:
        yield made
    finally:
        made.kill()
