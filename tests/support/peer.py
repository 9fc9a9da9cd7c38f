"""An upstream whose path says how it behaves: `/status/503`, `/sleep/2`, `/cached`, …"""

import gzip
import json
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.server import answering

NEXT = '</page/2>; rel="next"'  # what `/linked` says itself


@dataclass
class Peer:
    """`seen` counts requests by method and path; `last` is what came last; `connections` counts
    what was opened."""

    port: int = 0
    connections: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    last: dict[str, Any] = field(default_factory=dict)
    healthy: bool = True


@contextmanager
def peer(tls: tuple[Path, Path] | None = None) -> Iterator[Peer]:
    """The upstream on a free loopback port; with certificate and key, over TLS."""
    state = Peer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context and tls:
        context.load_cert_chain(*tls)
    with answering(_handler(state), context) as port:
        state.port = port
        yield state


def _handler(state: Peer) -> type[BaseHTTPRequestHandler]:  # noqa: C901  # one class
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def _any(self) -> None:
            try:
                self._serve()
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self.close_connection = True

        def _serve(self) -> None:
            body = self._body()
            path = urlsplit(self.path).path
            state.seen[f"{self.command} {path}"] += 1
            state.last = {
                "method": self.command,
                "path": self.path,
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "bytes": len(body),
            }
            kind, _, argument = path.strip("/").partition("/")
            if kind == "status":
                self._reply(int(argument), b"upstream says so", "text/plain")
            elif kind == "health":
                self._reply(200 if state.healthy else 503, b"", "text/plain")
            elif kind == "sleep":
                time.sleep(float(argument))
                self._reply(200, b"late", "text/plain")
            elif kind == "reset":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            elif kind == "flaky":
                is_first = state.seen[f"{self.command} {path}"] == 1
                self._reply(503 if is_first else 200, b"flaky", "text/plain")
            elif kind == "cached":
                self._reply(200, str(time.monotonic()).encode(), "text/plain", argument)
            elif kind == "zipped":
                self._reply(200, gzip.compress(b"x" * 5000), "text/plain", encoding="gzip")
            elif kind == "text":
                self._reply(200, b'{"a": "b"}' * 500, "application/json")
            elif kind == "events":
                self._events(int(argument))
            elif kind == "linked":
                self._reply(200, b"", "text/plain", fields={"link": NEXT, "deprecation": "@1"})
            elif kind == "stall":
                self._stall(float(argument))
            else:
                self._reply(200, json.dumps(state.last).encode(), "application/json")

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _reply(
            self,
            status: int,
            body: bytes,
            kind: str,
            cache: str = "",
            encoding: str = "",
            fields: dict[str, str] | None = None,
        ) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.send_header("x-powered-by", "peer")
            if cache:
                self.send_header("cache-control", cache.replace("+", ", "))
            if encoding:
                self.send_header("content-encoding", encoding)
            for name, value in (fields or {}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _events(self, count: int) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for number in range(count):
                text = f"data: {number}\n\n".encode()
                self.wfile.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
                self.wfile.flush()
                time.sleep(0.4)
            self.wfile.write(b"0\r\n\r\n")

        def _stall(self, seconds: float) -> None:
            """An answer that begins and then stands still."""
            self.send_response(200)
            self.send_header("content-length", "9")
            self.end_headers()
            self.wfile.write(b"begun")
            self.wfile.flush()
            time.sleep(seconds)
            self.wfile.write(b"over")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _any  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Nothing: tests read `seen`."""

    return Handler
