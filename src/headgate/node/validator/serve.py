"""How does a validator speak? HTTP/1.1 over two Unix sockets: one for Envoy, one for the agent.

The agent's (`<socket>.control`) answers `GET /readings`, `GET /process` with its
pid, and `PUT /contracts` with a list of ids.
A socket is bound beside its place and moved there, so that a newer validator takes over from an
older one without a moment in which nobody listens.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import httptools
import orjson

from headgate.node.validator.control import control_name
from headgate.node.validator.desk import Desk

BACKLOG = 1024
REQUEST_BYTES_MAX = 17 * 1024**2  # the largest body that Envoy holds back, and its head
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


async def serve(socket: Path, contracts: Path) -> None:
    """Answer until SIGTERM or SIGINT. The first answer comes once all contracts are compiled."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    desk = Desk(contracts)
    await desk.keep_all()
    servers = (
        await _listen(socket, partial(_answer_envoy, desk)),
        await _listen(socket.with_name(control_name(socket.name)), _Agent(desk).answer),
    )
    await stop.wait()
    for server in servers:
        server.close()


async def _listen(place: Path, answer: "Callable[[_Connection], None]") -> asyncio.AbstractServer:
    beside = place.with_name(f"{place.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: _Connection(answer), str(beside), backlog=BACKLOG
    )
    beside.replace(place)
    return server


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, `answer` called when one is there whole."""

    def __init__(self, answer: "Callable[[_Connection], None]") -> None:
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


def _answer_envoy(desk: Desk, asked: _Connection) -> None:
    asked.write(desk.answer(asked.method, asked.target, asked.headers, asked.body()))


class _Agent:
    """Answers the agent's orders, one at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tasks: set[asyncio.Task[None]] = set()

    def answer(self, asked: _Connection) -> None:
        """One order."""
        order = (asked.method, asked.target)
        if order == (b"GET", b"/readings"):
            asked.write(_json(self._desk.readings()))
        elif order == (b"GET", b"/process"):
            asked.write(_json(str(os.getpid()).encode()))
        elif order == (b"PUT", b"/contracts"):
            task = asyncio.get_running_loop().create_task(self._keep(asked, asked.body()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            asked.write(NOT_FOUND)

    async def _keep(self, asked: _Connection, body: bytes) -> None:
        try:
            wanted = orjson.loads(body)
            await self._desk.keep(wanted["contracts"], types=wanted["problem_types"])
        except (OSError, ValueError) as error:
            asked.write(_json(orjson.dumps(str(error)), "422 Unprocessable Content"))
        else:
            asked.write(NO_CONTENT)


def _json(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body
