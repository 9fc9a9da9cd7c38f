"""Does a node bring revisions into service, and keep the last good one when it must?"""

import dataclasses
import os
import signal
import subprocess
import time
from pathlib import Path

import httpx2
import pytest

from headgate.gateway.envoy.clusters import cluster_name
from headgate.model.node import EnvoyState
from headgate.model.snapshot import UpstreamTLS
from headgate.node import process
from tests.integration.node.conftest import CountingUpstream, Node, make_node, snapshot
from tests.support.control_plane import ControlPlaneServer, wait_until

pytestmark = pytest.mark.integration
NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def test_a_published_revision_is_served_and_reported_live(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    assert node.status() == 200
    report = node.state.reports[-1]
    assert report.envoy_state is EnvoyState.SERVING
    assert report.revision_error == ""
    assert report.problems == ()
    node.publish(2, apis=3)
    node.wait_live(2)
    assert node.status("/a3/r0") == 200


def test_a_path_that_no_revision_has_is_refused(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    assert node.status("/a2/r0") == 404


def test_an_api_that_goes_away_is_gone_with_its_upstream(node: Node) -> None:
    node.start()
    both = snapshot(1, node.upstream.port, apis=2)
    other = dataclasses.replace(both.apis[1].upstream, connect_timeout_seconds=4.0)
    second = dataclasses.replace(both.apis[1], upstream=other)
    node.state.publish(dataclasses.replace(both, apis=(both.apis[0], second)))
    node.wait_live(1)
    assert node.status("/a2/r0") == 200
    node.publish(2, apis=1)
    node.wait_live(2)
    assert node.status("/a1/r0") == 200
    assert node.status("/a2/r0") == 404
    clusters = (node.folder / "envoy" / "cds.json").read_text()
    assert cluster_name(both.apis[0].upstream) in clusters
    assert cluster_name(other) not in clusters


def test_a_revision_that_envoy_refuses_is_reported_in_its_words_and_the_last_stays(
    node: Node,
) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    broken = snapshot(2, node.upstream.port, apis=2)
    tls = UpstreamTLS(ca_pem=NO_CERTIFICATE)
    upstream = dataclasses.replace(broken.apis[1].upstream, tls=tls)
    wrong = dataclasses.replace(broken.apis[1], upstream=upstream)
    node.state.publish(dataclasses.replace(broken, apis=(broken.apis[0], wrong)))
    wait_until(lambda: node.state.reports[-1].revision_error)
    report = node.state.reports[-1]
    assert (report.revision_seen, report.revision_live) == (2, 1)
    assert "certificate" in report.revision_error.lower()
    assert any("Revision 2 is refused" in sentence for sentence in report.problems)
    assert node.status() == 200
    node.publish(3, apis=2)
    node.wait_live(3)
    assert node.status("/a2/r0") == 200
    assert node.state.reports[-1].problems == ()


def test_envoy_starts_without_a_control_plane_from_what_is_on_disk(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    assert node.stop() == 0
    assert not node.answers()
    node.state.set_down(True)
    node.start()
    wait_until(lambda: node.status() == 200)
    node.state.set_down(False)
    node.publish(2, apis=2)
    node.wait_live(2)


def test_envoy_alone_starts_from_what_is_on_disk(node: Node) -> None:
    """With neither agent nor control plane: its own command line, in the node's folder."""
    node.start()
    node.publish(1)
    node.wait_live(1)
    running = node.envoy()
    assert running is not None
    command = process.command_line(running.pid)
    environment = _environment_of(running.pid)
    node.state.set_down(True)
    node.stop(signal.SIGKILL)
    _kill(running.pid)
    wait_until(lambda: not process.is_alive(running))
    assert not node.answers()
    alone = subprocess.Popen(command, cwd=node.folder, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: node.answers() and node.status() == 200)
        assert node.status("/a2/r0") == 404
    finally:
        alone.kill()
        alone.wait()


def test_a_node_that_never_had_a_revision_serves_nothing_but_answers(node: Node) -> None:
    node.state.set_down(True)
    node.start()
    assert node.status() == 404


def test_a_killed_envoy_is_started_again_at_once(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    for _ in range(2):
        before = node.envoy()
        assert before is not None
        _kill(before.pid)
        wait_until(lambda: node.answers() and node.status() == 200)
        assert node.envoy() != before
    wait_until(lambda: node.state.reports[-1].envoy_restarts == 2)


def test_a_port_in_use_is_one_clear_message_and_nothing_is_started(node: Node) -> None:
    node.port = node.upstream.port
    node.start(is_served=False)
    assert node.agent is not None
    assert node.agent.wait(60) == 2
    node.agent = None
    words = node.agent_log.read_text().strip().splitlines()
    assert len(words) == 1
    assert f"port {node.port}" in words[0]
    assert "--gateway-port" in words[0]
    assert node.envoy() is None


def test_a_second_agent_in_the_same_folder_is_turned_away(node: Node) -> None:
    node.start()
    first = node.agent
    node.start(is_served=False)
    assert node.agent is not None
    assert node.agent.wait(60) == 2
    node.agent = first
    assert "Another agent" in node.agent_log.read_text()
    assert node.answers()


def test_a_folder_deeper_than_a_socket_address_works(
    tmp_path: Path, upstream: CountingUpstream, server: ControlPlaneServer
) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-folder-name-for-the-data"] * 6)
    node = make_node(deep, upstream, server)
    try:
        node.start()
        node.publish(1)
        node.wait_live(1)
        assert node.status() == 200
    finally:
        node.close()


def test_a_publish_becomes_live_and_no_request_fails_meanwhile(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    failed = 0
    with httpx2.Client(base_url=f"http://127.0.0.1:{node.port}") as client:
        for revision in range(2, 7):
            began = time.monotonic()
            node.publish(revision, apis=1 + revision % 2)
            while node.state.reports[-1].revision_live != revision:
                failed += client.get("/a1/r0").status_code != 200
                assert time.monotonic() - began < 60
    assert failed == 0


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _environment_of(pid: int) -> dict[str, str]:
    """What a process was started with."""
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)
