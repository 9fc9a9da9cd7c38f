"""What does each policy cost a request, beside the same gateway without it?

One gateway holds an API per policy and one without any. They take turns under the same load for
a second each, several times over, and the number is the median ratio of CPU time per request to
that of the API without, measured for the same request before and after. So every policy's filter
stands in the chain for all of them, as in a gateway where all are in use.
"""

import json
import statistics
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import rig
from bench.gateway import FLUSH
from bench.load import Load, drive
from bench.measure import Measurement
from bench.policy_cases import BODY, CLIENT, ISSUER, PASSWORD, Case, cases, password_sha256, token
from headgate.gateway.envoy.settings import NodeSettings
from headgate.model.snapshot import Snapshot
from headgate.model.tokens import client_sha256

ROUNDS = 5
SECONDS = 1
KEYS = 1_000
PER_REFERENCE = 4  # cases between two runs of what they are compared with
APPLICATIONS = (10, 10_000)
APPLICATIONS_SECONDS = 3
APPLICATIONS_RATIO_MAX = 1.05


@dataclass
class _Rig:
    """Where the bare proxy and the gateway listen, and what opens the gateway."""

    bare_port: int
    bare_pid: int
    node: NodeSettings
    pid: int
    keys: list[str]
    token: str = field(default_factory=token)

    def load(self, case: Case, api: int) -> Load:
        """One short run of a case's request to one of the APIs; 0 is the bare proxy."""
        headers = dict(case.headers)
        if case.credential == "token":
            headers["authorization"] = f"Bearer {self.token}"
        if case.credential == "password":
            headers["authorization"] = f"Basic {PASSWORD}"
        port, pid = (self.node.port, self.pid) if api else (self.bare_port, self.bare_pid)
        seen = drive(
            port,
            pid,
            paths=[f"/api-{max(api, 1)}/things1/7"],
            keys=self.keys if case.credential == "key" else [],
            seconds=SECONDS,
            method=case.method,
            headers=headers,
        )
        wrong = seen.requests - seen.errors if case.status >= 400 and api > 1 else seen.errors
        if wrong:
            raise RuntimeError(f"{case.name}: {wrong} of {seen.requests} answers have other status")
        self.node.log_path.write_bytes(b"")
        return seen


def run(*, is_quick: bool) -> list[Measurement]:
    """The ratio of each policy, then of many plans to few."""
    rounds = 1 if is_quick else ROUNDS
    return [*_of_policies(cases(), rounds), _of_plans(rounds)]


def _of_policies(listed: list[Case], rounds: int) -> list[Measurement]:
    """API 1 has no policy, API n + 2 that of the n-th case."""
    without: list[list[float]] = [[] for _ in listed]
    bare: list[list[float]] = [[] for _ in listed]
    spent: list[list[float]] = [[] for _ in listed]
    with TemporaryDirectory(prefix="headgate-bench-") as name, ExitStack() as stack:
        made = _start(Path(name), stack, listed)
        for number in range(rounds + 1):
            for group in _groups(listed):
                first = listed[group[0]]
                plain = replace(first, credential="key", status=200)
                bare_us = made.load(plain, 0).cpu_us
                before = made.load(plain, 1).cpu_us
                runs = [made.load(listed[place], place + 2).cpu_us for place in group]
                beside = (before + made.load(plain, 1).cpu_us) / 2
                for place, cpu_us in zip(group, runs, strict=True):
                    if number:  # the first round warms up
                        spent[place].append(cpu_us)
                        without[place].append(cpu_us / beside)
                        bare[place].append(cpu_us / bare_us)
    return [
        _measurement(case, statistics.median(w), statistics.median(b), statistics.median(s))
        for case, w, b, s in zip(listed, without, bare, spent, strict=True)
    ]


