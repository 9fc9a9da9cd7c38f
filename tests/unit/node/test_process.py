"""Is a process told from another one that got its pid?"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.node import process
from headgate.node.process import ProcessIdentity

pytestmark = pytest.mark.anyio


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [sys.executable, "-c", "import time; time.sleep(60)", "--boot", "0123abcd"]
    with subprocess.Popen(arguments, cwd=tmp_path) as child:
        yield child
        child.kill()


def identity_of(child: subprocess.Popen[bytes]) -> ProcessIdentity:
    found = process.identify(child.pid)
    assert found is not None
    return found


def test_a_process_is_known_by_pid_and_start(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    assert process.is_alive(identity)
    assert not process.is_alive(replace(identity, started_ticks=identity.started_ticks - 1))


def test_a_signal_for_an_earlier_process_of_the_same_pid_is_not_sent(
    sleeper: subprocess.Popen[bytes],
) -> None:
    identity = identity_of(sleeper)
    process.send_signal(replace(identity, started_ticks=1), signal.SIGKILL)
    assert sleeper.poll() is None
    process.send_signal(identity, signal.SIGKILL)
    assert sleeper.wait(5) == -signal.SIGKILL
    process.send_signal(identity, signal.SIGKILL)


async def test_the_end_of_a_process_is_noticed(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    waiting = asyncio.create_task(process.wait_for_exit(identity))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    sleeper.kill()
    await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(process.wait_for_exit(identity), 5)


def test_a_process_is_found_by_its_program_and_folder(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    program = Path(sys.executable).name
    until = time.monotonic() + 60
    while not process.command_line(sleeper.pid) and time.monotonic() < until:
        time.sleep(0.01)  # the kernel shows the arguments a moment after the program has started
    assert list(process.find(program, tmp_path)) == [identity_of(sleeper)]
    assert list(process.find(program, tmp_path.parent)) == []
    assert list(process.find("envoy", tmp_path)) == []
    arguments = process.command_line(sleeper.pid)
    assert process.option(arguments, "--boot") == "0123abcd"
    assert process.option(arguments, "--other") == ""


def test_what_is_gone_has_no_identity() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.identify(child.pid) is None  # its remains are no process
    child.wait()
    assert process.identify(child.pid) is None
    assert process.command_line(child.pid) == []
