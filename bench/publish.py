"""How long from publishing until the node serves it, with 1, 100 and 1,000 APIs?"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.installation import Installation, add_apis, add_consumer, running, upstream
from bench.measure import Measurement

SIZES = (1, 100, 1000)
OPERATIONS = 20
ROUNDS = 7
WHY = "Envoy builds all routes anew for each revision"


def run(*, is_quick: bool) -> list[Measurement]:
    """The median over some publications of one API among so many, 20 operations each."""
    found = []
    with (
        TemporaryDirectory(prefix="headgate-bench-") as folder,
        upstream() as port,
        running(Path(folder, "data")) as one,
    ):
        made = 0
        for size in (1, 10) if is_quick else SIZES:
            names = [f"api-{number}" for number in range(made + 1, size + 1)]
            add_apis(one, names, operations=OPERATIONS, upstream_port=port)
            made = size
            if made == 1:
                key = add_consumer(one, "api-1")
            seconds = statistics.median(_publish(one, n) for n in range(ROUNDS))
            what = f"publish → live on the node, {size:,} APIs × {OPERATIONS} operations"
            found.append(Measurement("publish", what, seconds, "s", 1, note=WHY))
        one.seconds_until(200, "/api-1/things1/7", key)
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
