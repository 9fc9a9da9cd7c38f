"""How do tests run several processes on one store?"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
Environment = dict[str, str]


class Processes:
    """Starts commands of `tests.support.store_process`; ends what is left."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """A process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.support.store_process", *command],
            env=self._environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def result(self, process: "subprocess.Popen[str]") -> str:
        """What a process printed last; its errors are the test's."""
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return out.strip().splitlines()[-1] if out.strip() else ""

    def run(self, *command: str) -> str:
        """As `start` and `result`."""
        return self.result(self.start(*command))

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
