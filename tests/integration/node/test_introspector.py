"""Does the introspector live beside Envoy: started on demand, adopted, restarted, instructed?"""

import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headgate.model.access import APIRow
from headgate.model.introspection import SOCKET_NAME
from headgate.model.snapshot import PolicyUse, SnapshotOperation
from headgate.node import process
from headgate.node.local_http import control_name
from tests.integration.node.conftest import Node, snapshot
from tests.support.control_plane import wait_until

pytestmark = pytest.mark.integration

SECRET = "the secret for the server"  # of nobody
SETTINGS: dict[str, Any] = {
    "issuer": "https://login.example.com",
    "endpoint": "http://127.0.0.1:9/introspect",
    "client_id": "gateway",
    "client_secret": "${secret:introspection}",
    "allow_private": True,
}


def publish(node: Node, revision: int, **settings: Any) -> None:
    """One API that takes opaque tokens as `settings` say; without settings, none does."""
    plain = snapshot(revision, node.upstream.port)
    if settings:
        use = PolicyUse("introspect", SETTINGS | settings)
        operation = SnapshotOperation(10, "op0", "GET", "/r0", (use,))
        api = replace(plain.apis[0], operations=(operation,))
        plain = replace(plain, apis=(api,), secrets={"introspection": SECRET})
    node.state.publish(plain)


def introspectors(node: Node) -> list[process.ProcessIdentity]:
    return [
        identity
        for name in {"python", Path(os.path.realpath("/proc/self/exe")).name, "python3"}
        for identity in process.find(name, node.folder)
        if "headgate.node.introspector" in process.command_line(identity.pid)
    ]


def issuers(node: Node) -> list[str]:
    """Of whom the running introspector knows; it is asked as the agent asks it."""
    connection = http.client.HTTPConnection("introspector", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    with closing(connection):
        place = os.open(node.folder, os.O_PATH)  # the whole path may be longer than a socket's may
        connection.sock.connect(f"/proc/self/fd/{place}/{control_name(SOCKET_NAME)}")
        os.close(place)
        connection.request("GET", "/readings")
        return [one["issuer"] for one in json.loads(connection.getresponse().read())]


@pytest.fixture(autouse=True)
def ended(node: Node) -> Iterator[None]:
    yield
    if node.agent is not None:
        node.stop()
    for identity in introspectors(node):
        process.send_signal(identity, signal.SIGKILL)


def test_an_introspector_runs_only_while_an_api_has_opaque_tokens(node: Node) -> None:
    publish(node, 1)
    node.start()
    node.wait_live(1)
    assert not introspectors(node)
    publish(node, 2, issuer="https://login.example.com")
    node.wait_live(2)
    wait_until(lambda: issuers(node) == ["https://login.example.com"], 60)
    assert len(introspectors(node)) == 1
    settings = node.folder / "introspection.json"
    assert settings.stat().st_mode & 0o777 == 0o600
    assert SECRET in settings.read_text()
    for shown in (node.agent_log, node.folder / "log" / "introspector.log"):
        assert SECRET not in shown.read_text()
    (one,) = introspectors(node)
    assert SECRET not in " ".join(process.command_line(one.pid))
    publish(node, 3, issuer="https://other.example.com")
    node.wait_live(3)
    wait_until(lambda: issuers(node) == ["https://other.example.com"], 60)
    assert introspectors(node) == [one]
    publish(node, 4)
    node.wait_live(4)
    wait_until(lambda: not introspectors(node), 60)
    wait_until(lambda: not settings.exists(), 60)


def test_killed_it_is_started_again_told_whom_to_ask_and_reported(node: Node) -> None:
    publish(node, 1, issuer="https://login.example.com")
    node.start()
    node.wait_live(1)
    (old,) = wait_until(lambda: introspectors(node), 60)
    wait_until(lambda: issuers(node), 60)
    process.send_signal(old, signal.SIGKILL)
    wait_until(lambda: introspectors(node) not in ([], [old]), 60)
    wait_until(lambda: any("introspector is down" in one for one in said(node)), 60)
    wait_until(lambda: (node.folder / SOCKET_NAME).exists() and known(node), 60)


def test_the_next_agent_adopts_it_and_needs_no_control_plane(node: Node) -> None:
    publish(node, 1, issuer="https://login.example.com")
    node.start()
    node.wait_live(1)
    wait_until(lambda: known(node), 60)
    before = introspectors(node)
    node.stop(signal.SIGKILL)
    assert known(node)
    node.state.set_down(is_down=True)
    node.start()
    assert introspectors(node) == before
    assert known(node)
    node.stop()
    assert not introspectors(node)
    node.start()  # everything anew, from what is on the disk
    wait_until(lambda: known(node), 60)


def said(node: Node) -> list[str]:
    return [one for report in node.state.reports for one in report.problems]


def known(node: Node) -> bool:
    """Whether it answers and knows the server."""
    try:
        return issuers(node) == ["https://login.example.com"]
    except OSError:
        return False


def test_what_it_has_done_is_reported_for_each_server(node: Node) -> None:
    publish(node, 1, issuer="https://silent.example.com")
    node.options = {"has_filter": True}
    node.state.change(APIRow(1, 1, (), is_open=True))
    node.start()
    node.wait_live(1)
    headers = {"authorization": "Bearer nobody-can-say"}
    url = f"http://127.0.0.1:{node.port}/a1/r0"
    wait_until(lambda: httpx2.get(url, headers=headers, timeout=20).status_code == 503, 60)

    def reported() -> list[tuple[str, bool]]:
        found = node.state.reports[-1].introspections
        return [(one.issuer, one.asked > 0 and one.failed == one.asked) for one in found]

    wait_until(lambda: reported() == [("https://silent.example.com", True)], 60)
    publish(node, 2)
    node.wait_live(2)
    wait_until(lambda: node.state.reports[-1].introspections == (), 60)
