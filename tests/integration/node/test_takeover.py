"""Does a restarted or upgraded agent take over the running Envoy without a failed call?"""

import signal
import socket
import time
from http.client import HTTPConnection

import pytest

from headgate.node import process
from tests.integration.node.conftest import Node
from tests.integration.node.load import load
from tests.support.control_plane import wait_until

pytestmark = pytest.mark.integration
ROUTE = "10 a1 v1 op0"  # API, version and operation as the log names them


def test_envoy_serves_on_while_the_agent_is_dead_and_is_adopted(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    envoy = node.envoy()
    node.stop(signal.SIGKILL)
    assert node.status() == 200
    node.publish(2, apis=2)
    node.start()
    node.wait_live(2)
    assert node.envoy() == envoy
    assert node.status("/a2/r0") == 200
    assert node.state.reports[-1].envoy_restarts == 0


def test_an_adopted_envoy_that_dies_is_started_again(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    node.stop(signal.SIGKILL)
    node.start()
    envoy = node.envoy()
    assert envoy is not None
    process.send_signal(envoy, signal.SIGKILL)
    wait_until(lambda: node.envoy() not in {None, envoy} and node.answers())


def test_an_upgrade_replaces_envoy_without_a_failed_call(node: Node) -> None:
    node.options = {"keep_envoy": True}
    node.start()
    node.publish(1)
    node.wait_live(1)
    old = node.envoy()
    assert old is not None
    with load(f"http://127.0.0.1:{node.port}/a1/r0") as callers:
        time.sleep(0.5)
        node.stop()
        assert process.is_alive(old)
        node.options = {"workers": 2}  # something that a running Envoy cannot change
        node.start()
        wait_until(lambda: not process.is_alive(old))
        time.sleep(0.5)
    assert node.envoy() is not None
    assert callers.failures == []
    assert set(callers.statuses) == {200}
    node.stop()
    lines = [line for line in node.lines() if line["route"] == ROUTE]
    assert len(lines) == sum(callers.statuses.values())
    assert len({line["request_id"] for line in lines}) == len(lines)
    assert list((node.folder / "log").glob("draining-*")) == []


def test_a_caller_between_two_requests_is_told_before_its_connection_ends(node: Node) -> None:
    drain_seconds = 4.0
    node.options = {"keep_envoy": True, "drain_seconds": drain_seconds}
    node.start()
    node.publish(1)
    node.wait_live(1)
    old = node.envoy()
    assert old is not None
    connection = HTTPConnection("127.0.0.1", node.port, timeout=60)
    connection.connect()
    connection.auto_open = 0  # a connection that has ended is an error, not one more
    node.stop()
    node.options = {"workers": 2, "drain_seconds": drain_seconds}
    node.start()
    time.sleep(drain_seconds + 0.5)  # nothing is under way when the time is over
    connection.request("GET", "/a1/r0")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    assert answer.will_close
    connection.close()
    wait_until(lambda: not process.is_alive(old))


def test_a_stop_during_the_replacement_waits_for_requests_alone(node: Node) -> None:
    long = {"drain_seconds": 600.0}  # beyond any patience of this test
    node.options = {"keep_envoy": True} | long
    node.start()
    node.publish(1)
    node.wait_live(1)
    old = node.envoy()
    assert old is not None
    with socket.create_connection(("127.0.0.1", node.port), timeout=60):
        node.stop()
        node.options = {"workers": 2} | long
        node.start()
        assert process.is_alive(old)
        assert node.stop() == 0
        assert not process.is_alive(old)


def test_a_connection_without_a_request_does_not_hold_up_the_replacement(node: Node) -> None:
    node.options = {"keep_envoy": True}
    node.start()
    node.publish(1)
    node.wait_live(1)
    old = node.envoy()
    assert old is not None
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as silent:
        node.stop()
        node.options = {"workers": 2}
        node.start()
        wait_until(lambda: not process.is_alive(old))
        assert silent.recv(1) == b""


def test_an_agent_killed_during_the_replacement_is_followed_by_one_that_finishes_it(
    node: Node,
) -> None:
    node.options = {"keep_envoy": True}
    node.start()
    node.publish(1)
    node.wait_live(1)
    old = node.envoy()
    assert old is not None
    node.stop()
    with load(f"http://127.0.0.1:{node.port}/a1/r0") as callers:
        node.options = {"workers": 2, "drain_seconds": 3.0}
        node.start()
        node.stop(signal.SIGKILL)
        assert process.is_alive(old)
        node.start()
        wait_until(lambda: not process.is_alive(old))
    node.stop()
    lines = [line for line in node.lines() if line["route"] == ROUTE]
    assert callers.failures == []
    assert len(lines) == sum(callers.statuses.values())
    assert node.envoy() is None


def test_stopping_finishes_requests_and_leaves_no_process(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    with load(f"http://127.0.0.1:{node.port}/a1/r0") as callers:
        time.sleep(0.5)
        assert node.stop() == 0
    assert node.envoy() is None
    lines = [line for line in node.lines() if line["route"] == ROUTE]
    assert len(lines) == node.upstream.calls >= sum(callers.statuses.values())
