"""What does each policy cost a request, beside the same gateway without it?

One gateway holds an API per policy and one without any, so every policy's filter stands in the
chain for all of them, as in a gateway where all are in use. The number is the ratio of Envoy's
instructions per request to those of the same request to the API without: it is the same in each
run. CPU time, which the kernel and the caches are part of, stands beside it: the APIs take turns
under the same load for a second each, several times over, and the median is told. On a machine
that others share it moves by a tenth from run to run, which is more than most policies cost.
"""

import statistics
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import instructions, rig
from bench.gateway import FLUSH
from bench.introspection import authorization_server
from bench.load import Load, drive
from bench.measure import Measurement
from bench.policy_cases import Case, cases
from bench.policy_rig import Place, prepare, upstream

ROUNDS = 5
SECONDS = 1
PER_REFERENCE = 4  # cases between two runs of what they are compared with
APPLICATIONS = (10, 10_000)
APPLICATIONS_SECONDS = 3
APPLICATIONS_RATIO_MAX = 1.05


@dataclass(frozen=True, slots=True)
class _Time:
    """Medians of a case's CPU time per request: in µs, to that without it, to the bare proxy."""

    us: float
    to_without: float
    to_bare: float


@dataclass(frozen=True, slots=True)
class _Count:
    """Instructions per request of a case, and of the same request without it."""

    number: float
    without: float


def run(*, is_quick: bool) -> list[Measurement]:
    """The ratio of each policy, then of many plans to few."""
    rounds = 1 if is_quick else ROUNDS
    with authorization_server() as endpoint:
        listed = cases(endpoint)
        counts, times = _counts(listed), _times(listed, rounds)
    found = [_measurement(*one) for one in zip(listed, counts, times, strict=True)]
    return [*found, _of_plans(rounds)]


def _measurement(case: Case, count: _Count, time: _Time) -> Measurement:
    told = [
        f"{count.number:,.0f} instructions",
        f"{time.us:.0f} µs of CPU, {time.to_without:.2f} × without and {time.to_bare:.2f} × bare",
        case.note,
    ]
    return Measurement(
        "policies",
        f"instructions per request with the policy {case.name}",
        count.number / count.without,
        "× without",
        case.ratio_max,
        note="; ".join(filter(None, told)),
    )


def _counts(listed: list[Case]) -> list[_Count]:
    """Each case under valgrind."""
    without: dict[object, float] = {}
    found = []
    with TemporaryDirectory(prefix="headgate-bench-") as name, ExitStack() as stack:
        place = prepare(Path(name), stack, listed)
        counter = stack.enter_context(
            instructions.counted(
                place.node.bootstrap_path,
                base_id=926,
                port=place.node.port,
                arguments=FLUSH,
                modules=instructions.modules(Path(name)),
            )
        )
        key = {"x-api-key": place.keys[0]}

        def count(case: Case, api: int, headers: dict[str, str], status: int) -> float:
            path = f"/api-{api}/things1/7"
            return counter.per_request(path, method=case.method, headers=headers, status=status)

        for number, case in enumerate(listed):
            if case.request not in without:
                without[case.request] = count(case, 1, dict(case.headers) | key, 200)
            headers = place.headers(case) | (key if case.credential == "key" else {})
            made = count(case, number + 2, headers, case.status)
            found.append(_Count(made, without[case.request]))
    return found


def _times(listed: list[Case], rounds: int) -> list[_Time]:
    """Each case under load, several times over."""
    runs: list[list[_Time]] = [[] for _ in listed]
    with TemporaryDirectory(prefix="headgate-bench-") as name, ExitStack() as stack:
        place = prepare(Path(name), stack, listed)
        bare_pid = stack.enter_context(
            rig.envoy(place.bare, base_id=922, port=place.bare_port, arguments=[])
        )
        pid = stack.enter_context(
            rig.envoy(place.node.bootstrap_path, base_id=923, port=place.node.port, arguments=FLUSH)
        )
        for number in range(rounds + 1):
            for group in _groups(listed):
                first = replace(listed[group[0]], credential="key", status=200)
                bare_us = _load(place, bare_pid, first, 0).cpu_us
                before = _load(place, pid, first, 1).cpu_us
                spent = [_load(place, pid, listed[n], n + 2).cpu_us for n in group]
                beside = (before + _load(place, pid, first, 1).cpu_us) / 2
                for n, us in zip(group, spent, strict=True):
                    if number:  # the first round warms up
                        runs[n].append(_Time(us, us / beside, us / bare_us))
    return [
        _Time(
            statistics.median(one.us for one in of_case),
            statistics.median(one.to_without for one in of_case),
            statistics.median(one.to_bare for one in of_case),
        )
        for of_case in runs
    ]


def _load(place: Place, pid: int, case: Case, api: int) -> Load:
    """One short run of a case's request to one of the APIs; 0 is the bare proxy."""
    seen = drive(
        place.node.port if api else place.bare_port,
        pid,
        paths=[f"/api-{max(api, 1)}/things1/7"],
        keys=place.keys if case.credential == "key" else [],
        seconds=SECONDS,
        method=case.method,
        headers=place.headers(case),
        beside=[place.introspector_pid] if case.kind == "introspect" and api > 1 else [],
    )
    wrong = seen.requests - seen.errors if case.status >= 400 and api > 1 else seen.errors
    if wrong:
        raise RuntimeError(f"{case.name}: {wrong} of {seen.requests} answers have other status")
    place.node.log_path.write_bytes(b"")
    return seen


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


def _of_plans(rounds: int) -> Measurement:
    """Does it matter how many applications with plans of their own take turns?"""
    few, many = APPLICATIONS
    spent: dict[int, list[float]] = {few: [], many: []}
    with TemporaryDirectory(prefix="headgate-bench-") as name, ExitStack() as stack:
        upstream_port = upstream(Path(name), stack)
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
