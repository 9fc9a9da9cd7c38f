"""Are JSON bodies changed as the policy says, both ways, and is nothing let through unchanged?"""

import gzip
import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from headgate.model.snapshot import PolicyUse
from tests.support.proxy import Answer, Proxy, api
from tests.support.server import answering

pytestmark = pytest.mark.integration
LINES = ("POST /x", "GET /x", "POST /free")


class Echo:
    """An upstream that answers with `body` and `headers`, and keeps what it was sent."""

    def __init__(self) -> None:
        self.port = 0
        self.body = b"{}"
        self.headers = {"content-type": "application/json"}
        self.is_chunked = False
        self.got = b""
        self.got_headers: dict[str, str] = {}


@contextmanager
def serving(state: Echo) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            state.got = self._received()
            state.got_headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(200)
            for name, value in state.headers.items():
                self.send_header(name, value)
            if state.is_chunked:
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for part in (state.body[:7], state.body[7:]):
                    self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
                return
            self.send_header("content-length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def _received(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Nothing."""

    with answering(Handler) as port:
        state.port = port
        yield


@pytest.fixture
def echo() -> Iterator[Echo]:
    state = Echo()
    with serving(state):
        yield state


def serve(gateway: Proxy, echo: Echo, **settings: Any) -> None:
    use = (PolicyUse("json_body", settings),)
    attached = dict.fromkeys(LINES[:2], use)
    gateway.publish(api(*LINES, port=echo.port, of_operation=attached))


def post(gateway: Proxy, body: bytes, path: str = "/shop/x", **headers: str) -> Answer:
    sent = {"Content-Type": "application/json"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    return gateway.call(path, "POST", sent, body)


def test_members_of_answers_are_removed_renamed_and_set(gateway: Proxy, echo: Echo) -> None:
    serve(
        gateway,
        echo,
        response={
            "remove": ["/items/*/secret", "/owner/mail", "/a~1b", "/nothing/here"],
            "rename": {"/total": "count", "/items/*/n": "number"},
            "set": {"/source": {"by": ["gateway", 1.50]}, "/items/*/seen": True},
        },
    )
    echo.body = json.dumps(
        {
            "items": [{"n": 1, "secret": "s"}, {"n": 2}, 3],
            "owner": {"mail": "m", "name": "o"},
            "a/b": 1,
            "total": 2,
        }
    ).encode()
    answer = gateway.call("/shop/x")
    assert answer.json == {
        "items": [{"number": 1, "seen": True}, {"number": 2, "seen": True}, 3],
        "owner": {"name": "o"},
        "source": {"by": ["gateway", 1.5]},
        "count": 2,
    }
    assert answer.headers["content-length"] == str(len(answer.body))


def test_requests_are_changed_before_the_upstream_and_other_operations_are_not(
    gateway: Proxy, echo: Echo
) -> None:
    serve(gateway, echo, request={"remove": ["/admin"], "set": {"/source": "gateway"}})
    assert post(gateway, b'{"admin": true, "name": "x"}').status == 200
    assert json.loads(echo.got) == {"name": "x", "source": "gateway"}
    assert echo.got_headers["content-length"] == str(len(echo.got))
    post(gateway, b'{"admin": true}', "/shop/free")
    assert json.loads(echo.got) == {"admin": True}


def test_digits_order_and_text_stay_as_they_were(gateway: Proxy, echo: Echo) -> None:
    serve(gateway, echo, response={"remove": ["/x"]})
    echo.body = (
        '{"z":12345678901234567890.000100,"x":0,"a":1e400,"é":"\\ud83d\\udc15€\\n"}'.encode()
    )
    text = gateway.call("/shop/x").body.decode()
    assert text.startswith('{"z":12345678901234567890.000100,"a":1e400,')
    assert json.loads(text)["é"] == "🐕€\n"


def test_bodies_that_come_in_parts_are_changed_whole(gateway: Proxy, echo: Echo) -> None:
    serve(gateway, echo, response={"remove": ["/secret"]}, request={"remove": ["/secret"]})
    echo.is_chunked = True
    echo.body = b'{"secret": "hidden", "name": "x"}'
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port)) as connection:
        parts = iter([b'{"sec', b'ret": 1, ', b'"name": "y"}'])
        headers = {"Content-Type": "application/problem+json; charset=utf-8"}
        connection.request("POST", "/shop/x", parts, headers, encode_chunked=True)
        assert json.loads(connection.getresponse().read()) == {"name": "x"}
    assert json.loads(echo.got) == {"name": "y"}


