"""A real web process on a port of its own and a data folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.support.postgres import BINARIES

ROOT = Path(__file__).resolve().parents[2]

START_SECONDS_MAX = 90.0  # a machine that is busy with other things
STOP_SECONDS_MAX = 60.0
PROGRAM = (
    "import sys; from pathlib import Path; from headgate.web.main import run; "
    "sys.exit(run(data=Path(sys.argv[1]), host='127.0.0.1', port=int(sys.argv[2]),"
    " log_format='json'))"
)


@dataclass(frozen=True, slots=True)
class WebProcess:
    """Where it answers, what it wrote, and how to end it."""

    url: str
    data: Path
    log: Path
    process: "subprocess.Popen[bytes]"
    database: str  # an address of PostgreSQL; empty for SQLite in the data folder

    def stored(self) -> bytes:
        """Everything that the database holds."""
        if not self.database:
            return b"".join(path.read_bytes() for path in self.data.glob("headgate.db*"))
        command = [BINARIES / "pg_dump", "--data-only", self.database]
        return subprocess.run(command, check=True, capture_output=True).stdout

    @property
    def admin_token(self) -> str:
        """The token of the first start."""
        return (self.data / "admin.token").read_text().strip()

    @property
    def node_token(self) -> str:
        """The token of the node on the same machine."""
        return (self.data / "node" / "node.token").read_text().strip()

    def client(self, token: str | None = None, *, path: str = "/api/v1") -> httpx2.Client:
        """A client with a token, by default the administrator's; an empty one sends none."""
        token = self.admin_token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx2.Client(
            base_url=self.url + path, headers=headers, timeout=60.0, trust_env=False
        )

    def log_lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        lines = self.log.read_text().split("\n")  # a path may hold what splitlines cuts at
        return [json.loads(line) for line in lines if line.startswith("{")]

    def threads(self) -> int:
        """How many threads it has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("Threads:")[1].split()[0])

    def resident_mib(self) -> float:
        """Its memory now, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS_MAX)


@contextmanager
def running_web(
    data: Path, *, port: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[WebProcess]:
    """A web process that answers; it is ended when the block is left."""
    data.parent.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}.log"
    run_file = data / "run" / "web.json"
    run_file.unlink(missing_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(data), str(port)],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
                "HEADGATE_DATA": str(data),
                "DJANGO_SETTINGS_MODULE": "tests.support.web_settings",
                **(environment or {}),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not run_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the web process did not start:\n{log.read_text()}")
            time.sleep(0.02)
        url = json.loads(run_file.read_text())["url"]
        database = (environment or {}).get("HEADGATE_DATABASE_URL", "")
        yield WebProcess(url, data, log, process, database)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
