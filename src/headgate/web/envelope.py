"""What does every request get, whatever answers it?

An id, a limit on its body, the header fields that keep browsers out of trouble, one line in the
log, and a problem instead of a stack trace when we fail. Plain ASGI, outermost.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from headgate.core.clock import Clock
from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.web.answers import as_problem, send_problem
from headgate.web.exchange import (
    SCOPE_KEY,
    ASGIApp,
    Exchange,
    Message,
    Receive,
    Scope,
    Send,
    exchange_of,
)

BODY_BYTES_MAX = 1_000_000  # of a request that names and settles things
DOCUMENT_BODY_BYTES_MAX = 48_000_000  # of a request with documents (32 MiB), JSON-escaped
SEGMENT_BYTES_MAX = 256_000_000  # of a sealed segment: a minute at 6,000 requests a second
REQUESTS_AT_ONCE_MAX = 4_000  # the polls of 1,000 nodes, and people beside them
DOCUMENT_PATHS = ("/api/v1/apis", "/api/v1/configuration", "/node/v1/report")
SEGMENT_PATHS = "/node/v1/segments/"
QUIET_PATHS = ("/node/v1/", "/api/v1/health")  # asked every few seconds: logged as debug

DEFAULT_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
log = structlog.get_logger("headgate.web")


def body_bytes_max(path: str) -> int:
    """How long the body of a request to `path` may be."""
    if path.startswith(SEGMENT_PATHS):
        return SEGMENT_BYTES_MAX
    return DOCUMENT_BODY_BYTES_MAX if path.startswith(DOCUMENT_PATHS) else BODY_BYTES_MAX


def too_large(limit: int) -> Problem:
    """The problem of a body that is longer than `limit` bytes."""
    return Problem(
        ProblemType.TOO_LARGE,
        f"The body of this request is longer than {limit:,} bytes.",
        "Send less at once.",
    )


@dataclass(slots=True)
class _Answer:
    """What has been sent so far."""

    status: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0


class Envelope:
    """Wraps the application in all of the above."""

    def __init__(self, app: ASGIApp, *, clock: Clock, new_request_id: Callable[[], str]) -> None:
        self._app = app
        self._clock = clock
        self._new_request_id = new_request_id
        self._at_once = 0
        self._refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"the web process does not speak {scope['type']}")
        client = scope.get("client")
        exchange = Exchange(
            self._new_request_id(), client[0] if client else "", body_bytes_max(scope["path"])
        )
        is_head = scope["method"] == "HEAD"
        inner = {**scope, SCOPE_KEY: exchange, "method": "GET" if is_head else scope["method"]}
        answer = _Answer()
        limited = _limited(receive, exchange, answer)
        dressed = _dressed(send, exchange, answer, is_head=is_head)
        started = self._clock.monotonic()
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        self._at_once += 1
        try:
            await self._answer(inner, limited, dressed, answer)
        finally:
            self._at_once -= 1
            self._log(scope, exchange, answer, self._clock.monotonic() - started)
            structlog.contextvars.clear_contextvars()

    async def _answer(self, scope: Scope, receive: Receive, send: Send, answer: _Answer) -> None:
        exchange = exchange_of(scope)
        try:
            self._check_crowd()
            _check_declared_length(scope, exchange.body_bytes_max)
            await self._app(scope, receive, send)
        except (Problem, DependencyError) as error:
            problem = as_problem(error)
            if isinstance(error, DependencyError):
                log.warning("dependency failed", error=str(error))
            if not answer.status:
                await send_problem(send, problem, exchange.request_id, _closing(problem))
        except Exception as error:
            log.exception("request failed")
            if answer.status:
                raise
            await send_problem(send, as_problem(error), exchange.request_id)

    def _check_crowd(self) -> None:
        """Fails closed: beyond the limit, requests are turned away at once and counted."""
        if self._at_once > REQUESTS_AT_ONCE_MAX:
            self._refused += 1
            raise DependencyError(
                f"The web process has {REQUESTS_AT_ONCE_MAX:,} requests to answer already"
                f" ({self._refused:,} turned away since it started)",
                is_retryable=True,
            )

    def _log(self, scope: Scope, exchange: Exchange, answer: _Answer, seconds: float) -> None:
        path = scope["path"]
        write = log.debug if path.startswith(QUIET_PATHS) and answer.status < 400 else log.info
        write(
            "request",
            method=scope["method"],
            path=path,
            status=answer.status or None,
            duration_ms=round(seconds * 1000, 1),
            request_bytes=answer.received_bytes,
            response_bytes=answer.sent_bytes,
            actor=exchange.actor.name if exchange.actor else None,
            address=exchange.address,
        )


def _limited(receive: Receive, exchange: Exchange, answer: _Answer) -> Receive:
    """`receive` that raises TOO_LARGE when the body grows beyond its limit."""

    async def limited() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            answer.received_bytes += len(message.get("body", b""))
            if answer.received_bytes > exchange.body_bytes_max:
                raise too_large(exchange.body_bytes_max)
        return message

    return limited


def _dressed(send: Send, exchange: Exchange, answer: _Answer, *, is_head: bool) -> Send:
    """`send` that adds the header fields of every answer and leaves out the body of a HEAD."""

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            message = {**message, "headers": _with_defaults(message["headers"], exchange)}
        elif message["type"] == "http.response.body":
            answer.sent_bytes += len(message.get("body", b""))
            if is_head:
                message = {**message, "body": b""}
        await send(message)

    return dressed


def _check_declared_length(scope: Scope, limit: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise too_large(limit)


def _closing(problem: Problem) -> dict[str, str]:
    """The rest of a body that is too long is not read: the connection ends with the answer."""
    return {"connection": "close"} if problem.type is ProblemType.TOO_LARGE else {}


def _with_defaults(
    headers: list[tuple[bytes, bytes]], exchange: Exchange
) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    defaults = [pair for pair in DEFAULT_HEADERS if pair[0] not in given]
    own = [(b"x-request-id", exchange.request_id.encode("ascii"))]
    return [(name.lower(), value) for name, value in headers] + defaults + own
