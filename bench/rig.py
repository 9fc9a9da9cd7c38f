"""Which servers does measuring the gateway need? Real Envoys on loopback, and their table."""

import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headgate.access.keys import new_key
from headgate.gateway.compile import published_rows
from headgate.gateway.envoy.bootstrap import bootstrap
from headgate.gateway.envoy.resources import translate
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.filter import FOLDER
from headgate.gateway.table import AccessTable
from headgate.model.access import (
    PAGE_ROWS_MAX,
    AccessDelta,
    APIRow,
    ApplicationRow,
    CredentialRow,
    PlanRow,
    RowState,
    SubscriptionRow,
)
from headgate.model.limits import Limit, LimitKind, Window
from headgate.model.snapshot import Snapshot, SnapshotAPI, SnapshotOperation, Upstream, UpstreamHost
from headgate.node.settings import envoy_program

ENVOY = str(envoy_program())
START_SECONDS_MAX = 30.0
KEYS_PER_APPLICATION = 10
_BUFFER = {
    "name": "envoy.filters.http.buffer",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
        "max_request_bytes": 1024**2,
    },
}
_JSON_TYPE = {
    "header": {"key": "content-type", "value": "application/json"},
    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
}
LIMITS = (
    Limit(LimitKind.RATE, 1_000_000, Window.SECOND),
    Limit(LimitKind.QUOTA, 4_000_000_000, Window.MONTH),
)
PRODUCT, PLAN = 1, 1


