"""What passes between the server and one request? Counted, limited, and dressed on its way out."""

import asyncio
import contextlib

from headgate.core.problems import Problem, ProblemType
from headgate.web.exchange import Exchange, Message, Receive, Scope, Send

UNASKED_BYTES_MAX = 1_000_000  # of a stranger's body that is read before the answer
UNASKED_SECONDS_MAX = 10.0

DEFAULT_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


def too_large(limit: int) -> Problem:
    """The problem of a body that is longer than `limit` bytes."""
    return Problem(
        ProblemType.TOO_LARGE,
        f"The body of this request is longer than {limit:,} bytes.",
        "Send less at once.",
    )


class Wire:
    """`receive` and `send` of one request. `status` is 0 until the answer has begun."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        self._receive = receive
        self._send = send
        self._exchange = exchange
        self._is_head = scope["method"] == "HEAD"
        self._is_read = False
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        self._declared_bytes = int(length) if length.isdigit() else 0
        self._is_asking = b"expect" in headers
        self.status = 0
        self.sent_bytes = 0
        self.received_bytes = 0

    def check_declared_length(self) -> None:
        """Refuse a body by its announced length, before any of it is read.

        Raises:
            Problem: TOO_LARGE.
        """
        if self._declared_bytes > self._exchange.body_bytes_max:
            raise too_large(self._exchange.body_bytes_max)

    async def receive(self) -> Message:
        """The next piece of the body, or the news that the caller has gone.

        Raises:
            Problem: TOO_LARGE: the body grew beyond its limit.
        """
        message = await self._receive()
        if message["type"] != "http.request":
            self._is_read = True
            return message
        self._is_read = not message.get("more_body", False)
        self.received_bytes += len(message.get("body", b""))
        if self.received_bytes > self._exchange.body_bytes_max:
            raise too_large(self._exchange.body_bytes_max)
        return message

    async def send(self, message: Message) -> None:
        """A piece of the answer; the header fields of every answer are added."""
        if message["type"] == "http.response.start":
            await self._read_the_rest()
            self.status = message["status"]
            message = {**message, "headers": self._dressed(message["headers"])}
        elif message["type"] == "http.response.body":
            self.sent_bytes += len(message.get("body", b""))
            if self._is_head:
                message = {**message, "body": b""}
        await self._send(message)

    async def _read_the_rest(self) -> None:
        """Let the caller finish, so that it reads the answer instead of a connection reset.

        Not for a body that is too long anyway, and not for one that waits to be asked for
        (`Expect: 100-continue`): there the connection ends with the answer.
        """
        known = self._exchange.actor is not None
        limit = self._exchange.body_bytes_max if known else UNASKED_BYTES_MAX
        if self._declared_bytes > limit or (self._is_asking and not self.received_bytes):
            return
        with contextlib.suppress(Problem, TimeoutError):
            async with asyncio.timeout(UNASKED_SECONDS_MAX):
                while not self._is_read and self.received_bytes <= limit:
                    await self.receive()

    def _dressed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        given = {name.lower() for name, _ in headers}
        defaults = [pair for pair in DEFAULT_HEADERS if pair[0] not in given]
        own = [(b"x-request-id", self._exchange.request_id.encode("ascii"))]
        if not self._is_read:
            own.append((b"connection", b"close"))
        return [(name.lower(), value) for name, value in headers] + defaults + own
