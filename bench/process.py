"""How much CPU and memory does a process use? Read from /proc, no sampling."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS_MAX = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process since its start, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mib(pid: int) -> float:
    """Proportional set size in MiB: shared pages count once among those who share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} tells no Pss")


def children(pid: int) -> list[int]:
    """A process and everything that it started, directly or not."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += children(int(child))
    return found


@contextmanager
def beside(folder: Path, module: str, *arguments: str) -> Iterator[int]:
    """One of the node's processes beside Envoy; its process id once its `--socket` is there."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=folder)
    socket = folder / arguments[arguments.index("--socket") + 1]
    try:
        ends = time.monotonic() + START_SECONDS_MAX
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"{module} does not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
