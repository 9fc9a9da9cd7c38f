"""How long do the questions of `headgate stats` and `headgate logs` take over many records?"""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from bench.measure import Measurement
from bench.records import BLOCK_LINES, Block, Filler, traffic_store
from tests.support.lines import DEFAULT_START

SIZES = (1_000_000, 10_000_000)
ROUNDS = 20
SPAN = timedelta(days=10)  # over which the records lie
BUDGET_MS = 200
WHY = "minutes are kept two days; before that hourly rows are added up"


def run(*, is_quick: bool) -> list[Measurement]:
    """The p95 of each question over 1 and 10 million records, in milliseconds."""
    found = []
    with traffic_store() as data:
        filler = Filler(data)
        stored = 0
        largest = 100_000 if is_quick else SIZES[-1]
        block = Block(gap_us=int(SPAN.total_seconds() * 1e6 / SIZES[-1]))
        for size in [100_000] if is_quick else SIZES:
            while stored < size:
                filler.place(block.at(SPAN * (stored / largest)))
                stored += filler.store()
            now = DEFAULT_START + SPAN * (stored / largest)
            filler.clock.set(now)
            filler.compact()
            found += list(_questions(stored, now))
    return found


def _questions(stored: int, now: datetime) -> Iterator[Measurement]:
    from headgate.store.services import traffic
    from headgate.store.services.actor import Actor
    from headgate.traffic.queries import GroupBy

    actor = Actor.system("bench", now)

    def stats(by: GroupBy, since: timedelta) -> Callable[[], object]:
        filters = traffic.request_filter(actor, since=now - since, until=now)
        return lambda: traffic.stats(actor, by, filters)

    def newest() -> object:
        return traffic.requests(actor, traffic.request_filter(actor), limit=100)

    questions = {
        "last hour by operation": stats(GroupBy.OPERATION, timedelta(hours=1)),
        "last day by application": stats(GroupBy.APPLICATION, timedelta(days=1)),
        "everything by API": stats(GroupBy.API, SPAN),
        "newest 100 requests": newest,
    }
    for name, ask in questions.items():
        p95 = _p95_ms(ask)
        what = f"{name}, {stored / 1_000_000:g} M records ({BLOCK_LINES:,} per segment)"
        why = WHY if "everything" in name else ""
        yield Measurement("queries", what, p95, "ms p95", BUDGET_MS, note=why)


def _p95_ms(ask: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        ask()
        times.append((time.perf_counter() - before) * 1000)
    return statistics.quantiles(times, n=20)[-1]
