"""Which servers does measuring the policies need? One gateway with an API for each of them."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import rig
from bench.introspection import OPAQUE, introspector
from bench.policy_cases import BODY, CLIENT, ISSUER, PASSWORD, Case, password_sha256, token
from headgate.gateway.envoy.settings import NodeSettings
from headgate.model.snapshot import Snapshot
from headgate.model.tokens import client_sha256

KEYS = 1_000


@dataclass
class Place:
    """Two Envoys that are ready to be started, bare proxy and gateway, and what is beside them.

    API 1 has no policy, API n + 2 that of the n-th case.
    """

    bare: Path
    bare_port: int
    node: NodeSettings
    keys: list[str]
    introspector_pid: int
    token: str = field(default_factory=token)

    def headers(self, case: Case) -> dict[str, str]:
        """What a case's request carries, but for a key: one of several takes its turn."""
        headers = dict(case.headers)
        if case.credential == "token":
            headers["authorization"] = f"Bearer {self.token}"
        if case.credential == "opaque":
            headers["authorization"] = f"Bearer {OPAQUE}"
        if case.credential == "password":
            headers["authorization"] = f"Basic {PASSWORD}"
        return headers


def prepare(folder: Path, stack: ExitStack, listed: list[Case]) -> Place:
    """Write what both Envoys read, and start what they ask."""
    upstream_port = upstream(folder, stack)
    bare, bare_port = folder / "bare" / "bare.json", rig.free_port()
    bare.parent.mkdir()
    bare.write_text(json.dumps(rig.plain(bare_port, upstream_port=upstream_port)))
    node, keys = rig.gateway(
        folder,
        upstream_port=upstream_port,
        apis=len(listed) + 1,
        operations=1,
        keys=KEYS,
        clients=[client_sha256(ISSUER, CLIENT), password_sha256()],
        open_apis=[place + 2 for place, case in enumerate(listed) if case.credential == "none"],
        change=lambda state: with_policies(state, listed),
    )
    asking = [case.use() for case in listed if case.kind == "introspect"]
    introspector_pid = stack.enter_context(introspector(folder, asking))
    return Place(bare, bare_port, node, keys, introspector_pid)


def upstream(folder: Path, stack: ExitStack) -> int:
    """A server that answers by itself; its port."""
    port = rig.free_port()
    config = folder / "upstream.json"
    config.write_text(json.dumps(rig.plain(port, upstream_port=None, body=BODY)))
    stack.enter_context(rig.envoy(config, base_id=921, port=port, arguments=[]))
    return port


def with_policies(state: Snapshot, listed: list[Case]) -> Snapshot:
    """The snapshot's second API with the first case's policy, and so on."""
    first, *others = state.apis
    changed = [first] + [
        replace(
            api,
            operations=tuple(replace(one, method=case.method) for one in api.operations),
            policies=(case.use(),),
        )
        for api, case in zip(others, listed, strict=True)
    ]
    methods = sorted({"GET", *(case.method for case in listed)})
    one = first.operations[0]
    rows = [one.row, *(one.row + 100_000 + n for n in range(len(methods)))]
    plain = tuple(replace(one, row=row, method=m) for row, m in zip(rows, methods, strict=False))
    return replace(state, apis=(replace(first, operations=plain), *changed[1:]))
