"""Is what two servers could read differently refused, recorded, and kept from the upstream?

The cases by which requests are smuggled: whatever Envoy and an upstream might not agree on.
Source: RFC 9112 §3, §5.1, §5.2, §6.1, §6.3, §7.1, §11.2; RFC 9110 §5.5.
"""

import json
from typing import Any

import pytest

from tests.support.lines import read_line
from tests.support.peer import Peer
from tests.support.proxy import Proxy, api, until

pytestmark = pytest.mark.integration

POST = b"POST /shop/echo HTTP/1.1\r\nhost: a\r\n"
GET = b"GET /shop/echo HTTP/1.1\r\nhost: a\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n"
CLOSE = b"connection: close\r\n\r\n"
FOLDED = {"x-a": "1 content-length: 40"}
INNER = b"GET /shop/secret HTTP/1.1\r\nhost: a\r\n\r\n"

AMBIGUOUS = {
    "length and chunks": CHUNKED + b"content-length: 4\r\n\r\n0\r\n\r\n" + INNER,
    "chunks and length": POST
    + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    + INNER,
    "two lengths that differ": POST + b"content-length: 0\r\ncontent-length: 40\r\n\r\n" + INNER,
    "a list of lengths": POST + b"content-length: 0, 40\r\n\r\n" + INNER,
    "a length with a sign": POST + b"content-length: +0\r\n\r\n" + INNER,
    "a negative length": POST + b"content-length: -1\r\n\r\n" + INNER,
    "a length with letters": POST + b"content-length: 4x\r\n\r\nabcd" + INNER,
    "a length too large for a number": POST + b"content-length: 99999999999999999999999\r\n\r\n",
    "a vertical tab before chunks": POST
    + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n"
    + INNER,
    "space before the colon": POST + b"content-length : 0\r\n\r\n" + INNER,
    "a first line that is folded": b"GET /shop/echo HTTP/1.1\r\n host: a\r\n\r\n",
    "a line without a colon": GET + b"x-a\r\n\r\n",
    "an empty name": GET + b": x\r\n\r\n",
    "a name with a control character": GET + b"x\x01a: 1\r\n\r\n",
    "NUL in a value": GET + b"x-a: 1\x002\r\n\r\n",
    "a control character in the path": b"GET /shop/echo\x0b HTTP/1.1\r\nhost: a\r\n\r\n",
    "NUL in the path": b"GET /shop/echo%00 HTTP/1.1\r\nhost: a\r\n\r\n",
    "no host": b"GET /shop/echo HTTP/1.1\r\n\r\n",
    "a host with a path": b"GET /shop/echo HTTP/1.1\r\nhost: a/b\r\n\r\n",
    "a method with a bracket": b"GE(T /shop/echo HTTP/1.1\r\nhost: a\r\n\r\n",
}
UNKNOWN_CODINGS = {
    "chunks under another name": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + INNER,
    "chunks not last": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + INNER,
    "chunks named twice": CHUNKED + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
}
MENDED = {
    "chunks in HTTP/1.0": (
        b"POST /shop/echo HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST",
        {},
    ),
    "a line that is folded": (GET + b"x-a: 1\r\n content-length: 40\r\n" + CLOSE, "GET", FOLDED),
    "CR in a value": (GET + b"x-a: 1\r2\r\n" + CLOSE, "GET", {"x-a": "12"}),
    "a bare CR at a line's end": (GET + b"x-a: 1\rx-b: 2\r\n" + CLOSE, "GET", {"x-a": "1x-b: 2"}),
    "a chunk longer than its size": (CHUNKED + CLOSE + b"3\r\nabcdef\r\n0\r\n\r\n", "POST", {}),
    "two hosts": (GET + b"host: b\r\n" + CLOSE, "GET", {"x-forwarded-host": "a,b"}),
    "an unknown version": (b"GET /shop/echo HTTP/1.2\r\nhost: a\r\n" + CLOSE, "GET", {}),
    "no version": (b"GET /shop/echo\r\n\r\n", "GET", {}),
}
"""What Envoy 1.40 takes and cannot be told to refuse, and the reading that the upstream gets."""

