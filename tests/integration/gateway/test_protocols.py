"""Do all protocols pass, up and down: HTTP/1.0 to 2, TLS, WebSocket, event streams, gRPC?"""

import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import h2.config
import h2.connection
import h2.events
import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from headgate.model.snapshot import Upstream, UpstreamHost, UpstreamTLS
from tests.support.certificates import Authority
from tests.support.peer import Peer, peer
from tests.support.proxy import Proxy, api, proxy, until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def two(port: int, method: str, path: str, context: ssl.SSLContext | None = None) -> dict[str, str]:
    """One request over HTTP/2: the answer's headers and, under `body`, its body."""
    raw: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
    with context.wrap_socket(raw, server_hostname="gateway.test") if context else raw as wire:
        if context:
            assert isinstance(wire, ssl.SSLSocket)
            assert wire.selected_alpn_protocol() == "h2"
        connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        connection.initiate_connection()
        scheme = "https" if context else "http"
        names = [(":method", method), (":path", path), (":scheme", scheme), (":authority", "a")]
        connection.send_headers(1, names, end_stream=True)
        wire.sendall(connection.data_to_send())
        found: dict[str, str] = {"body": ""}
        while True:
            for event in connection.receive_data(wire.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    found |= dict(event.headers)
                if isinstance(event, h2.events.DataReceived):
                    found["body"] += event.data.decode()
                if isinstance(event, h2.events.StreamEnded):
                    return found
            wire.sendall(connection.data_to_send())


def test_http_2_without_tls_is_understood(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(api("GET /echo", port=upstream.port))
    answer = two(gateway.port, "GET", "/shop/echo")
    assert answer[":status"] == "200"
    assert gateway.line(answer["x-request-id"])["protocol"] == "HTTP/2"


def test_http_1_0_is_answered(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(api("GET /echo", port=upstream.port))
    assert gateway.raw(b"GET /shop/echo HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize(
    "broken",
    [
        b"GET /shop/echo\x01 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /shop/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET /shop/%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(gateway: Proxy, upstream: Peer, broken: bytes) -> None:
    gateway.publish(api("GET /echo", "GET /{x}", port=upstream.port))
    upstream.seen.clear()
    assert gateway.raw(broken).startswith(b"HTTP/1.1 400")
    assert not upstream.seen


def test_the_gateways_own_headers_cannot_be_forged(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(api("GET /echo", port=upstream.port))
    forged = {
        "X-Request-Id": "mine",
        "X-Envoy-Original-Path": "/forged",
        "X-Envoy-Internal": "true",
        "X_Under": "1",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Real-Ip": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
    }
    answer = gateway.call("/shop/echo", headers=forged)
    seen = answer.json["headers"]
    line = gateway.line(answer.headers["x-request-id"])
    assert seen["x-request-id"] == answer.headers["x-request-id"] != "mine"
    assert line["path"] == "/echo"  # without the filter: what the upstream was asked for
    assert line["client_ip"] == "127.0.0.1"
    assert seen.get("x-envoy-original-path") in (None, "/shop/echo")
    assert {"x_under", "x-envoy-internal"} & set(seen) == set()
    assert {"forwarded", "x-real-ip"} & set(seen) == set()
    assert seen["x-forwarded-host"] == f"127.0.0.1:{gateway.port}"
    assert seen["x-forwarded-proto"] == "http"
    assert answer.headers["server"] == "headgate"
    assert not [name for name in answer.headers if name.startswith("x-envoy")]
    refused = gateway.call("/nowhere", headers=forged)
    assert gateway.line(refused.headers["x-request-id"])["path"] == "/nowhere"


def test_tls_is_served_and_a_renewed_certificate_without_a_restart(
    tmp_path: Path, upstream: Peer, authority: Authority
) -> None:
    certificate, key = authority.issue(tmp_path / "tls", "gateway.test")
    context = authority.context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with proxy(tmp_path, tls_certificate=certificate, tls_key=key) as gateway:
        gateway.publish(api("GET /echo", port=upstream.port))
        assert two(gateway.port, "GET", "/shop/echo", context)[":status"] == "200"
        first = _serial(gateway.port, context)
        authority.issue(tmp_path / "tls", "gateway.test")
        until(
            lambda: _serial(gateway.port, context) != first,
            lambda: "the old certificate is still served",
        )
        with pytest.raises(ssl.SSLError):
            _serial(gateway.port, _old(authority))


def _serial(port: int, context: ssl.SSLContext) -> str:
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    with context.wrap_socket(raw, server_hostname="gateway.test") as wire:
        found = wire.getpeercert()
        assert found is not None
        return str(found["serialNumber"])


def _old(authority: Authority) -> ssl.SSLContext:
    """A caller that speaks nothing newer than TLS 1.1."""
    context = authority.context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.fixture
def secure(tmp_path: Path, authority: Authority) -> Iterator[Peer]:
    """An upstream that speaks TLS as `localhost`."""
    certificate, key = authority.issue(tmp_path / "up", "localhost")
    with peer(tls=(certificate, key)) as made:
        yield made


def test_an_upstreams_certificate_is_verified(
    gateway: Proxy, secure: Peer, authority: Authority
) -> None:
    ca_pem = authority.pem

    def status(tls: UpstreamTLS, host: str = "localhost") -> int:
        upstream = Upstream((UpstreamHost(host, secure.port),), tls=tls, retries_max=0)
        gateway.publish(api("GET /echo", upstream=upstream))
        return gateway.call("/shop/echo").status

    assert status(UpstreamTLS(ca_pem=ca_pem)) == 200
    assert status(UpstreamTLS(ca_pem=ca_pem, server_name="localhost"), "127.0.0.1") == 200
    assert status(UpstreamTLS(is_verified=False), "127.0.0.1") == 200
    assert status(UpstreamTLS(ca_pem=ca_pem, server_name="other.test")) == 503
    assert status(UpstreamTLS()) == 503


def test_a_websocket_passes_both_ways_and_outlives_the_deadline(gateway: Proxy) -> None:
    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(f"{connection.request.path if connection.request else ''} {message!r}")

    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        host = (UpstreamHost("127.0.0.1", port),)
        gateway.publish(api("GET /chat/{room}", upstream=Upstream(host, timeout_seconds=0.5)))
        with connect(f"ws://127.0.0.1:{gateway.port}/shop/chat/7") as caller:
            caller.send("one")
            assert caller.recv() == "/chat/7 'one'"
            time.sleep(1)
            caller.send("two")
            assert caller.recv() == "/chat/7 'two'"
        server.shutdown()
        thread.join()


def test_events_arrive_as_they_are_sent_and_outlive_the_deadline(
    gateway: Proxy, upstream: Peer
) -> None:
    soon = Upstream((UpstreamHost("127.0.0.1", upstream.port),), timeout_seconds=0.3)
    gateway.publish(api("GET /events/{n}", upstream=soon))
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as caller:
        caller.sendall(b"GET /shop/events/4 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        text = first = b""
        while part := caller.recv(65536):
            text += part
            first = first or (text if b"data: 0" in text else b"")
    assert text.count(b"data: ") == 4
    assert text.endswith(b"0\r\n\r\n")
    assert b"data: 3" not in first
    assert time.monotonic() - begun > 1.2


def test_grpc_passes_unary_and_streams(gateway: Proxy) -> None:
    def unary(request: bytes, context: grpc.ServicerContext) -> bytes:
        return b"hello " + request

    def stream(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        for number in range(3):
            time.sleep(0.3)
            yield b"%d" % number

    class Handlers(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
            if details.method == "/demo.Greeter/Hello":
                return grpc.unary_unary_rpc_method_handler(unary)
            if details.method == "/demo.Greeter/Count":
                return grpc.unary_stream_rpc_method_handler(stream)
            return None

    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Handlers()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    upstream = Upstream(
        (UpstreamHost("127.0.0.1", port),), is_http2=True, timeout_seconds=0.1, retries_max=0
    )
    lines = ("POST /demo.Greeter/Hello", "POST /demo.Greeter/Count")
    gateway.publish(api(*lines, base_path="", upstream=upstream))
    try:
        with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
            hello = channel.unary_unary("/demo.Greeter/Hello")
            assert hello(b"you", timeout=60) == b"hello you"
            count = channel.unary_stream("/demo.Greeter/Count")
            assert list(count(b"", timeout=60)) == [b"0", b"1", b"2"]
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary("/demo.Greeter/Missing")(b"", timeout=60)
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        server.stop(None).wait()
