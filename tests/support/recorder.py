"""What exactly reached the upstream? A real HTTP server that keeps the requests that it answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.server import answering

ANSWER = b'{"id": 7, "name": "Ada"}'


@dataclass(frozen=True, slots=True)
class Received:
    """One request; names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Recorder:
    """Answers everything with 200 and a small object."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)

    def last(self) -> Received:
        """The newest request."""
        return self.requests[-1]


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A server on a free loopback port, until the block ends."""
    seen = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                body = self._chunked()
            else:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen.requests.append(Received(self.command, self.path, headers, body))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(ANSWER)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(ANSWER)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815  # names of http.server

        def _chunked(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body

        def log_message(self, *args: object) -> None:
            """Nothing: the test reads the requests."""

    with answering(Handler) as port:
        seen.url = f"http://127.0.0.1:{port}"
        yield seen
