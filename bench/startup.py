"""How long from `headgate up` to the first proxied request, and how much memory when idle?"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.installation import add_apis, add_consumer, running, upstream
from bench.measure import Measurement
from bench.process import children, memory_mib

IDLE_SECONDS = 10


def run(*, is_quick: bool) -> list[Measurement]:
    """A first start on an empty folder, then a second one with an API that is published."""
    with TemporaryDirectory(prefix="headgate-bench-") as folder, upstream() as port:
        data = Path(folder, "data")
        with running(data) as one:
            first_seconds = one.ready_seconds
            add_apis(one, ["things"], operations=20, upstream_port=port)
            key = add_consumer(one, "things")
            one.seconds_until(200, "/things/things1/7", key)
        began = time.perf_counter()
        with running(data) as one:
            one.seconds_until(200, "/things/things1/7", key)
            seconds = time.perf_counter() - began
            time.sleep(1 if is_quick else IDLE_SECONDS)
            memory = sum(memory_mib(pid) for pid in children(one.pid))
        return [
            Measurement("startup", "start to first proxied request", seconds, "s", 5),
            Measurement(
                "startup", "first start on an empty folder, until ready", first_seconds, "s"
            ),
            Measurement("startup", "idle memory of the whole tree (PSS)", memory, "MiB", 500),
        ]
