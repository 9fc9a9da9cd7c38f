"""Does every request that Envoy wrote reach the ingest exactly once, whatever is killed?"""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from headgate.model.node import parse_segment_name
from headgate.node.spool import SUFFIX
from tests.integration.node.conftest import Node
from tests.integration.node.load import load
from tests.support.control_plane import wait_until

pytestmark = pytest.mark.integration
ROUTE = "10 a1 v1 op0"  # API, version and operation as the log names them
ROUNDS = 6
LOST_PER_ENVOY_KILL_MAX = 200  # an unflushed buffer: 100 ms of three callers


def test_under_load_every_answer_is_one_record(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    with load(f"{_base(node)}/a1/r0") as callers:
        time.sleep(4)
    node.stop()
    lines = _own_lines(node)
    assert callers.failures == []
    assert len(lines) == sum(callers.statuses.values()) == node.upstream.calls
    assert len({line["request_id"] for line in lines}) == len(lines)
    assert len(list(node.inbox.glob(f"*{SUFFIX}"))) >= 3
    assert list((node.folder / "spool").iterdir()) == []


def test_names_of_segments_are_never_used_twice(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    seen: set[str] = set()
    for _ in range(3):
        node.status()
        wait_until(lambda known=frozenset(seen): _names(node) - known)
        wait_until(lambda: not list((node.folder / "spool").iterdir()))
        new = _names(node) - seen
        seen |= new
        for name in new:  # the ingest takes them away
            (node.inbox / name).unlink()
        node.stop(signal.SIGKILL)
        node.start()
        assert not _names(node) & seen
    numbers = [parse_segment_name(name.removesuffix(SUFFIX)) for name in seen]
    assert len({(one.boot, one.sequence) for one in numbers}) == len(seen)


def test_killing_the_agent_loses_and_doubles_no_record(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    envoy = node.envoy()
    chance = random.Random(7)
    with load(f"{_base(node)}/a1/r0") as callers:
        for _ in range(ROUNDS):
            time.sleep(chance.random())
            node.stop(signal.SIGKILL)
            node.start()
    assert node.envoy() == envoy
    assert callers.failures == []
    node.stop()
    lines = _own_lines(node)
    assert len(lines) == sum(callers.statuses.values())
    assert len({line["request_id"] for line in lines}) == len(lines)


def test_killing_envoy_loses_at_most_its_buffer_and_doubles_nothing(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    chance = random.Random(11)
    with load(f"{_base(node)}/a1/r0") as callers:
        for _ in range(ROUNDS):
            time.sleep(0.4 + chance.random())
            envoy = node.envoy()
            assert envoy is not None
            os.kill(envoy.pid, signal.SIGKILL)
            wait_until(lambda old=envoy: node.envoy() not in {None, old} and node.answers())
    node.stop()
    lines = _own_lines(node)
    answered = sum(callers.statuses.values())
    assert answered - ROUNDS * LOST_PER_ENVOY_KILL_MAX <= len(lines) <= node.upstream.calls
    assert len({line["request_id"] for line in lines}) == len(lines)


def test_segments_are_uploaded_once_the_control_plane_is_back(node: Node) -> None:
    node.is_local = False
    node.start()
    node.publish(1)
    node.wait_live(1)
    node.status()
    wait_until(lambda: any(ROUTE.encode() in body for body in node.state.segments.values()))
    node.state.set_down(True)
    for _ in range(20):
        node.status()
    wait_until(lambda: list((node.folder / "spool").glob(f"*{SUFFIX}")))
    node.state.set_down(False)
    wait_until(lambda: len(_own_lines(node)) == 21)
    node.stop()
    assert list((node.folder / "spool").iterdir()) == []


def test_a_torn_line_of_a_killed_envoy_runs_into_no_other(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    node.stop()
    (node.folder / "log" / "access.log").write_bytes(b'{"torn":')
    node.start()
    node.status()
    wait_until(lambda: b'{"torn":\n' in [path.read_bytes() for path in _segments(node)])
    node.stop()
    assert any(ROUTE.encode() in path.read_bytes() for path in _segments(node))


def _base(node: Node) -> str:
    return f"http://127.0.0.1:{node.port}"


def _segments(node: Node) -> list[Path]:
    return sorted(node.inbox.glob(f"*{SUFFIX}"))


def _names(node: Node) -> set[str]:
    return {path.name for path in node.inbox.glob(f"*{SUFFIX}")}


def _own_lines(node: Node) -> list[dict[str, object]]:
    """Records of calls to the API: not those of tests that wait for the gateway."""
    return [line for line in node.lines() if line.get("route") == ROUTE]
