"""How long do the questions of `headgate stats`, `headgate logs` and a dashboard take?"""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from bench.measure import Measurement
from bench.records import BLOCK_LINES, Block, Filler, traffic_store
from tests.support.lines import DEFAULT_START, example_id

SIZES = (1_000_000, 10_000_000)
ROUNDS = 20
SPAN = timedelta(days=10)  # over which the records of `SIZES` lie
MONTH_DAYS = 30
DAY_BLOCKS = 34  # of `BLOCK_LINES`: 102 million records in a month
BUDGET_MS = 200
DAY = timedelta(days=1)
COPIED = "27 of the 30 days are one day's file, moved in time"


def run(*, is_quick: bool) -> list[Measurement]:
    """The p95 of each question over 1, 10 and 102 million records, in milliseconds."""
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
            found += list(_questions(stored, now, SPAN))
        if not is_quick:
            filler.clear()
            stored, now = fill_month(filler)
            found += list(_questions(stored, now, DAY * MONTH_DAYS, note=COPIED))
    return found


def fill_month(filler: Filler) -> tuple[int, datetime]:
    """A hundred million records over 30 days; how many there are, and when the last one was made.

    The first day and the last two go through ingest and compaction: the last two are still in
    files of hours. What is between is the first day's file and summary, with later times.
    """
    block = Block(gap_us=int(DAY.total_seconds() * 1e6 / DAY_BLOCKS / BLOCK_LINES))
    start = DEFAULT_START.replace(hour=0, minute=0)

    def ingest(day: int, days: int) -> int:
        for number in range(day * DAY_BLOCKS, (day + days) * DAY_BLOCKS):
            filler.place(block.at(start - DEFAULT_START + DAY * (number / DAY_BLOCKS)))
            filler.store()
        return days * DAY_BLOCKS * BLOCK_LINES

    stored = ingest(0, 1)
    filler.clock.set(start + DAY * 3)
    filler.compact_days()
    for day in range(1, MONTH_DAYS - 2):
        stored += filler.copy_day(start, start + DAY * day)
    stored += ingest(MONTH_DAYS - 2, 2)
    now = start + DAY * MONTH_DAYS
    filler.clock.set(now)
    filler.compact()
    return stored, now


def _questions(
    stored: int, now: datetime, span: timedelta, note: str = ""
) -> Iterator[Measurement]:
    from headgate.store.services.actor import Actor
    from headgate.store.services.traffic import questions
    from headgate.traffic.queries import GroupBy, RequestFilter

    actor = Actor.system("bench", now)

    def stats(by: GroupBy, since: timedelta, application: str | None = None) -> Ask:
        filters = RequestFilter(now - since, now, application=application)
        return lambda: questions.stats(actor, by, filters)

    asked: dict[str, Ask] = {
        "last hour by operation": stats(GroupBy.OPERATION, timedelta(hours=1)),
        "last day by application": stats(GroupBy.APPLICATION, timedelta(days=1)),
        "everything by API": stats(GroupBy.API, span),
        "everything by operation": stats(GroupBy.OPERATION, span),
        "everything by application": stats(GroupBy.APPLICATION, span),
        "one application by API": stats(GroupBy.API, span, example_id("app", 7)),
        "last hour by minute": lambda: questions.series(
            actor, RequestFilter(now - timedelta(hours=1), now)
        ),
        "last day by minute": lambda: questions.series(actor, RequestFilter(now - DAY, now)),
        "newest 100 requests": lambda: questions.requests(
            actor, questions.request_filter(actor), limit=100
        ),
    }
    for name, ask in asked.items():
        what = f"{name}, {stored / 1_000_000:g} M records ({BLOCK_LINES:,} per segment)"
        yield Measurement("queries", what, _p95_ms(ask), "ms p95", BUDGET_MS, note=note)


Ask = Callable[[], object]


def _p95_ms(ask: Ask) -> float:
    times = []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        ask()
        times.append((time.perf_counter() - before) * 1000)
    return statistics.quantiles(times, n=20)[-1]
