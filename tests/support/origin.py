"""An upstream of which a test says how its next answers look, each of them unlike any before."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.server import answering

HELD_SECONDS_MAX = 60


@dataclass
class Origin:
    """`count` counts requests, `last_target` is what the last one asked for."""

    port: int = 0
    count: int = 0
    last_target: str = ""
    _said: dict[str, Any] = field(default_factory=dict)
    _is_held: bool = False
    _arrived: threading.Event = field(default_factory=threading.Event)
    _free: threading.Event = field(default_factory=threading.Event)

    def says(self, **said: Any) -> None:
        """Headers of the answers from now on, `_` for `-`; `status`, `size` of the body, and
        `is_broken` for one that ends in the middle."""
        self._said = said

    def reset(self) -> None:
        """Plain answers again."""
        self._said = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """The next request waits until `let_go`."""
        self._arrived.clear()
        self._free.clear()
        self._is_held = True
        try:
            yield
        finally:
            self.let_go()

    def wait_for_held(self) -> None:
        """Until the request that waits is there."""
        assert self._arrived.wait(HELD_SECONDS_MAX)

    def let_go(self) -> None:
        """Answer the request that waits."""
        self._is_held = False
        self._free.set()

    def wait(self, seconds: float) -> None:
        """Let what is stored grow older."""
        time.sleep(seconds)


@contextmanager
def origin() -> Iterator[Origin]:
    """The upstream on a free loopback port."""
    state = Origin()
    with answering(_handler(state)) as port:
        state.port = port
        yield state


def _handler(state: Origin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            state.count += 1
            state.last_target = self.path
            if state._is_held:
                state._is_held = False
                state._arrived.set()
                state._free.wait(HELD_SECONDS_MAX)
            said = dict(state._said)
            status, size = said.pop("status", 200), said.pop("size", 0)
            is_broken = said.pop("is_broken", False)
            body = f"answer {state.count}".encode().ljust(size, b".")
            self.send_response_only(status)
            for name, value in said.items():
                self.send_header(name.replace("_", "-"), str(value))
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if is_broken else body)
            self.close_connection = self.close_connection or is_broken

        do_GET = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Nothing: tests read the counters."""

    return Handler
