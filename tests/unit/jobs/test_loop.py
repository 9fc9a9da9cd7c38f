"""A loop outlives every failure, slower while it lasts, and ends when it is told to."""

import threading

import pytest

from headgate.core.clock import SystemClock
from headgate.jobs.loop import BACKOFF_SECONDS_MAX, Loop, backoff_seconds, run


def finished(loop: Loop, stop: threading.Event) -> None:
    thread = threading.Thread(target=run, args=(loop, stop, SystemClock()))
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def test_a_failure_is_told_and_the_next_round_comes() -> None:
    stop, rounds, told, ended = threading.Event(), list[int](), list[str](), list[bool]()

    def act() -> bool:
        rounds.append(1)
        if len(rounds) == 1:
            raise OSError("disk full")
        stop.set()
        return False

    def failed(name: str, error: Exception) -> None:
        told.append(f"{name}: {error}")

    finished(Loop("ingest", 0.0, act, failed, lambda: ended.append(True)), stop)
    assert len(rounds) == 2
    assert told == ["ingest: disk full"]
    assert ended == [True]


def test_a_failure_to_tell_is_not_the_end() -> None:
    stop, rounds = threading.Event(), list[int]()

    def act() -> bool:
        rounds.append(1)
        if len(rounds) == 2:
            stop.set()
        raise OSError("disk full")

    def failed(_name: str, _error: Exception) -> None:
        raise OSError("database gone")

    finished(Loop("ingest", 0.0, act, failed, lambda: None), stop)
    assert len(rounds) == 2


def test_more_to_do_is_done_at_once() -> None:
    stop, rounds = threading.Event(), list[int]()

    def act() -> bool:
        rounds.append(1)
        if len(rounds) == 50:
            stop.set()
        return True

    finished(Loop("compaction", 60.0, act, lambda _n, _e: None, lambda: None), stop)
    assert len(rounds) == 50


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1.0), (5, 8.0), (40, 30.0)])
def test_the_wait_grows_with_failures_up_to_a_limit(failures: int, seconds: float) -> None:
    assert backoff_seconds(failures) == min(seconds, BACKOFF_SECONDS_MAX)
