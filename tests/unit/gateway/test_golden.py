"""What exactly is written for Envoy? One folder per case: a snapshot in, Envoy's files out.

`HEADGATE_GOLDEN=write pytest tests/unit/gateway/test_golden.py` writes the files anew; read the
difference before you commit it.
"""

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from headgate.gateway.compile import check
from headgate.gateway.envoy.bootstrap import bootstrap
from headgate.gateway.envoy.resources import EnvoyResources, readable_routes, translate
from headgate.gateway.envoy.settings import NodeSettings
from headgate.model.codec import from_json
from headgate.model.snapshot import Snapshot

GOLDEN = Path(__file__).parents[2] / "golden" / "envoy"
CASES = sorted(path.name for path in GOLDEN.iterdir() if (path / "snapshot.json").exists())
NODE = NodeSettings(
    node="node-1",
    gateway="default",
    folder=Path("/data/node/envoy"),
    log_path=Path("/data/node/log/access.log"),
    table_path=Path("/data/node/access.tbl"),
    admin_socket=Path("/data/node/admin.sock"),
)
TLS_NODE = NodeSettings(
    node="node-1",
    gateway="default",
    folder=NODE.folder,
    log_path=NODE.log_path,
    table_path=NODE.table_path,
    admin_socket=NODE.admin_socket,
    listen_address="::",
    port=8443,
    tls_certificate=Path("/data/tls/tls.crt"),
    tls_key=Path("/data/tls/tls.key"),
    trusted_proxies=("10.0.0.0/8", "2001:db8::7"),
    trusted_hops=2,
)


def plain(value: Any) -> Any:
    """As Envoy would read it: ready-made parts opened up."""
    return orjson.loads(orjson.dumps(value))


def compare(path: Path, made: Any) -> None:
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        path.write_text(text)
    assert path.exists(), f"write {path.name} with HEADGATE_GOLDEN=write"
    assert path.read_text() == text


def held(made: EnvoyResources) -> list[tuple[str, Any]]:
    """The files of filters that hold others, where they hold any."""
    found = [(name, plain(value)) for name, value in made.held.items()]
    return [
        (name, value)
        for name, value in found
        if value["resources"][0]["typed_config"]["named_filter_chains"]
    ]


def snapshot_of(case: str) -> Snapshot:
    return from_json(Snapshot, (GOLDEN / case / "snapshot.json").read_bytes())


@pytest.mark.parametrize("case", CASES)
def test_a_snapshot_becomes_these_files(case: str) -> None:
    snapshot = snapshot_of(case)
    assert check(snapshot) == []
    made = translate(snapshot, TLS_NODE if case.endswith("_tls") else NODE)
    for name, value in (
        ("clusters", made.clusters),
        ("listeners", made.listeners),
        *((f"choices_{name.removeprefix('headgate.')}", value) for name, value in held(made)),
        ("routes", readable_routes(snapshot)),
        ("secrets", made.secrets),
    ):
        if value is not None:
            compare(GOLDEN / case / f"{name}.json", plain(value))


def test_the_bootstrap_is_this() -> None:
    compare(GOLDEN / "bootstrap.json", bootstrap(NODE))


def test_there_are_cases() -> None:
    assert len(CASES) >= 5
