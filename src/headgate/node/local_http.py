"""How do processes of a node speak with Envoy and the agent? HTTP/1.1 over Unix sockets.

Two sockets each: one for Envoy, and `<socket>.control` for the agent. A socket is bound beside its
place and moved there, so that a newer process takes over from an older one without a moment in
which nobody listens.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import httptools

BACKLOG = 1024
REQUEST_BYTES_MAX = 17 * 1024**2  # the largest body that Envoy holds back, and its head
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def control_name(socket: str) -> str:
    """The control socket beside the socket of this name."""
    return f"{socket}.control"


def json_answer(body: bytes, status: str = "200 OK") -> bytes:
    """A whole answer with JSON in it."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


async def listen(place: Path, answer: "Callable[[Connection], None]") -> asyncio.AbstractServer:
    """Serve on a socket in place of whoever serves there."""
    beside = place.with_name(f"{place.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: Connection(answer), str(beside), backlog=BACKLOG
    )
    beside.replace(place)
    return server


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, `answer` called when one is there whole."""

    def __init__(self, answer: "Callable[[Connection], None]") -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self.target = b""
        self.headers: dict[str, str] = {}

    @property
    def method(self) -> bytes:
        """The present request's method."""
        found: bytes = self._parser.get_method()
        return found

    def body(self) -> bytes:
        """The present request's body; asked for once."""
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self, data: bytes) -> None:
        """Send an answer; nothing happens when the other side has gone."""
        if self._transport is not None:
            self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._end()
        if self._size > REQUEST_BYTES_MAX:
            self._end()

    def on_message_begin(self) -> None:
        self.headers = {}
        self.target = b""
        self._parts = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self.headers.get(key)
        self.headers[key] = text if known is None else f"{known},{text}"

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        self._parts.append(data)

    def on_message_complete(self) -> None:
        self._answer(self)

    def _end(self) -> None:
        self.write(BAD_REQUEST)
        if self._transport is not None:
            self._transport.close()
