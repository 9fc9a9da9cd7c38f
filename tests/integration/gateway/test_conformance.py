"""Does the gateway do what HTTP asks of an intermediary? The rows of docs/conformance.md."""

import socket

import pytest

from tests.support.peer import Peer
from tests.support.proxy import Proxy, api

pytestmark = pytest.mark.integration
CLOSE = "connection: close\r\n\r\n"


@pytest.fixture(scope="module", autouse=True)
def published(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(
        api("GET /echo", "POST /echo", "HEAD /echo", "OPTIONS /echo", port=upstream.port)
    )


def test_fields_of_the_connection_are_not_passed_on(gateway: Proxy, upstream: Peer) -> None:
    """Source: RFC 9110 §7.6.1."""
    answer = gateway.raw(
        b"GET /shop/echo HTTP/1.1\r\nhost: a\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\n"
        b"te: gzip\r\nx-hop: 1\r\nx-kept: 1\r\nconnection: close, keep-alive, x-hop\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200")
    sent = upstream.last["headers"]
    assert sent["x-kept"] == "1"
    assert {"connection", "keep-alive", "proxy-connection", "te", "x-hop"}.isdisjoint(sent)


def test_a_protocol_that_nobody_knows_is_not_upgraded_to(gateway: Proxy, upstream: Peer) -> None:
    """RFC 9110 §7.8 would have it ignored; Envoy refuses it, and the upstream hears of nothing."""
    before = upstream.seen.total()
    answer = gateway.raw(
        b"GET /shop/echo HTTP/1.1\r\nhost: a\r\nupgrade: foo\r\nconnection: close, upgrade\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 403")
    assert upstream.seen.total() == before


def test_head_is_answered_like_get_without_a_body(gateway: Proxy, upstream: Peer) -> None:
    """Source: RFC 9110 §9.3.2."""
    answer = gateway.raw(f"HEAD /shop/echo HTTP/1.1\r\nhost: a\r\n{CLOSE}".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) > 0
    assert body == b""
    assert upstream.last["method"] == "HEAD"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PROPFIND"])
def test_a_method_that_the_path_lacks_is_answered_405_with_those_it_has(
    gateway: Proxy, upstream: Peer, method: str
) -> None:
    """Source: RFC 9110 §15.5.6, §9.3.8. Without the access filter Envoy says the status alone."""
    before = upstream.seen.total()
    answer = gateway.raw(f"{method} /shop/echo HTTP/1.1\r\nhost: a\r\n{CLOSE}".encode())
    assert answer.startswith(b"HTTP/1.1 405")
    assert upstream.seen.total() == before


def test_a_method_that_nobody_knows_is_refused(gateway: Proxy, upstream: Peer) -> None:
    """With 400; RFC 9110 §9.1 would have 501."""
    before = upstream.seen.total()
    answer = gateway.raw(f"BREW /shop/echo HTTP/1.1\r\nhost: a\r\n{CLOSE}".encode())
    assert answer.startswith(b"HTTP/1.1 400")
    assert upstream.seen.total() == before


def test_options_of_an_operation_is_the_upstreams_to_answer(gateway: Proxy, upstream: Peer) -> None:
    answer = gateway.raw(f"OPTIONS /shop/echo HTTP/1.1\r\nhost: a\r\n{CLOSE}".encode())
    assert answer.startswith(b"HTTP/1.1 200")
    assert upstream.last["method"] == "OPTIONS"


def test_connect_opens_no_tunnel(gateway: Proxy) -> None:
    """Source: RFC 9110 §9.3.6."""
    answer = gateway.raw(
        f"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n{CLOSE}".encode()
    )
    assert answer.startswith(b"HTTP/1.1 404")


def test_who_expects_100_is_told_to_go_on_and_answered_once(gateway: Proxy, upstream: Peer) -> None:
    """Source: RFC 9110 §10.1.1."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as one:
        one.sendall(
            b"POST /shop/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n"
            b"expect: 100-continue\r\nconnection: close\r\n\r\n"
        )
        assert one.recv(1000).startswith(b"HTTP/1.1 100")
        one.sendall(b"abc")
        rest = b"".join(iter(lambda: one.recv(65536), b""))
    assert rest.startswith(b"HTTP/1.1 200")
    assert upstream.last["bytes"] == 3


def test_an_answer_has_a_date_and_no_via(gateway: Proxy) -> None:
    """A date always; `Via` is not written. Source: RFC 9110 §6.6.1, §7.6.3."""
    headers = gateway.call("/shop/echo").headers
    assert headers["date"].endswith("GMT")
    assert "via" not in headers
