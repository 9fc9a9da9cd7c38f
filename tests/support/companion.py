"""How does a test run a process beside Envoy (`node/companion.py`) without an agent?"""

import http.client
import json
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from headgate.node.local_http import control_name

START_SECONDS_MAX = 60.0


@dataclass
class CompanionProcess(ABC):
    """The module `module` on `socket`, with `arguments`. `start` returns once it answers."""

    socket: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    module: ClassVar[str]

    @property
    @abstractmethod
    def arguments(self) -> list[str]:
        """What stands behind its socket on the command line."""

    def start(self) -> None:
        command = [sys.executable, "-m", self.module, "--socket", str(self.socket)]
        self.process = subprocess.Popen([*command, *self.arguments])
        end = time.monotonic() + START_SECONDS_MAX
        while not self.answers():
            assert time.monotonic() < end, f"{self.module} does not answer"
            assert self.process.poll() is None, f"{self.module} has ended"
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

    def ask(self, method: str, target: str, body: Any = None) -> str:
        """One order of the agent's, and the body of its answer."""
        data = b"" if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("companion", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        with closing(connection):
            connection.sock.settimeout(60)
            connection.sock.connect(str(self.socket.with_name(control_name(self.socket.name))))
            connection.request(method, target, data, {"Content-Length": str(len(data))})
            return connection.getresponse().read().decode()
