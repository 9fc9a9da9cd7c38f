"""A real Envoy with the real filter, an upstream that echoes, and a table of its own."""

import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headgate.access.keys import Secret, new_key
from headgate.gateway.envoy.access_log import OPERATORS
from headgate.gateway.envoy.local_replies import local_replies, route_words
from headgate.gateway.filter import FOLDER, MODULE_NAME
from headgate.gateway.filter.build import build
from headgate.gateway.table import AccessTable
from headgate.model.access import (
    AccessDelta,
    APIRow,
    APISettingsRow,
    ApplicationRow,
    BlockRow,
    CredentialRow,
    OperationRow,
    PlanRow,
    PublishedRows,
    RowState,
    ScopedLimit,
    SubscriptionRow,
)
from headgate.model.limits import Limit
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.snapshot import DEFAULT_KEY_SOURCES, KeySource
from tests.support.lines import read_line
from tests.support.server import Server

GENERATION = "test-generation"
START_SECONDS_MAX = 60.0
ENVOY = str(Path(sys.executable).with_name("envoy"))


class _Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"path": self.path, "headers": dict(self.headers.items())}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  # http.server's name
    do_POST = do_GET  # noqa: N815  # http.server's name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's
        """Say nothing: the tests read answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client read."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Route:
    """A path prefix and the first word of its route's name: an operation's row, or why none."""

    prefix: str
    word: str
    answer: int = 0  # what Envoy answers by itself; 0: the upstream does


ROUTES = (
    Route("/open/", "3"),
    Route("/two/", "2"),
    Route("/direct/", "1", answer=200),
    Route("/method/", "method_not_allowed", answer=500),
    Route("/none/", "no_route", answer=500),
    Route("/api/", "1"),
)


class Gateway:
    """Envoy, its upstream and its table, in a folder; ports come from the system."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        http2_port: int = 0,
        sources: tuple[KeySource, ...] = DEFAULT_KEY_SOURCES,
    ) -> None:
        """`http2_port`: an HTTP/2 upstream in place of the one that echoes."""
        build()
        self.folder = folder
        self.workers = workers
        self._http2_port = http2_port
        self._sources = sources
        self.table_path = folder / "access.tbl"
        self.table = AccessTable.open(self.table_path, generation=GENERATION)
        self.sequence = self.table.sequence
        self._upstream = Server(("127.0.0.1", 0), _Echo)
        threading.Thread(target=self._upstream.serve_forever, args=(0.02,), daemon=True).start()
        self.upstream_port = http2_port or self._upstream.server_address[1]
        self.envoy: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Start Envoy and wait until it listens."""
        config = self.folder / "envoy.json"
        config.write_text(json.dumps(self._config()))
        admin = self.folder / "admin.txt"
        admin.unlink(missing_ok=True)
        with (self.folder / "envoy.log").open("ab") as log:
            self.envoy = subprocess.Popen(
                [
                    *(ENVOY, "-c", str(config), "--concurrency", str(self.workers)),
                    *("--use-dynamic-base-id", "--admin-address-path", str(admin)),
                    *("--file-flush-interval-msec", "20", "-l", "warning"),
                ],
                env=os.environ | {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(FOLDER)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < ends:
            if self.envoy.poll() is not None:
                raise AssertionError((self.folder / "envoy.log").read_text())
            if admin.exists() and (port := self._listening(admin.read_text().strip())):
                self.port = port
                return
            time.sleep(0.05)
        raise AssertionError("Envoy does not listen: " + (self.folder / "envoy.log").read_text())

    def stop(self, *, with_signal: int = signal.SIGTERM) -> None:
        """Stop Envoy; the table and the upstream stay."""
        if self.envoy is not None:
            os.kill(self.envoy.pid, with_signal)
            self.envoy.wait(20)
            self.envoy = None

    def close(self) -> None:
        self.stop(with_signal=signal.SIGKILL)
        self.table.close()
        self._upstream.shutdown()
        self._upstream.server_close()

    def call(
        self,
        path: str = "/api/x",
        headers: dict[str, str] | None = None,
        *,
        key: str | None = None,
        method: str = "GET",
    ) -> Answer:
        """One request over a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            sent = (headers or {}) | ({"x-api-key": key} if key else {})
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())

    def apply(self, **rows: Iterable[Any]) -> None:
        """Apply rows as the next page of the feed."""
        after = self.table.sequence
        self.table.apply(
            AccessDelta(
                GENERATION,
                after,
                after + 1,
                is_complete=True,
                **{name: tuple(items) for name, items in rows.items()},
            )
        )

    def log_lines(self, count: int) -> list[dict[str, Any]]:
        """The access log once it has `count` lines."""
        path = self.folder / "access.log"
        ends = time.monotonic() + 60
        lines: list[str] = []
        while time.monotonic() < ends:
            lines = path.read_text().splitlines() if path.exists() else []
            if len(lines) >= count:
                return [read_line(line) for line in lines]
            time.sleep(0.02)
        raise AssertionError(f"{len(lines)} lines instead of {count}")

    def _listening(self, admin: str) -> int:
        host, _, port = admin.rpartition(":")
        try:
            with closing(http.client.HTTPConnection(host, int(port), timeout=30)) as connection:
                connection.request("GET", "/listeners?format=json")
                found = json.loads(connection.getresponse().read())
        except (OSError, ValueError):
            return 0
        statuses = found.get("listener_statuses", [])
        return statuses[0]["local_address"]["socket_address"]["port_value"] if statuses else 0

    def _config(self) -> dict[str, Any]:
        told = route_words(self._sources) | {"allow": "GET, POST"}
        routes = [
            {
                "match": {"prefix": route.prefix},
                "metadata": {"filter_metadata": {METADATA_NAMESPACE: told}},
                "name": f"{route.word} pets v1 op",
            }
            | (
                {"direct_response": {"status": route.answer}}
                if route.answer
                else {"route": {"cluster": "up", "timeout": "30s"}}
            )
            for route in ROUTES
        ]
        manager = {
            "@type": _type("filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "in",
            "http_filters": [self._filter(), _router()],
            "route_config": {
                "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]
            },
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            "local_reply_config": local_replies(),
            "access_log": [self._access_log()],
        }
        return {
            "admin": {"address": _address("127.0.0.1", 0)},
            "static_resources": {
                "listeners": [
                    {
                        "name": "in",
                        "address": _address("127.0.0.1", 0),
                        "filter_chains": [
                            {
                                "filters": [
                                    {
                                        "name": "envoy.filters.network.http_connection_manager",
                                        "typed_config": manager,
                                    }
                                ]
                            }
                        ],
                    }
                ],
                "clusters": [self._cluster()],
            },
        }

    def _cluster(self) -> dict[str, Any]:
        endpoint = {"endpoint": {"address": _address("127.0.0.1", self.upstream_port)}}
        cluster = {
            "name": "up",
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {
                "cluster_name": "up",
                "endpoints": [{"lb_endpoints": [endpoint]}],
            },
        }
        if not self._http2_port:
            return cluster
        options = {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }
        name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        return cluster | {"typed_extension_protocol_options": {name: options}}

    def _filter(self) -> dict[str, Any]:
        return {
            "name": "envoy.filters.http.dynamic_modules",
            "typed_config": {
                "@type": _type("filters.http.dynamic_modules.v3.DynamicModuleFilter"),
                "dynamic_module_config": {"name": MODULE_NAME},
                "filter_name": "headgate",
                "filter_config": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": str(self.table_path),
                },
            },
        }

    def _access_log(self) -> dict[str, Any]:
        formats = OPERATORS | {
            "refused": "%DYNAMIC_METADATA(headgate:reason)%",
            "target": "%REQ(:PATH)%",
            "key": "%REQ(X-API-KEY)%",
            "authorization": "%REQ(AUTHORIZATION)%",
        }
        return {
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": _type("access_loggers.file.v3.FileAccessLog"),
                "path": str(self.folder / "access.log"),
                "log_format": {"json_format": formats},
            },
        }


