"""Does a stream that is open live on when policies come, change and go?"""

import dataclasses
import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from headgate.model.access import APIRow
from headgate.model.snapshot import PolicyUse, Snapshot, Upstream, UpstreamHost
from tests.integration.node.conftest import Node, snapshot
from tests.support.control_plane import wait_until
from tests.support.server import Server

pytestmark = pytest.mark.integration
ISSUER = "https://login.example.com"
EVENT = b"data: more\n\n"


def _jwt() -> PolicyUse:
    """The policy with a key that nothing else has."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    jwks = {"keys": [ECAlgorithm.to_jwk(key, as_dict=True) | {"kid": "k"}]}
    return PolicyUse("jwt", {"issuers": [{"issuer": ISSUER, "jwks": jwks}]})


def _size(body_max: str) -> PolicyUse:
    return PolicyUse("request_size", {"body_max": body_max})


def _shield(name: str) -> PolicyUse:
    return PolicyUse("shield", {"name": name})


def _words(body: str) -> PolicyUse:
    return PolicyUse("error_bodies", {"bodies": [{"content_type": "text/plain", "body": body}]})


STEPS = (
    (_size("1MB"),),
    (_size("2MB"), _words("one")),
    (_size("2MB"), _shield("one"), _words("two")),
    (_shield("two"), _jwt()),
    (_jwt(),),
    (),
)
"""Policies that come, change and go, whose filters take no settings from a route."""


@dataclass
class Streams:
    """A WebSocket that echoes, and an event stream that goes on when it is told to."""

    socket: ClientConnection
    events: http.client.HTTPResponse
    more: threading.Semaphore

    def exchange(self, word: str) -> None:
        """Something over each of them.

        Raises:
            ConnectionClosed, OSError, AssertionError: one is not there any more.
        """
        self.socket.send(word)
        assert self.socket.recv(timeout=60) == word
        self.more.release()
        assert self.events.read(len(EVENT)) == EVENT


def _echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def _events(more: threading.Semaphore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            with suppress(OSError):
                while more.acquire(timeout=120):
                    self.wfile.write(EVENT)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def _upstreams() -> Iterator[tuple[int, int, threading.Semaphore]]:
    """Ports of a WebSocket and of an event stream, and what has the latter send one more."""
    more = threading.Semaphore(0)
    server = Server(("127.0.0.1", 0), _events(more))
    with serve(_echo, "127.0.0.1", 0) as sockets:
        threads = [threading.Thread(target=one.serve_forever) for one in (sockets, server)]
        for thread in threads:
            thread.start()
        try:
            yield sockets.socket.getsockname()[1], server.server_address[1], more
        finally:
            sockets.shutdown()
            server.shutdown()
            for thread in threads:
                thread.join()
    server.server_close()


def _with(revision: int, ports: tuple[int, int], uses: tuple[PolicyUse, ...]) -> Snapshot:
    """One API for each of the two upstreams, both with these policies."""
    made = snapshot(revision, 9, apis=2)
    apis = (
        dataclasses.replace(
            one,
            upstream=Upstream((UpstreamHost("127.0.0.1", port),), outlier_ejection=None),
            policies=uses,
        )
        for one, port in zip(made.apis, ports, strict=True)
    )
    return dataclasses.replace(made, apis=tuple(apis))


@contextmanager
def _open(node: Node, ports: tuple[int, int], more: threading.Semaphore) -> Iterator[Streams]:
    """The node serves, and both streams are open."""
    node.options = {"has_filter": True}
    node.state.change(APIRow(1, 1, (), is_open=True), APIRow(2, 1, (), is_open=True))
    node.start()
    node.state.publish(_with(1, ports, ()))
    node.wait_live(1)
    wait_until(lambda: node.status() != 503, 60)
    address = f"127.0.0.1:{node.port}"
    with (
        connect(f"ws://{address}/a1/r0", open_timeout=60) as socket,
        closing(http.client.HTTPConnection(address, timeout=60)) as connection,
    ):
        connection.request("GET", "/a2/r0")
        streams = Streams(socket, connection.getresponse(), more)
        streams.exchange("first")
        yield streams


def _listeners(node: Node) -> bytes:
    """What Envoy was told of its listeners, with the version that changes with each writing."""
    return (node.folder / "envoy" / "lds.json").read_bytes()


def test_open_streams_outlive_policies_that_come_change_and_go(node: Node) -> None:
    with _upstreams() as (socket, events, more), _open(node, (socket, events), more) as streams:
        before = _listeners(node)
        for revision, uses in enumerate(STEPS, 2):
            node.state.publish(_with(revision, (socket, events), uses))
            node.wait_live(revision)
            streams.exchange(f"revision {revision}")
        assert _listeners(node) == before


def test_what_does_renew_the_listener_ends_them_after_the_drain_time(node: Node) -> None:
    with _upstreams() as (socket, events, more), _open(node, (socket, events), more) as streams:
        before = _listeners(node)
        made = _with(2, (socket, events), ())
        node.state.publish(dataclasses.replace(made, problem_types="https://apis.example.com/"))
        node.wait_live(2)
        assert _listeners(node) != before

        def is_cut() -> bool:
            try:
                streams.exchange("still there?")
            except (ConnectionClosed, OSError, AssertionError, http.client.HTTPException):
                return True
            return False

        wait_until(is_cut, 60)
