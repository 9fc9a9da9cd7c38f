"""What does a request cost at the gateway, beside the same Envoy as a bare proxy?

Both Envoys run at once with one worker each, and take turns under the same load, so that a noisy
machine hits both. The number is the ratio of their CPU time per request.
"""

import json
import statistics
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import rig
from bench.load import drive
from bench.measure import Measurement

KEYS = 100_000
SHAPES = (
    (1, 1, 1.30, "the rest is fields for caller and upstream, each about 1 %"),
    (1000, 20, 1.35, "20,000 routes do not fit the processor's caches"),
)
SECONDS = 5
ROUNDS = 5
FLUSH = ["--file-flush-interval-msec", "100", "--file-flush-min-size-kb", "16"]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Medians of the alternating runs: microseconds of CPU per request, p99 in ms."""

    ratio: float
    bare_us: float
    full_us: float
    bare_p99_ms: float
    full_p99_ms: float


def run(*, is_quick: bool) -> list[Measurement]:
    """The ratio with one API and with 1,000 APIs × 20 operations."""
    keys = 1_000 if is_quick else KEYS
    found = []
    for apis, operations, budget, why in SHAPES:
        pair = _pair(apis, operations, keys=keys, rounds=1 if is_quick else ROUNDS)
        shape = f"{rig.count(apis, 'API')} × {rig.count(operations, 'operation')}, {keys:,} keys"
        found += [
            Measurement(
                "gateway",
                f"CPU per request: {shape}",
                pair.ratio,
                "× bare Envoy",
                budget,
                note=f"{pair.full_us:.1f} µs beside {pair.bare_us:.1f} µs; {why}",
            ),
            Measurement(
                "gateway",
                f"p99 latency: {shape}",
                pair.full_p99_ms / pair.bare_p99_ms,
                "× bare Envoy",
                note=f"{pair.full_p99_ms:.1f} ms beside {pair.bare_p99_ms:.1f} ms",
            ),
        ]
    return found


def _pair(apis: int, operations: int, *, keys: int, rounds: int) -> _Pair:
    with TemporaryDirectory(prefix="headgate-bench-") as name, ExitStack() as stack:
        upstream_port, bare_port = rig.free_port(), rig.free_port()
        places = {part: Path(name, part) for part in ("upstream", "bare", "full")}
        for place in places.values():
            place.mkdir()
        upstream = places["upstream"] / "bootstrap.json"
        upstream.write_text(json.dumps(rig.plain(upstream_port, upstream_port=None)))
        stack.enter_context(rig.envoy(upstream, base_id=901, port=upstream_port, arguments=[]))
        bare = places["bare"] / "bootstrap.json"
        bare.write_text(json.dumps(rig.plain(bare_port, upstream_port=upstream_port)))
        bare_pid = stack.enter_context(rig.envoy(bare, base_id=902, port=bare_port, arguments=[]))
        node, some_keys = rig.gateway(
            places["full"], upstream_port=upstream_port, apis=apis, operations=operations, keys=keys
        )
        full_pid = stack.enter_context(
            rig.envoy(node.bootstrap_path, base_id=903, port=node.port, arguments=FLUSH)
        )
        paths = rig.paths(apis, operations)
        bare_runs, full_runs = [], []
        for number in range(rounds + 1):
            one = drive(bare_port, bare_pid, paths=paths, keys=some_keys, seconds=SECONDS)
            two = drive(node.port, full_pid, paths=paths, keys=some_keys, seconds=SECONDS)
            if one.errors or two.errors:
                raise RuntimeError(f"answers other than 200: bare {one}, full {two}")
            if number:  # the first round warms up
                bare_runs.append(one)
                full_runs.append(two)
            (places["full"] / "access.log").write_bytes(b"")
    ratios = [two.cpu_us / one.cpu_us for one, two in zip(bare_runs, full_runs, strict=True)]
    return _Pair(
        statistics.median(ratios),
        statistics.median(one.cpu_us for one in bare_runs),
        statistics.median(two.cpu_us for two in full_runs),
        statistics.median(one.p99_ms for one in bare_runs),
        statistics.median(two.p99_ms for two in full_runs),
    )