def _type(name: str) -> str:
    return f"type.googleapis.com/envoy.extensions.{name}"


def _router() -> dict[str, Any]:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": _type("filters.http.router.v3.Router")},
    }


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def identity(kind: str, row: int) -> str:
    """An id of 16 bytes that says its row."""
    return f"{kind}_{row:012d}"


def application(row: int = 1, state: RowState = RowState.ACTIVE) -> ApplicationRow:
    return ApplicationRow(row, 1, identity("app", row), identity("org", 1), state)


def credential(
    secret: Secret,
    row: int = 1,
    state: RowState = RowState.ACTIVE,
    *,
    application: int = 1,
    expires_at: datetime | None = None,
) -> CredentialRow:
    return CredentialRow(
        row, 1, identity("key", row), application, secret.sha256, state, expires_at
    )


def plan(*limits: Limit | None, row: int = 1) -> PlanRow:
    return PlanRow(row, 1, identity("pln", row), limits)


def subscription(
    row: int = 1,
    state: RowState = RowState.ACTIVE,
    *,
    application: int = 1,
    product: int = 1,
    plan: int = 1,
    expires_at: datetime | None = None,
) -> SubscriptionRow:
    return SubscriptionRow(
        row, 1, identity("sub", row), application, product, plan, state, expires_at
    )


def fill(
    gateway: Gateway,
    *limits: Limit | None,
    sources: tuple[KeySource, ...] = (),
    api_limits: tuple[ScopedLimit, ...] = (),
    operation_limits: tuple[ScopedLimit, ...] = (),
    blocks: tuple[BlockRow, ...] = (),
) -> Secret:
    """API 1 in product 1 with operations 1 and 2, open API 2, one caller; the caller's key."""
    secret = new_key()
    gateway.apply(
        apis=[APIRow(1, 1, (1,)), APIRow(2, 1, (1,), is_open=True)],
        applications=[application()],
        plans=[plan(*limits)],
        subscriptions=[subscription()],
        credentials=[credential(secret)],
        blocks=blocks,
    )
    gateway.table.publish(
        PublishedRows(
            (APISettingsRow(1, sources, api_limits), APISettingsRow(2, sources, api_limits)),
            (
                OperationRow(1, 1, operation_limits),
                OperationRow(2, 1),
                OperationRow(3, 2),
            ),
        )
    )
    return secret


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
