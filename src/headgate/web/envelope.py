"""What does every request get, whatever answers it?

An id, a limit on its body, the header fields that keep browsers out of trouble, one line in the
log, and a problem instead of a stack trace when we fail. Plain ASGI, outermost.
"""

from collections.abc import Callable

import structlog

from headgate.core.clock import Clock
from headgate.core.problems import DependencyError, Problem
from headgate.web.answers import as_problem, send_problem
from headgate.web.exchange import (
    SCOPE_KEY,
    ASGIApp,
    Exchange,
    Receive,
    Scope,
    Send,
    exchange_of,
)
from headgate.web.wire import Wire

BODY_BYTES_MAX = 1_000_000  # of a request that names and settles things
DOCUMENT_BODY_BYTES_MAX = 48_000_000  # of a request with documents (32 MiB), JSON-escaped
OAUTH_BODY_BYTES_MAX = 32_000  # of a form with credentials and a token
SEGMENT_BYTES_MAX = 256_000_000  # of a sealed segment: a minute at 6,000 requests a second
REQUESTS_AT_ONCE_MAX = 4_000  # the polls of 1,000 nodes, and people beside them
DOCUMENT_PATHS = ("/api/v1/apis", "/api/v1/configuration", "/node/v1/report")
OAUTH_PATHS = "/oauth/"
SEGMENT_PATHS = "/node/v1/segments/"
QUIET_PATHS = ("/node/v1/", "/api/v1/health")  # asked every few seconds: logged as debug

log = structlog.get_logger("headgate.web")


def body_bytes_max(path: str) -> int:
    """How long the body of a request to `path` may be."""
    if path.startswith(SEGMENT_PATHS):
        return SEGMENT_BYTES_MAX
    if path.startswith(OAUTH_PATHS):
        return OAUTH_BODY_BYTES_MAX
    return DOCUMENT_BODY_BYTES_MAX if path.startswith(DOCUMENT_PATHS) else BODY_BYTES_MAX


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
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        inner = {**scope, SCOPE_KEY: exchange, "method": method}
        wire = Wire(scope, receive, send, exchange)
        started = self._clock.monotonic()
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        self._at_once += 1
        try:
            await self._answer(inner, wire)
        finally:
            self._at_once -= 1
            self._log(scope, exchange, wire, self._clock.monotonic() - started)
            structlog.contextvars.clear_contextvars()

    async def _answer(self, scope: Scope, wire: Wire) -> None:
        exchange = exchange_of(scope)
        try:
            self._check_crowd()
            wire.check_declared_length()
            await self._app(scope, wire.receive, wire.send)
        except (Problem, DependencyError) as error:
            problem = as_problem(error)
            if isinstance(error, DependencyError):
                log.warning("dependency failed", error=str(error))
            if not wire.status:
                await send_problem(wire.send, problem, exchange.request_id)
        except Exception as error:
            log.exception("request failed")
            if wire.status:
                raise
            await send_problem(wire.send, as_problem(error), exchange.request_id)

    def _check_crowd(self) -> None:
        """Fails closed: beyond the limit, requests are turned away at once and counted."""
        if self._at_once > REQUESTS_AT_ONCE_MAX:
            self._refused += 1
            raise DependencyError(
                f"The web process has {REQUESTS_AT_ONCE_MAX:,} requests to answer already"
                f" ({self._refused:,} turned away since it started)",
                is_retryable=True,
            )

    def _log(self, scope: Scope, exchange: Exchange, wire: Wire, seconds: float) -> None:
        path = scope["path"]
        write = log.debug if path.startswith(QUIET_PATHS) and wire.status < 400 else log.info
        write(
            "request",
            method=scope["method"],
            path=path,
            status=wire.status or None,
            duration_ms=round(seconds * 1000, 1),
            request_bytes=wire.received_bytes,
            response_bytes=wire.sent_bytes,
            actor=exchange.actor.name if exchange.actor else None,
            address=exchange.address,
        )