def _measurement(case: Case, ratio: float, to_bare: float, cpu_us: float) -> Measurement:
    note = f"{cpu_us:.1f} µs, {to_bare:.2f} × bare Envoy" + (f"; {case.note}" if case.note else "")
    what = f"CPU per request with the policy {case.name}"
    return Measurement("policies", what, ratio, "× without", case.ratio_max, note=note)


def _groups(listed: list[Case]) -> list[list[int]]:
    """Places of the cases, a few of equal requests together."""
    by_request: dict[object, list[int]] = {}
    for place, case in enumerate(listed):
        by_request.setdefault(case.request, []).append(place)
    return [
        places[start : start + PER_REFERENCE]
        for places in by_request.values()
        for start in range(0, len(places), PER_REFERENCE)
    ]


def _start(folder: Path, stack: ExitStack, listed: list[Case]) -> _Rig:
    upstream_port, bare_port, bare_pid = _around(folder, stack)
    node, keys = rig.gateway(
        folder,
        upstream_port=upstream_port,
        apis=len(listed) + 1,
        operations=1,
        keys=KEYS,
        clients=[client_sha256(ISSUER, CLIENT), password_sha256()],
        change=lambda state: with_policies(state, listed),
    )
    pid = stack.enter_context(
        rig.envoy(node.bootstrap_path, base_id=923, port=node.port, arguments=FLUSH)
    )
    return _Rig(bare_port, bare_pid, node, pid, keys)


def _around(folder: Path, stack: ExitStack) -> tuple[int, int, int]:
    """An upstream and a bare proxy: the upstream's port, the proxy's port and process id."""
    upstream_port, bare_port = rig.free_port(), rig.free_port()
    upstream = folder / "upstream.json"
    upstream.write_text(json.dumps(rig.plain(upstream_port, upstream_port=None, body=BODY)))
    stack.enter_context(rig.envoy(upstream, base_id=921, port=upstream_port, arguments=[]))
    bare = folder / "bare.json"
    bare.write_text(json.dumps(rig.plain(bare_port, upstream_port=upstream_port)))
    pid = stack.enter_context(rig.envoy(bare, base_id=922, port=bare_port, arguments=[]))
    return upstream_port, bare_port, pid


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


def _of_plans(rounds: int) -> Measurement:
    """Does it matter how many applications with plans of their own take turns?"""
    few, many = APPLICATIONS
    spent: dict[int, list[float]] = {few: [], many: []}
    with TemporaryDirectory(prefix="headgate-bench-") as name, ExitStack() as stack:
        upstream_port, _, _ = _around(Path(name), stack)
        started = []
        for place, count in enumerate(APPLICATIONS):
            folder = Path(name, str(count))
            folder.mkdir()
            node, keys = rig.gateway(
                folder,
                upstream_port=upstream_port,
                apis=1,
                operations=1,
                keys=count * rig.KEYS_PER_APPLICATION,
                plans=count,
                keys_told=many,
            )
            arguments = {"base_id": 924 + place, "port": node.port}
            pid = stack.enter_context(rig.envoy(node.bootstrap_path, arguments=FLUSH, **arguments))
            started.append((count, node, pid, keys))
        for number in range(rounds + 1):
            for count, node, pid, keys in started:
                paths = ["/api-1/things1/7"]
                seen = drive(node.port, pid, paths=paths, keys=keys, seconds=APPLICATIONS_SECONDS)
                if seen.errors:
                    raise RuntimeError(f"answers other than 200: {seen}")
                if number:
                    spent[count].append(seen.cpu_us)
                node.log_path.write_bytes(b"")
    ratio = statistics.median(a / b for a, b in zip(spent[many], spent[few], strict=True))
    medians = [statistics.median(spent[count]) for count in (many, few)]
    return Measurement(
        "policies",
        f"CPU per request: {many:,} applications, each with a plan of its own",
        ratio,
        f"× {few}",
        APPLICATIONS_RATIO_MAX,
        note=f"{medians[0]:.1f} µs beside {medians[1]:.1f} µs; every request another application",
    )
