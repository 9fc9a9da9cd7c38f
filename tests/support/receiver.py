"""Who receives webhooks in tests? A real HTTP server on loopback that answers as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.server import answering


@dataclass
class Received:
    """One message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The event that it tells of."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """What came, and what is answered: `statuses` first, one each, then `status`.

    While `held` is not set, nothing is answered.
    """

    url: str = ""
    status: int = 204
    statuses: list[int] = field(default_factory=list)
    answer: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        """The events that came, in their order."""
        return [one.headers["webhook-id"] for one in self.received]

    def of_type(self, kind: str) -> list[Received]:
        """The messages that tell of events of a kind."""
        return [one for one in self.received if one.event["type"] == kind]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that runs until the end of the block."""
    state = Receiver()
    state.held.set()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fields = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                state.received.append(Received(self.path, fields, body))
                status = state.statuses.pop(0) if state.statuses else state.status
            state.held.wait(120)
            self.send_response(status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(state.answer)))
            self.end_headers()
            self.wfile.write(state.answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
            """Nothing: a test says what it wants to know."""

    with answering(Handler) as port:
        state.url = f"http://127.0.0.1:{port}/hook"
        try:
            yield state
        finally:
            state.held.set()
