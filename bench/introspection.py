"""Who answers about opaque tokens while the policy `introspect` is measured?"""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson

from bench.policy_cases import CLIENT, ISSUER, TOKEN_SECONDS
from bench.process import beside
from headgate.gateway.policies.introspect import Introspect
from headgate.gateway.policy import parse
from headgate.model.introspection import SOCKET_NAME
from headgate.model.snapshot import PolicyUse

OPAQUE = "opaque-token-of-the-measurement"
SETTINGS = "introspection.json"


class _Endpoint(BaseHTTPRequestHandler):
    """Knows the one token."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        ends = int(time.time()) + TOKEN_SECONDS
        body = json.dumps({"active": True, "client_id": CLIENT, "iss": ISSUER, "exp": ends})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing: it is asked once."""


@contextmanager
def authorization_server() -> Iterator[str]:
    """A server that is asked about tokens; the address of its introspection endpoint."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/introspect"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def introspector(folder: Path, uses: Sequence[PolicyUse]) -> Iterator[int]:
    """The node's own process, told of the servers of these policies; its process id."""
    found = [one for use in uses if isinstance(one := parse(use), Introspect)]
    servers = {one.server.id: one.server for one in found}
    (folder / SETTINGS).write_bytes(orjson.dumps(list(servers.values())))
    told = ("--socket", SOCKET_NAME, "--settings", SETTINGS)
    with beside(folder, "headgate.node.introspector", *told) as pid:
        yield pid
