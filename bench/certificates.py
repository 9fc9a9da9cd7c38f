"""What does the policy `mtls` cost, beside the same gateway over TLS with keys?

The load generator speaks no TLS, so that an Envoy stands between: it shows one certificate to the
gateway, with and without the policy alike, and its own CPU does not count. Two APIs of one gateway
take turns: one that takes keys, one that takes the certificate.
"""

import json
import statistics
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import rig
from bench.gateway import FLUSH
from bench.load import drive
from bench.measure import Measurement
from headgate.access.certificates import NameKind, read_name
from headgate.model.snapshot import PolicyUse, Snapshot
from tests.support.certificates import Authority

ROUNDS = 9
SECONDS = 1
KEYS = 1_000
BUDGET = 1.05


def run(*, is_quick: bool) -> list[Measurement]:
    """The ratio of CPU per request to the same call with a key."""
    rounds = 1 if is_quick else ROUNDS
    with TemporaryDirectory(prefix="headgate-bench-") as name, ExitStack() as stack:
        without, taken = _measure(Path(name), stack, rounds)
    ratio = statistics.median(one / other for one, other in zip(taken, without, strict=True))
    used = statistics.median(taken), statistics.median(without)
    return [
        Measurement(
            "certificates",
            "CPU per request with the policy mtls, a certificate",
            ratio,
            "× without",
            BUDGET,
            note=f"{used[0]:.1f} µs beside {used[1]:.1f} µs; over TLS, beside a key",
        )
    ]


def _measure(folder: Path, stack: ExitStack, rounds: int) -> tuple[list[float], list[float]]:
    authority = Authority(folder)
    certificate, key = authority.issue(folder / "server", "localhost")
    shown, shown_key = authority.issue(folder / "client", "client.example.com")
    places = {part: folder / part for part in ("upstream", "full", "between")}
    for place in places.values():
        place.mkdir()
    upstream_port, between_port = rig.free_port(), rig.free_port()
    upstream = places["upstream"] / "bootstrap.json"
    upstream.write_text(json.dumps(rig.plain(upstream_port, upstream_port=None)))
    stack.enter_context(rig.envoy(upstream, base_id=931, port=upstream_port, arguments=[]))
    node, keys = rig.gateway(
        places["full"],
        upstream_port=upstream_port,
        apis=2,
        operations=1,
        keys=KEYS,
        clients=[read_name(shown.read_text(), NameKind.DNS).sha256],
        change=_with_policy,
        tls={
            "tls_certificate": certificate,
            "tls_key": key,
            "client_authorities": folder / "ca.pem",
        },
    )
    pid = stack.enter_context(
        rig.envoy(node.bootstrap_path, base_id=932, port=node.port, arguments=FLUSH)
    )
    between = places["between"] / "bootstrap.json"
    between.write_text(json.dumps(_showing(between_port, node.port, shown, shown_key)))
    stack.enter_context(rig.envoy(between, base_id=933, port=between_port, arguments=[]))
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for api, runs in enumerate(found, 1):
            path, used = f"/api-{api}/things1/7", keys if api == 1 else []
            seen = drive(between_port, pid, paths=[path], keys=used, seconds=SECONDS)
            if seen.errors:
                raise RuntimeError(f"answers other than 200 from {path}: {seen}")
            if number:  # the first round warms up
                runs.append(seen.cpu_us)
        node.log_path.write_bytes(b"")
    return found


def _with_policy(state: Snapshot) -> Snapshot:
    first, second = state.apis
    return replace(state, apis=(first, replace(second, policies=(PolicyUse("mtls", {}),))))


def _showing(port: int, gateway_port: int, certificate: Path, key: Path) -> dict[str, Any]:
    """A plain proxy that speaks TLS to the gateway and shows a certificate."""
    made = rig.plain(port, upstream_port=gateway_port)
    shown = {
        "certificate_chain": {"filename": str(certificate)},
        "private_key": {"filename": str(key)},
    }
    tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    made["static_resources"]["clusters"][0]["transport_socket"] = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": tls, "common_tls_context": {"tls_certificates": [shown]}},
    }
    return made