def count(number: int, noun: str) -> str:
    """`1 API`, `1,000 APIs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def snapshot(apis: int, operations: int, upstream_port: int) -> Snapshot:
    """`apis` APIs with `operations` operations each, all on one upstream."""
    upstream = Upstream((UpstreamHost("127.0.0.1", upstream_port),))
    return Snapshot(
        1,
        "default",
        tuple(
            SnapshotAPI(
                row=a,
                name=f"api-{a}",
                version="v1",
                base_path=f"/api-{a}",
                upstream=upstream,
                operations=tuple(
                    SnapshotOperation(
                        (a - 1) * operations + o, f"getThing{o}", "GET", f"/things{o}/{{id}}"
                    )
                    for o in range(1, operations + 1)
                ),
            )
            for a in range(1, apis + 1)
        ),
    )


def paths(apis: int, operations: int) -> list[str]:
    """One path per operation, at most 2,000 of them."""
    step = max(1, apis * operations // 2000)
    every = [f"/api-{a}/things{o}/7" for a in range(1, apis + 1) for o in range(1, operations + 1)]
    return every[::step]


def fill(
    table: AccessTable,
    *,
    apis: int,
    keys: int,
    plans: int = 1,
    clients: Sequence[str] = (),
    open_apis: Collection[int] = (),
    keys_told: int = 2000,
) -> list[str]:
    """Give the table `keys` keys of a tenth as many applications; returns `keys_told` of them.

    The applications take turns at the `plans`. The first has the `clients` (their SHA-256) too.
    The `open_apis` let strangers in.
    """
    applications = max(1, keys // KEYS_PER_APPLICATION)
    state = RowState.ACTIVE
    made = [new_key(secrets.token_bytes) for _ in range(keys)]
    rows: dict[str, list[Any]] = {
        "plans": [PlanRow(n, 1, f"pln_{n:012d}", LIMITS) for n in range(PLAN, PLAN + plans)],
        "apis": [APIRow(a, 1, (PRODUCT,), a in open_apis) for a in range(1, apis + 1)],
        "applications": [
            ApplicationRow(n, 1, f"app_{n:012d}", f"org_{n % 100:012d}", state)
            for n in range(1, applications + 1)
        ],
        "subscriptions": [
            SubscriptionRow(n, 1, f"sub_{n:012d}", n, PRODUCT, PLAN + n % plans, state)
            for n in range(1, applications + 1)
        ],
        "credentials": [
            CredentialRow(n, 1, f"key_{n:012d}", (n % applications) + 1, key.sha256, state)
            for n, key in enumerate(made, 1)
        ]
        + [
            CredentialRow(keys + n, 1, f"cli_{n:012d}", 1, digest, state)
            for n, digest in enumerate(clients, 1)
        ],
    }
    pages = [
        {kind: tuple(items[start : start + PAGE_ROWS_MAX])}
        for kind, items in rows.items()
        for start in range(0, len(items), PAGE_ROWS_MAX)
    ]
    for number, page in enumerate(pages):
        is_last = number == len(pages) - 1
        at = table.sequence
        table.apply(AccessDelta(table.generation, at, at + 1, is_complete=is_last, **page))
    return [key.text for key in made[:: max(1, keys // keys_told)]]


@contextmanager
def envoy(
    config: Path,
    *,
    base_id: int,
    port: int,
    arguments: list[str],
    under: Sequence[str] = (),
    modules: Path = FOLDER,
    start_seconds_max: float = START_SECONDS_MAX,
) -> Iterator[int]:
    """A running Envoy with one worker, `under` a tool; its process id once the port answers."""
    environment = os.environ | {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(modules)}
    command = [*under, ENVOY, "-c", str(config), "--concurrency", "1", "--base-id", str(base_id)]
    with config.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            [*command, *arguments, "--log-level", "warning"],
            env=environment,
            cwd=config.parent,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(port, process, config.with_suffix(".log"), start_seconds_max)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"Envoy does not answer on {port}: {log.read_text()[-2000:]}")


def gateway(
    folder: Path,
    *,
    upstream_port: int,
    apis: int,
    operations: int,
    keys: int,
    plans: int = 1,
    clients: Sequence[str] = (),
    open_apis: Collection[int] = (),
    keys_told: int = 2000,
    change: Callable[[Snapshot], Snapshot] | None = None,
    tls: Mapping[str, Path] | None = None,
) -> tuple[NodeSettings, list[str]]:
    """Everything Envoy needs to be the gateway, written to `folder`; and some keys.

    `tls`: the settings of the node that name certificates.
    """
    node = NodeSettings(
        node="bench",
        gateway="default",
        folder=folder,
        log_path=folder / "access.log",
        table_path=folder / "access.tbl",
        admin_socket=Path("admin.sock"),
        port=free_port(),
        workers=1,
        **(tls or {}),
    )
    table = AccessTable.open(node.table_path, generation="bench")
    try:
        some_keys = fill(
            table,
            apis=apis,
            keys=keys,
            plans=plans,
            clients=clients,
            open_apis=open_apis,
            keys_told=keys_told,
        )
        state = snapshot(apis, operations, upstream_port)
        state = change(state) if change else state
        table.publish(published_rows(state))
    finally:
        table.close()
    for name, text in translate(state, node).files().items():
        (folder / name).write_bytes(text)
    node.bootstrap_path.write_text(json.dumps(bootstrap(node)))
    return node, some_keys


def plain(
    port: int, *, upstream_port: int | None, takes_bodies: bool = False, body: str = '{"id": 7}'
) -> dict[str, Any]:
    """Envoy as a bare one-route proxy without a log; without an upstream it answers `body` itself.

    One that `takes_bodies` reads a request to its end before it answers: one that answers at once
    closes the connection behind.
    """
    manager_type = "filters.network.http_connection_manager.v3.HttpConnectionManager"
    action: dict[str, Any] = (
        {"route": {"cluster": "upstream"}}
        if upstream_port
        else {
            "response_headers_to_add": [_JSON_TYPE],
            "direct_response": {"status": 200, "body": {"inline_string": body}},
        }
    )
    manager = {
        "@type": f"type.googleapis.com/envoy.extensions.{manager_type}",
        "stat_prefix": "plain",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}} | action]}
            ]
        },
        "http_filters": [
            *([_BUFFER] if takes_bodies else []),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            },
        ],
    }
    manager_filter = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": manager,
    }
    listener = {
        "name": "plain",
        "address": _address(port),
        "filter_chains": [{"filters": [manager_filter]}],
    }
    return {
        "static_resources": {
            "listeners": [listener],
            "clusters": [_cluster(upstream_port)] if upstream_port else [],
        }
    }


def _cluster(port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": "upstream",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