BROKEN_BODIES = {
    "a chunk's size with letters": b"zz\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with a sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk's size too large": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a chunk's size ended by LF alone": b"3\nabc\r\n0\r\n\r\n",
}


@pytest.fixture(scope="module", autouse=True)
def published(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(api("GET /echo", "POST /echo", "GET /secret", port=upstream.port))


def lines_of(gateway: Proxy) -> list[dict[str, Any]]:
    log = gateway.node.log_path
    return [read_line(text) for text in log.read_text().splitlines()] if log.exists() else []


def sent_alone(gateway: Proxy, server: Peer, sent: bytes) -> tuple[bytes, dict[str, Any]]:
    """All that came back, and the one new line of the log."""
    gateway.line(gateway.call("/shop/echo").headers["x-request-id"])
    before = len(lines_of(gateway))
    server.seen.clear()
    answer = gateway.raw(sent)
    new = until(lambda: lines_of(gateway)[before:], lambda: f"not recorded: {answer!r}")
    assert len(new) == 1, new
    return answer, new[0]


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_an_ambiguous_request_is_answered_400_and_recorded(
    gateway: Proxy, upstream: Peer, case: str
) -> None:
    answer, line = sent_alone(gateway, upstream, AMBIGUOUS[case])
    assert answer.split(b" ", 2)[1] == b"400", answer
    assert answer.count(b"HTTP/1.1 ") == 1  # nothing behind it was answered
    assert line["status"] == 400
    assert not upstream.seen


@pytest.mark.parametrize("case", UNKNOWN_CODINGS)
def test_a_coding_that_nobody_knows_is_answered_501_and_recorded(
    gateway: Proxy, upstream: Peer, case: str
) -> None:
    answer, line = sent_alone(gateway, upstream, UNKNOWN_CODINGS[case])
    assert answer.split(b" ", 2)[1] == b"501", answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert line["status"] == 501
    assert not upstream.seen


@pytest.mark.parametrize("case", MENDED)
def test_what_is_taken_is_written_anew_so_that_the_upstream_has_one_reading(
    gateway: Proxy, upstream: Peer, case: str
) -> None:
    sent, method, headers = MENDED[case]
    answer, line = sent_alone(gateway, upstream, sent)
    assert (line["status"], line["method"]) == (200, method), answer
    assert upstream.seen == {f"{method} /echo": 1}
    seen = upstream.last["headers"]
    assert "content-length" not in seen
    assert seen["host"] == f"127.0.0.1:{upstream.port}"
    assert {name: seen.get(name) for name in headers} == headers


@pytest.mark.parametrize("case", BROKEN_BODIES)
def test_a_broken_chunk_ends_the_connection_and_is_recorded(
    gateway: Proxy, upstream: Peer, case: str
) -> None:
    answer, line = sent_alone(gateway, upstream, CHUNKED + b"\r\n" + BROKEN_BODIES[case] + INNER)
    assert answer.split(b" ", 2)[1] == b"400", answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert line["status"] == 400
    assert "GET /secret" not in upstream.seen


def test_a_plain_request_and_one_with_chunks_pass(gateway: Proxy, upstream: Peer) -> None:
    close = b"connection: close\r\n\r\n"
    assert gateway.raw(GET + close).startswith(b"HTTP/1.1 200")
    body = b"3;name=value\r\nabc\r\n0\r\n\r\n"
    answer = gateway.raw(CHUNKED + close + body)
    assert answer.startswith(b"HTTP/1.1 200")
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["bytes"] == 3


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /shop/" + b"x" * 70_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        GET + b"x-long: " + b"x" * 70_000 + b"\r\n\r\n",
        GET + b"".join(b"x-%d: 1\r\n" % number for number in range(101)) + b"\r\n",
    ],
    ids=["the address", "one header", "their number"],
)
def test_headers_above_the_limits_are_answered_431_and_recorded(
    gateway: Proxy, upstream: Peer, sent: bytes
) -> None:
    answer, line = sent_alone(gateway, upstream, sent)
    assert answer.split(b" ", 2)[1] == b"431", answer
    assert line["status"] == 431
    assert not upstream.seen