def test_what_hides_a_member_twice_or_by_escapes_is_found(gateway: Proxy, echo: Echo) -> None:
    serve(gateway, echo, response={"remove": ["/secret"]})
    for body in (b'{"secret":1,"secret":2,"a":3}', b'{"\\u0073ecret":1,"a":3}'):
        echo.body = body
        answer = gateway.call("/shop/x")
        assert b"secret" not in answer.body
        assert answer.status in (200, 502)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"secret": 1', {}),
        (b'{"secret": 1} trailing', {}),
        (b"", {}),
        (b"[" * 65 + b"]" * 65, {}),
        (b"[" * 500_000, {}),
        (b'{"secret": "\xff"}', {}),
        (gzip.compress(b'{"secret": 1}'), {"content-encoding": "gzip"}),
        (b'{"secret": "' + b"x" * 200_000 + b'"}', {}),
    ],
    ids=["cut", "trailing", "empty", "deep", "bomb", "bytes", "compressed", "large"],
)
def test_an_answer_that_cannot_be_changed_is_not_given(
    gateway: Proxy, echo: Echo, body: bytes, headers: dict[str, str]
) -> None:
    serve(gateway, echo, response={"remove": ["/secret"]}, body_max="100kB")
    for echo.is_chunked in (False, True):
        echo.body = body
        echo.headers = {"content-type": "application/json"} | headers
        answer = gateway.call("/shop/x", headers={"Accept-Encoding": "gzip"})
        assert "accept-encoding" not in echo.got_headers
        if body == b"" and not echo.is_chunked:
            assert (answer.status, answer.body) == (200, b"")  # no body, nothing to hide
            continue
        assert answer.status == 502, answer
        assert answer.json["type"] == "urn:headgate:problem:upstream-failed"
        assert b"secret" not in answer.body
        line = gateway.line(answer.headers["x-request-id"])
        assert line["details"].startswith("json_body_answer")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"a": ', {}, 400),
        (b"[" * 65 + b"]" * 65, {}, 400),
        (b'{"a": "' + b"x" * 200_000 + b'"}', {}, 413),
        (gzip.compress(b"{}"), {"Content_Encoding": "gzip"}, 415),
    ],
    ids=["cut", "deep", "large", "compressed"],
)
def test_a_request_that_cannot_be_changed_is_refused(
    gateway: Proxy, echo: Echo, body: bytes, headers: dict[str, str], status: int
) -> None:
    serve(gateway, echo, request={"remove": ["/a"]}, body_max="100kB")
    answer = post(gateway, body, **headers)
    assert answer.status == status
    assert answer.json["next_step"]
    assert echo.got == b""


def test_other_content_types_pass_as_they_are(gateway: Proxy, echo: Echo) -> None:
    serve(gateway, echo, response={"remove": ["/a"]}, request={"remove": ["/a"]})
    echo.headers, echo.body = {"content-type": "text/plain"}, b'{"a": 1}'
    assert post(gateway, b'{"a": 2}', Content_Type="text/plain").body == b'{"a": 1}'
    assert echo.got == b'{"a": 2}'


def test_a_stored_answer_is_changed_like_a_fresh_one(gateway: Proxy, echo: Echo) -> None:
    uses = (
        PolicyUse("json_body", {"response": {"remove": ["/secret"]}}),
        PolicyUse("cache", {"ttl_seconds": 60}),
        PolicyUse("compression"),
    )
    gateway.publish(api("GET /stored", port=echo.port, policies=uses))
    echo.body = b'{"secret": 1, "name": "' + b"x" * 500 + b'"}'
    found = [gateway.call("/shop/stored", headers={"Accept-Encoding": "gzip"}) for _ in range(2)]
    assert [json.loads(gzip.decompress(one.body)).keys() for one in found] == [{"name"}, {"name"}]
    assert "age" in found[1].headers
