"""Are children started again, ended in order, and never left behind? With real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.cli.up.backoff import FIRST_SECONDS, LONGEST_SECONDS, STEADY_SECONDS, BackOff

SUPERVISE = """
import sys
from pathlib import Path
from headgate.cli.up.child import Program
from headgate.cli.up.supervisor import Stopped, Supervisor
from headgate.core.clock import SystemClock
folder = Path(sys.argv[1])
child = '''
import os, signal, sys, time
from pathlib import Path
folder, name = Path(sys.argv[1]), sys.argv[2]
def end(*_):
    if (folder / "deaf").exists():
        return
    with (folder / "ends").open("a") as file:
        file.write(name + chr(10))
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
with (folder / name).open("a") as file:
    file.write(str(os.getpid()) + chr(10))
while True:
    time.sleep(600)
'''
supervisor = Supervisor(SystemClock())
for name in ("one", "two", "three"):
    supervisor.start(Program(name, ("-c", child, str(folder), name), stop_seconds=60.0))
try:
    while True:
        supervisor.wait(60.0)
except Stopped:
    supervisor.stop("two")
"""


def test_the_first_failure_is_answered_soon_and_later_ones_later() -> None:
    state = BackOff()
    delays = []
    for _ in range(12):
        state = state.after(0.1)
        delays.append(state.delay_seconds)
    assert delays[0] == FIRST_SECONDS
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_SECONDS


def test_a_steady_run_ends_a_row_of_failures() -> None:
    state = BackOff(9).after(STEADY_SECONDS)
    assert state.delay_seconds == FIRST_SECONDS


def _eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass in a minute"
        time.sleep(0.02)


def _pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def _is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


@pytest.fixture
def supervised(tmp_path: Path) -> "Callable[[], subprocess.Popen[bytes]]":
    def start() -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, str(tmp_path)], stderr=subprocess.DEVNULL
        )
        _eventually(lambda: all(_pids(tmp_path / name) for name in ("one", "two", "three")))
        return process

    return start


Start = Callable[[], "subprocess.Popen[bytes]"]


def test_a_killed_child_comes_back_and_the_others_stay(supervised: Start, tmp_path: Path) -> None:
    process = supervised()
    [killed] = _pids(tmp_path / "two")
    os.kill(killed, signal.SIGKILL)
    _eventually(lambda: len(_pids(tmp_path / "two")) == 2)
    assert len(_pids(tmp_path / "one")) == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_all_are_ended_in_order(supervised: Start, tmp_path: Path, number: signal.Signals) -> None:
    process = supervised()
    process.send_signal(number)
    assert process.wait(60) == 0
    assert (tmp_path / "ends").read_text().split() == ["two", "three", "one"]


def test_a_killed_supervisor_leaves_no_child(supervised: Start, tmp_path: Path) -> None:
    process = supervised()
    process.kill()
    process.wait()
    pids = [pid for name in ("one", "two", "three") for pid in _pids(tmp_path / name)]
    _eventually(lambda: not any(_is_running(pid) for pid in pids))


def test_who_is_in_a_hurry_need_not_wait_for_a_deaf_child(
    supervised: Start, tmp_path: Path
) -> None:
    (tmp_path / "deaf").touch()
    process = supervised()
    started = time.monotonic()
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert process.wait(60) == 0
    assert time.monotonic() - started < 30  # half of what a deaf one is given
    pids = [pid for name in ("one", "two", "three") for pid in _pids(tmp_path / name)]
    assert not any(_is_running(pid) for pid in pids)


def test_a_start_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["nohup", sys.executable, "-c", SUPERVISE, str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _eventually(lambda: all(_pids(tmp_path / name) for name in ("one", "two", "three")))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.terminate()
    assert process.wait(60) == 0


def test_a_child_gets_no_signal_of_the_terminal(supervised: Start, tmp_path: Path) -> None:
    process = supervised()
    groups = {os.getpgid(_pids(tmp_path / name)[0]) for name in ("one", "two", "three")}
    assert os.getpgid(process.pid) not in groups
    process.terminate()
    process.wait(60)
