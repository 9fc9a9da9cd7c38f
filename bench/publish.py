"""How long from publishing until the node serves it, and does running traffic notice?

With 1, 100 and 1,000 APIs. Latency is measured at a rate well below the gateway's limit, in turns
with and without one publish per second, so that a noisy machine hits both.
"""

import json
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import rig
from bench.installation import Installation, add_apis, add_consumer, running
from bench.load import drive
from bench.measure import Measurement

SIZES = (1, 100, 1000)
SIZES_UNDER_LOAD = (1, 100)
OPERATIONS = 20
ROUNDS = 7
LOAD_ROUNDS = 9
LOAD_SECONDS = 5
LOAD_CLIENTS = 20
LOAD_PAUSE_MS = 10  # 20 callers, so at most 2,000 requests per second
PUBLISH_EVERY_SECONDS = 1.0
WHY = "Envoy builds all routes anew for each revision"


def run(*, is_quick: bool) -> list[Measurement]:
    """The median over some publications of one API among so many, 20 operations each."""
    found = []
    with (
        TemporaryDirectory(prefix="headgate-bench-") as name,
        _upstream(Path(name)) as port,
        running(Path(name, "data")) as one,
    ):
        made, key = 0, ""
        for size in (1, 10) if is_quick else SIZES:
            names = [f"api-{number}" for number in range(made + 1, size + 1)]
            add_apis(one, names, operations=OPERATIONS, upstream_port=port)
            made = size
            key = key or add_consumer(one, "api-1")
            shape = f"{rig.count(size, 'API')} × {OPERATIONS} operations"
            seconds = statistics.median(_publish(one, n) for n in range(ROUNDS))
            what = f"publish → live on the node, {shape}"
            found.append(Measurement("publish", what, seconds, "s", 1, note=WHY))
            if size in SIZES_UNDER_LOAD:
                found.append(_under_load(one, key, shape, rounds=1 if is_quick else LOAD_ROUNDS))
    return found


def _publish(one: Installation, number: int) -> float:
    """Publish a changed API and wait until the node says that it is live."""
    one.ask("PATCH", "/apis/api-1", {"title": f"change {number}"})
    settings = {"request": {"set": {"x-change": str(number)}}}
    one.ask("PUT", "/apis/api-1/policies", [{"kind": "headers", "settings": settings}])
    began = time.perf_counter()
    answer = one.ask("POST", "/apis/api-1/publish", {"wait_seconds": 10})
    if not answer["live"]:
        raise RuntimeError(f"not live within 10 s: {answer}")
    return time.perf_counter() - began


def _under_load(one: Installation, key: str, shape: str, *, rounds: int) -> Measurement:
    """How far the p99 latency of calls moves while something is published every second."""
    quiet, busy = [], []
    one.seconds_until(200, "/api-1/things1/7", key)
    for number in range(rounds + 1):
        still = _p99_ms(one, key)
        with _publishing(one):
            moved = _p99_ms(one, key)
        if number or rounds == 1:  # the first round warms up
            quiet.append(still)
            busy.append(moved)
    before, after = statistics.median(quiet), statistics.median(busy)
    note = f"{after:.2f} ms beside {before:.2f} ms, medians of {len(quiet)} rounds in turns"
    what = f"p99 latency while publishing once a second, {shape}"
    return Measurement("publish", what, after / before, "× quiet", 1.10, note=note)


def _p99_ms(one: Installation, key: str) -> float:
    seen = drive(
        one.gateway_port,
        one.pid,
        paths=[f"/api-1/things{number}/7" for number in range(1, OPERATIONS + 1)],
        keys=[key],
        seconds=LOAD_SECONDS,
        clients=LOAD_CLIENTS,
        pause_ms=LOAD_PAUSE_MS,
    )
    if seen.errors:
        raise RuntimeError(f"answers other than 200: {seen}")
    return seen.p99_ms


@contextmanager
def _publishing(one: Installation) -> Iterator[None]:
    """Publish once a second in a thread while the block runs."""
    is_over = threading.Event()

    def loop() -> None:
        number = 0
        while not is_over.wait(PUBLISH_EVERY_SECONDS):
            number += 1
            _publish(one, 1000 + number)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(loop)
        try:
            yield
        finally:
            is_over.set()
        done.result()


@contextmanager
def _upstream(folder: Path) -> Iterator[int]:
    """An Envoy that answers by itself: no other server here is steady enough for a p99."""
    port = rig.free_port()
    config = folder / "upstream.json"
    config.write_text(json.dumps(rig.plain(port, upstream_port=None)))
    with rig.envoy(config, base_id=904, port=port, arguments=[]):
        yield port
