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
        await _listen(socket, lambda: _Questions(desk)),
        await _listen(socket.with_name(control_name(socket.name)), lambda: _Orders(desk)),
    )
    await stop.wait()
    for server in servers:
        server.close()


async def _listen(place: Path, protocol: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    beside = place.with_name(f"{place.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    server = await asyncio.get_running_loop().create_unix_server(
        protocol, str(beside), backlog=BACKLOG
    )
    beside.replace(place)
    return server


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered when it is there whole."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._target = b""
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0

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
        self._headers = {}
        self._parts = []
        self._target = b""
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known},{text}"

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        self._parts.append(data)

    def on_message_complete(self) -> None:
        body = b"".join(self._parts) if len(self._parts) != 1 else self._parts[0]
        self._parts = []
        self._complete(self._parser.get_method(), body)

    def _complete(self, method: bytes, body: bytes) -> None:
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _end(self) -> None:
        self._write(BAD_REQUEST)
        if self._transport is not None:
            self._transport.close()


class _Questions(_Connection):
    """Envoy's side."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def _complete(self, method: bytes, body: bytes) -> None:
        self._write(self._desk.answer(method, self._target, self._headers, body))


class _Orders(_Connection):
    """The agent's side."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._task: asyncio.Task[None] | None = None

    def _complete(self, method: bytes, body: bytes) -> None:
        if (method, self._target) == (b"GET", b"/readings"):
            self._write(_json(self._desk.readings()))
        elif (method, self._target) == (b"GET", b"/process"):
            self._write(_json(str(os.getpid()).encode()))
        elif (method, self._target) == (b"PUT", b"/contracts"):
            self._task = asyncio.get_running_loop().create_task(self._keep(body))
        else:
            self._write(NOT_FOUND)

    async def _keep(self, body: bytes) -> None:
        try:
            await self._desk.keep(orjson.loads(body))
        except (OSError, ValueError) as error:
            self._write(_json(orjson.dumps(str(error)), "422 Unprocessable Content"))
        else:
            self._write(NO_CONTENT)


def _json(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body
