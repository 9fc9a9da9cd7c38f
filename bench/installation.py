"""How is a whole installation measured? `headgate up` in a folder of its own, spoken to by REST."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2

from bench.rig import free_port

HEADGATE = str(Path(sys.executable).with_name("headgate"))
ANSWER_SECONDS_MAX = 300.0  # importing and publishing a thousand APIs on a busy machine
READY_SECONDS_MAX = 300.0  # a first start with a million keys


@dataclass(frozen=True, slots=True)
class Installation:
    """A running `headgate up`. `ready_seconds` is from its start to its word `ready`."""

    data: Path
    pid: int
    gateway_port: int
    ready_seconds: float
    rest: httpx2.Client

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One REST call under /api/v1; its JSON.

        Raises:
            RuntimeError: the answer is a problem.
        """
        answer = self.rest.request(method, f"/api/v1{path}", json=body)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:1000]}")
        return answer.json() if answer.content else None

    def call(self, path: str, key: str = "") -> int:
        """One request through the gateway; its status, 0 when nobody answers."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.gateway_port, timeout=10)) as one:
            try:
                one.request("GET", path, headers={"x-api-key": key} if key else {})
                return one.getresponse().status
            except OSError:
                return 0

    def seconds_until(self, status: int, path: str, key: str, *, at_most: float = 60.0) -> float:
        """How long, from now, until a call is answered with `status`.

        Raises:
            RuntimeError: not within `at_most` seconds.
        """
        began = time.perf_counter()
        with closing(http.client.HTTPConnection("127.0.0.1", self.gateway_port, timeout=10)) as one:
            while (passed := time.perf_counter() - began) < at_most:
                one.request("GET", path, headers={"x-api-key": key})
                answer = one.getresponse()
                answer.read()
                if answer.status == status:
                    return time.perf_counter() - began
        raise RuntimeError(f"{path} did not answer {status} within {passed:.0f} s")


@contextmanager
def running(data: Path) -> Iterator[Installation]:
    """`headgate up` on `data` until the block ends."""
    gateway_port, web_port = free_port(), free_port()
    log = data.with_suffix(".log")
    ports = ["--gateway-port", str(gateway_port), "--web-port", str(web_port)]
    began = time.perf_counter()
    with log.open("ab") as errors:
        up = subprocess.Popen(
            [HEADGATE, "up", "--data", str(data), *ports],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={k: v for k, v in os.environ.items() if not k.startswith("HEADGATE_")},
        )
    try:
        _until_ready(up, log)
        seconds = time.perf_counter() - began
        token = (data / "admin.token").read_text().strip()
        headers = {"authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{web_port}"
        with httpx2.Client(base_url=url, headers=headers, timeout=ANSWER_SECONDS_MAX) as rest:
            yield Installation(data, up.pid, gateway_port, seconds, rest)
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)


def _until_ready(up: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + READY_SECONDS_MAX
    assert up.stdout is not None
    for line in up.stdout:
        if line.strip().startswith(b"ready"):
            Thread(target=up.stdout.read, daemon=True).start()  # nobody blocks on a full pipe
            return
        if time.monotonic() > ends:
            break
    raise RuntimeError(f"headgate up is not ready: {log.read_text()[-2000:]}")


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # its two writes would wait 40 ms for each other
    wbufsize = -1

    def do_GET(self) -> None:
        body = b'{"id": 7}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # a connection that the kernel drops comes again after a second


@contextmanager
def upstream() -> Iterator[int]:
    """A small HTTP server on loopback; its port."""
    server = _Server(("127.0.0.1", 0), _Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def document(name: str, operations: int) -> str:
    """An OpenAPI document with `operations` operations."""
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    responses = {"200": {"description": "one thing"}}
    paths = {
        f"/things{n}/{{id}}": {
            "get": {
                "operationId": f"getThing{n}",
                "parameters": [parameter],
                "responses": responses,
            }
        }
        for n in range(1, operations + 1)
    }
    info = {"title": name, "version": "1"}
    return json.dumps({"openapi": "3.1.0", "info": info, "paths": paths})


def api_document(name: str, *, operations: int, upstream_port: int) -> dict[str, object]:
    """An API that is published on the default gateway, as `headgate apply` takes it."""
    return {
        "kind": "api",
        "name": name,
        "base_path": f"/{name}",
        "upstream": f"http://127.0.0.1:{upstream_port}",
        "document": {
            "files": {"openapi.json": document(name, operations)},
            "entry": "openapi.json",
        },
        "gateways": ["default"],
    }


def add_apis(one: Installation, names: list[str], *, operations: int, upstream_port: int) -> None:
    """Import and publish APIs in one transaction, as `headgate apply` does."""
    made = [api_document(n, operations=operations, upstream_port=upstream_port) for n in names]
    one.ask("POST", "/configuration", {"documents": made})


def add_consumer(one: Installation, *apis: str) -> str:
    """A product with those APIs, a generous plan, an application, a subscription; its key."""
    one.ask("POST", "/products", {"name": "bench", "apis": list(apis)})
    plan = {"name": "free", "rates": ["1000000/second"], "quotas": ["4000000000/month"]}
    one.ask("POST", "/products/bench/plans", plan)
    one.ask("POST", "/organizations", {"name": "acme"})
    one.ask("POST", "/applications", {"name": "demo", "organization": "acme"})
    one.ask("POST", "/subscriptions", {"application": "acme/demo", "plan": "bench/free"})
    key: str = one.ask("POST", "/keys", {"application": "acme/demo"})["key"]
    return key
