"""What does validating a JSON body of 1 KB cost, Envoy and validator together?

Three take turns under the same load: a bare proxy, the gateway on an operation with the policy
`validate`, and the same gateway on one without it. Each sends the same POST.
"""

import json
import statistics
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import rig
from bench.gateway import FLUSH
from bench.load import Load, drive
from bench.measure import Measurement
from bench.process import beside
from headgate.catalog.contracts import Wanted, make_contract
from headgate.model.contract import contract_bytes
from headgate.model.snapshot import PolicyUse, Snapshot

SECONDS = 5
ROUNDS = 5
KEYS = 1_000
BUDGET = 4.0
SOCKET, CONTRACTS = "validator-0.sock", "contracts"
ITEM = {
    "type": "object",
    "required": ["sku", "count"],
    "additionalProperties": False,
    "properties": {
        "sku": {"type": "string", "pattern": "^[a-z]{3}-[0-9]{4}$"},
        "count": {"type": "integer", "minimum": 1},
        "price": {"type": "number", "minimum": 0},
    },
}
ORDER = {
    "type": "object",
    "required": ["customer", "items"],
    "additionalProperties": False,
    "properties": {
        "customer": {"type": "string", "maxLength": 64},
        "note": {"type": "string", "maxLength": 500},
        "express": {"type": "boolean"},
        "items": {"type": "array", "minItems": 1, "items": ITEM},
    },
}
BODY = json.dumps(
    {
        "customer": "Ada Lovelace",
        "note": "n" * 180,
        "express": True,
        "items": [{"sku": f"sku-{n:04d}", "count": n + 1, "price": n * 1.5} for n in range(15)],
    }
).encode()


def run(*, is_quick: bool) -> list[Measurement]:
    """The ratios of CPU per request to the bare proxy."""
    with TemporaryDirectory(prefix="headgate-bench-") as name, ExitStack() as stack:
        bare, checked, unchecked = _measure(Path(name), stack, rounds=1 if is_quick else ROUNDS)
    size = f"POST of {len(BODY):,} bytes"
    return [
        Measurement(
            "validation",
            f"CPU per request: {size}, validated (Envoy and validator)",
            _ratio(checked, bare),
            "× bare Envoy",
            BUDGET,
            note=f"{_median(checked):.1f} µs beside {_median(bare):.1f} µs",
        ),
        Measurement(
            "validation",
            f"CPU per request: {size}, an operation without the policy beside it",
            _ratio(unchecked, bare),
            "× bare Envoy",
            note=f"{_median(unchecked):.1f} µs beside {_median(bare):.1f} µs",
        ),
    ]


def _measure(
    folder: Path, stack: ExitStack, *, rounds: int
) -> tuple[list[Load], list[Load], list[Load]]:
    places = {part: folder / part for part in ("upstream", "bare", "full")}
    for place in places.values():
        place.mkdir()
    upstream_port, bare_port = rig.free_port(), rig.free_port()
    upstream = places["upstream"] / "bootstrap.json"
    made = rig.plain(upstream_port, upstream_port=None, takes_bodies=True)
    upstream.write_text(json.dumps(made))
    stack.enter_context(rig.envoy(upstream, base_id=911, port=upstream_port, arguments=[]))
    bare = places["bare"] / "bootstrap.json"
    bare.write_text(json.dumps(rig.plain(bare_port, upstream_port=upstream_port)))
    bare_pid = stack.enter_context(rig.envoy(bare, base_id=912, port=bare_port, arguments=[]))
    full = places["full"]
    (full / CONTRACTS).mkdir()
    node, keys = rig.gateway(
        full,
        upstream_port=upstream_port,
        apis=1,
        operations=2,
        keys=KEYS,
        change=lambda state: _validating(state, full / CONTRACTS),
    )
    told = ("--socket", SOCKET, "--contracts", CONTRACTS)
    validator_pid = stack.enter_context(beside(full, "headgate.node.validator", *told))
    arguments = [*FLUSH, "--disable-hot-restart"]
    full_pid = stack.enter_context(
        rig.envoy(node.bootstrap_path, base_id=913, port=node.port, arguments=arguments)
    )
    found: tuple[list[Load], list[Load], list[Load]] = ([], [], [])
    ways = (
        (bare_port, bare_pid, 1, ()),
        (node.port, full_pid, 1, (validator_pid,)),
        (node.port, full_pid, 2, (validator_pid,)),
    )
    for number in range(rounds + 1):
        for (port, pid, operation, others), runs in zip(ways, found, strict=True):
            path = f"/api-1/things{operation}/7"
            one = drive(
                port, pid, paths=[path], keys=keys, seconds=SECONDS, body=BODY, beside=others
            )
            if one.errors:
                raise RuntimeError(f"answers other than 200 from {path}: {one}")
            if number:  # the first round warms up
                runs.append(one)
        node.log_path.write_bytes(b"")
    return found


def _validating(state: Snapshot, contracts: Path) -> Snapshot:
    """Two POST operations, the first of which validates."""
    api = state.apis[0]
    posts = [replace(operation, method="POST") for operation in api.operations]
    posts[0] = replace(posts[0], policies=(PolicyUse("validate", {"request": "enforce"}),))
    content = {"application/json": {"schema": ORDER}}
    parameter = {"in": "path", "name": "id", "required": True, "schema": {"type": "integer"}}
    operation = {
        "parameters": [parameter],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "ok"}},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {posts[0].path: {"post": operation}},
    }
    wanted = [Wanted(posts[0].row, "POST", posts[0].path)]
    made = make_contract("bench", document, api.base_path, wanted)
    (contracts / "bench.json").write_bytes(contract_bytes(made))
    return replace(state, apis=(replace(api, operations=tuple(posts), contract="bench"),))


def _ratio(runs: list[Load], bare: list[Load]) -> float:
    return statistics.median(one.cpu_us / two.cpu_us for one, two in zip(runs, bare, strict=True))


def _median(runs: list[Load]) -> float:
    return statistics.median(one.cpu_us for one in runs)
