"""What reached the upstream? A small real HTTP server that counts what it answers."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.support.server import answering


@dataclass
class Upstream:
    """Answers every method and path with 200 and what it received; counts by the header
    `x-request-id`, so that a retry of the same request is seen as such."""

    url: str = ""
    by_path: Counter[str] = field(default_factory=Counter)
    request_ids: Counter[str] = field(default_factory=Counter)
    keys_seen: set[str] = field(default_factory=set)
    authorizations: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A server on a free loopback port, until the block ends."""
    seen = Upstream()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True  # an answer in two segments would wait for the ACK

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            with seen.lock:
                seen.by_path[urlsplit(self.path).path] += 1
                seen.request_ids[self.headers.get("x-request-id", "")] += 1
                seen.authorizations.append(self.headers.get("authorization", ""))
                if key := self.headers.get("x-api-key"):
                    seen.keys_seen.add(key)
            raw = json.dumps({"path": self.path, "method": self.command, "bytes": len(body)})
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(raw.encode())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Nothing: the test reads the counters."""

    with answering(Handler) as port:
        seen.url = f"http://127.0.0.1:{port}"
        yield seen
