"""Several processes on one store: nothing is lost, doubled or skipped, and news travels at once."""

import json
import random
import signal
import time
from pathlib import Path

import pytest

from headgate.access.keys import is_token
from tests.support.processes_of_store import Environment, Processes

pytestmark = pytest.mark.integration

KILLS = 20


def test_two_publishers_at_once_make_one_row_of_revisions(processes: Processes) -> None:
    running = [processes.start("publish", api, "15") for api in ("a", "b")]
    numbers = [json.loads(processes.result(process)) for process in running]
    assert sorted(numbers[0] + numbers[1]) == list(range(1, 61))
    assert all(found == sorted(found) for found in numbers)


def test_tries_are_counted_once_over_processes_that_count_at_once(processes: Processes) -> None:
    running = [processes.start("take", "15") for _ in range(3)]
    assert sum(json.loads(processes.result(process)) for process in running) == 20


def test_a_reader_never_skips_a_row_that_writers_commit_meanwhile(processes: Processes) -> None:
    reader = processes.start("follow", "120")
    writers = [processes.start("issue", "40") for _ in range(3)]
    issued = [json.loads(processes.result(process)) for process in writers]
    seen = json.loads(processes.result(reader))
    assert sorted(seen) == sorted(issued[0] + issued[1] + issued[2])
    for own in issued:
        assert [key for key in seen if key in own] == own


def test_a_change_of_another_process_wakes_who_waits(processes: Processes) -> None:
    waiter = processes.start("wait")
    assert waiter.stdout is not None
    assert waiter.stdout.readline() == "waiting\n"
    time.sleep(0.5)
    processes.run("block")
    assert json.loads(processes.result(waiter)) is True


def test_a_first_start_that_is_killed_anywhere_is_finished_by_the_next(
    environment: Environment,
) -> None:
    processes = Processes(environment)
    data = Path(environment["HEADGATE_DATA"])
    moments = random.Random(7)
    try:
        for _ in range(KILLS):
            process = processes.start("start")
            time.sleep(moments.uniform(0.15, 1.0))
            process.send_signal(signal.SIGKILL)
            process.wait()
        processes.run("start")
        tokens = [(data / name).read_text() for name in ("admin.token", "node/node.token")]
        assert all(is_token(text.strip()) for text in tokens)
        processes.run("start")
        assert tokens == [(data / n).read_text() for n in ("admin.token", "node/node.token")]
        assert sorted(path.name for path in data.iterdir() if path.name.startswith(".")) == []
    finally:
        processes.end()


def test_starts_at_once_make_one_store(environment: Environment) -> None:
    processes = Processes(environment)
    try:
        for process in [processes.start("start") for _ in range(3)]:
            processes.result(process)
        processes.run("fill")
    finally:
        processes.end()
