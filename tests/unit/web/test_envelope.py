"""Does every answer come in its envelope, also when the application behind it fails?"""

import asyncio
import contextlib
import io
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from django.db.utils import OperationalError

from headgate.core.clock import FixedClock
from headgate.core.logging import configure
from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.web.envelope import BODY_BYTES_MAX, REQUESTS_AT_ONCE_MAX, Envelope, body_bytes_max
from headgate.web.exchange import Message, Receive, Scope, Send, exchange_of


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"max-age=1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


class Asked:
    """One request to an application, and what came back."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self.sent: list[Message] = []

    def __call__(
        self, method: str = "GET", path: str = "/", chunks: tuple[bytes, ...] = (b"",), **head: str
    ) -> "Asked":
        self.sent.clear()
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "client": ("203.0.113.7", 1234),
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in head.items()
            ],
        }
        waiting = list(chunks)

        async def receive() -> Message:
            chunk = waiting.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

        async def send(message: Message) -> None:
            self.sent.append(message)

        asyncio.run(self._envelope(scope, receive, send))
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        return found


def wrapped(app: Any) -> Asked:
    clock = FixedClock(datetime(2030, 1, 1, tzinfo=UTC))
    return Asked(Envelope(app, clock=clock, new_request_id=lambda: "req_000000000000"))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure("json", stream=stream)
    yield stream
    structlog.reset_defaults()


def raising(error: Exception) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return app


def test_an_answer_is_dressed_and_keeps_what_it_brought() -> None:
    answer = wrapped(hello)()
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["x-request-id"] == "req_000000000000"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "max-age=1"


def test_the_application_knows_the_exchange_and_answers_head_as_get() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["method"], exchange_of(scope).address))
        await hello(scope, receive, send)

    assert wrapped(app)("HEAD").body == b""
    assert seen == [("GET", "203.0.113.7")]


def test_a_failure_is_said_without_our_insides_and_logged_with_them(log: io.StringIO) -> None:
    answer = wrapped(raising(ValueError("a secret of ours")))()
    assert answer.status == 500
    assert answer.problem["request_id"] == "req_000000000000"
    assert b"secret of ours" not in answer.body
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    failed = next(line for line in lines if line["event"] == "request failed")
    assert "a secret of ours" in failed["exception"]
    assert failed["request_id"] == "req_000000000000"


def test_a_dependency_that_fails_is_said_to_be_out_and_when_to_come_back() -> None:
    answer = wrapped(raising(DependencyError("The disk is full", is_retryable=True)))()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.problem["detail"] == "The disk is full."


def test_a_database_that_is_locked_or_gone_is_no_failure_of_ours(log: io.StringIO) -> None:
    answer = wrapped(raising(OperationalError("database is locked")))()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert b"locked" not in answer.body
    assert "database is locked" in log.getvalue()


def test_a_full_disk_below_the_database_is_named_with_what_to_do() -> None:
    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as small:
            small.execute("PRAGMA max_page_count = 2")
            small.execute("CREATE TABLE things (text)")
            small.execute("INSERT INTO things VALUES (zeroblob(100000))")
    except sqlite3.OperationalError as error:
        found = OperationalError(*error.args)  # as Django raises it
        found.__cause__ = error
    stored = DependencyError("The database cannot store this", is_retryable=True)
    stored.__cause__ = found
    for failure in (found, stored):
        answer = wrapped(raising(failure))()
        assert answer.status == 503
        assert "disk" in answer.problem["detail"]
        assert "Free some space" in answer.problem["next_step"]


def test_a_problem_is_answered_as_it_is() -> None:
    answer = wrapped(raising(Problem(ProblemType.CONFLICT, "No.", "Wait.")))()
    assert (answer.status, answer.problem["next_step"]) == (409, "Wait.")


def test_a_failure_in_the_middle_of_an_answer_ends_the_connection() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        wrapped(app)()


def test_a_body_is_read_up_to_its_limit_and_no_further() -> None:
    half = b"x" * (BODY_BYTES_MAX // 2)
    assert wrapped(hello)("POST", chunks=(half, half)).status == 200
    assert wrapped(hello)("POST", chunks=(half, half, b"x")).status == 413
    answer = wrapped(hello)("POST", chunks=(half, half, b"x", half))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert wrapped(hello)("POST", content_length=str(BODY_BYTES_MAX + 1)).status == 413


def test_a_caller_who_is_refused_may_finish_what_it_is_sending() -> None:
    refusing = raising(Problem(ProblemType.FORBIDDEN, "No.", "Ask."))
    answer = wrapped(refusing)("POST", chunks=(b"a", b"b", b"c"))
    assert answer.status == 403
    assert "connection" not in answer.headers
    asking = wrapped(refusing)("POST", chunks=(b"a", b"b"), expect="100-continue")
    assert (asking.status, asking.headers["connection"]) == (403, "close")


def test_documents_may_be_longer_than_names() -> None:
    assert body_bytes_max("/api/v1/apis") > body_bytes_max("/api/v1/keys") == BODY_BYTES_MAX


def test_a_crowd_is_turned_away_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.web.envelope.REQUESTS_AT_ONCE_MAX", 0)
    answer = wrapped(hello)()
    assert answer.status == 503
    assert "1 turned away" in answer.problem["detail"]
    monkeypatch.setattr("headgate.web.envelope.REQUESTS_AT_ONCE_MAX", REQUESTS_AT_ONCE_MAX)
    assert wrapped(hello)().status == 200


def test_the_log_has_one_line_without_query_values(log: io.StringIO) -> None:
    wrapped(hello)("POST", "/api/v1/keys", chunks=(b"abc",))
    (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
    assert line["method"] == "POST"
    assert line["path"] == "/api/v1/keys"
    assert (line["status"], line["request_bytes"], line["response_bytes"]) == (200, 3, 5)


def test_polls_of_nodes_are_quiet_unless_they_fail(log: io.StringIO) -> None:
    wrapped(hello)("GET", "/node/v1/access")
    assert log.getvalue() == ""
    wrapped(raising(Problem(ProblemType.FORBIDDEN, "No.", "Ask.")))("GET", "/node/v1/access")
    assert json.loads(log.getvalue())["status"] == 403


def test_only_http_is_spoken() -> None:
    envelope = Envelope(
        hello, clock=FixedClock(datetime(2030, 1, 1, tzinfo=UTC)), new_request_id=str
    )
    with pytest.raises(ValueError, match="websocket"):
        asyncio.run(envelope({"type": "websocket"}, None, None))  # type: ignore[arg-type]
