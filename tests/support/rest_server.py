"""What did a command send? A real HTTP server that records requests and answers as told."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.server import answering

PREFIX = "/api/v1"


@dataclass(frozen=True)
class Received:
    """One request, its path below `/api/v1`."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class RestServer:
    """`answers` maps "METHOD /path" to (status, body); a list of them is used up in order."""

    answers: dict[str, Any] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    url: str = ""

    def answer(self, request: str, body: Any = None, status: int = 200) -> None:
        """The next answer to `request`; the last one stays."""
        self.answers.setdefault(request, []).append((status, body))

    def bodies(self, request: str) -> list[Any]:
        """The bodies that were sent with `request`."""
        return [r.body for r in self.received if f"{r.method} {r.path}" == request]


@contextmanager
def serving() -> Iterator[RestServer]:
    """A server on a free loopback port, until the block ends."""
    script = RestServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.removeprefix(PREFIX)
            text = self.rfile.read(int(self.headers.get("content-length") or 0))
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            script.received.append(
                Received(
                    self.command,
                    path,
                    query,
                    json.loads(text) if text else None,
                    {name.lower(): value for name, value in self.headers.items()},
                )
            )
            planned = script.answers.get(f"{self.command} {path}")
            if not planned:
                status, body = 404, problem("not-found", 404, f"There is no {path}.")
            else:
                status, body = planned.pop(0) if len(planned) > 1 else planned[0]
            if status == 0:  # hang up without an answer
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            raw = b"" if body is None else body if isinstance(body, bytes) else json_bytes(body)
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # http.server's

        def log_message(self, *args: object) -> None:
            """Nothing: the test reads `received`."""

    with answering(Handler) as port:
        script.url = f"http://127.0.0.1:{port}"
        yield script


def json_bytes(value: Any) -> bytes:
    """As it goes over the wire."""
    return json.dumps(value).encode()


def problem(kind: str, status: int, detail: str, **more: Any) -> dict[str, Any]:
    """A problem document."""
    return {
        "type": f"urn:headgate:problem:{kind}",
        "title": kind,
        "status": status,
        "detail": detail,
        "next_step": "Do something else.",
        **more,
    }


def page(*items: Any, after: str | None = None) -> dict[str, Any]:
    """One page of a list."""
    return {"items": list(items), "next": after}
