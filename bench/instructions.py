"""How many instructions does a server spend on a request? Counted by valgrind, the same each time.

A processor's time per request moves by a tenth from one second to the next on a shared machine;
the instructions of Envoy's worker do not. They leave out the kernel and the caches, so their
ratios are no times, but they tell which of two ways is cheaper where times cannot.
"""

import http.client
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import rig
from headgate.gateway.filter import FOLDER
from headgate.gateway.filter.build import build

REQUESTS = 200
WARM_REQUESTS = 50
START_SECONDS_MAX = 300.0  # forty times as slow as without
ANSWER_SECONDS_MAX = 60.0
VALGRIND = ("valgrind", "--tool=callgrind", "--separate-threads=yes", "--instr-atstart=no")


@dataclass
class Counter:
    """An Envoy whose instructions are counted. `port`: where it listens."""

    pid: int
    port: int
    folder: Path
    number: int = field(default=0, init=False)

    def per_request(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str], status: int = 200
    ) -> float:
        """Instructions of the worker for one request like this, after some to warm up.

        Raises:
            RuntimeError: an answer has another status.
        """
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS_MAX)
        ) as connection:
            for count in (WARM_REQUESTS, REQUESTS):
                self._dump()
                for _ in range(count):
                    connection.request(method, path, headers=dict(headers))
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status != status:
                        raise RuntimeError(f"{method} {path} answers {answer.status}")
            return self._dump() / REQUESTS

    def _dump(self) -> int:
        """Instructions of the busiest thread since the last dump."""
        self.number += 1
        _control(self.pid, f"--dump={self.number}")
        counted = [0]
        for part in self.folder.glob("callgrind.*"):
            text = part.read_text()
            if f"Trigger: dump {self.number}\n" in text:
                counted.append(int(text.rpartition("totals: ")[2].split()[0]))
            part.unlink()
        return max(counted)


def modules(folder: Path) -> Path:
    """The filter in a folder of its own, without the instructions that valgrind does not know."""
    made = folder / "modules"
    made.mkdir()
    for source in (*FOLDER.glob("*.zig"), FOLDER / "build.py"):
        shutil.copy(source, made)
    build(made, hash_cpu="baseline")
    return made


@contextmanager
def counted(
    config: Path, *, base_id: int, port: int, arguments: list[str], modules: Path = FOLDER
) -> Iterator[Counter]:
    """A running Envoy with one worker, counted from its first answer on.

    Raises:
        RuntimeError: it does not start.
    """
    tool = [*VALGRIND, f"--callgrind-out-file={config.parent / 'callgrind'}"]
    with rig.envoy(
        config,
        base_id=base_id,
        port=port,
        arguments=arguments,
        under=tool,
        modules=modules,
        start_seconds_max=START_SECONDS_MAX,
    ) as pid:
        _control(pid, "--instr=on")
        yield Counter(pid, port, config.parent)


def _control(pid: int, order: str) -> None:
    subprocess.run(["callgrind_control", order, str(pid)], capture_output=True, check=True)
