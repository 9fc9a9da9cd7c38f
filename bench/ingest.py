"""How fast do sealed segments become stored records, and how small?"""

import time
from datetime import timedelta

from bench.measure import Measurement
from bench.records import Block, Filler, traffic_store

MERGED = "hours, hours without query values, a day with its summary: later, in the background"


def run(*, is_quick: bool) -> list[Measurement]:
    """Ten segments of 100,000 realistic lines through the product's own ingest."""
    with traffic_store() as data:
        filler = Filler(data)
        block = Block(gap_us=300)
        records = 0
        seconds = 0.0
        for number in range(2 if is_quick else 10):
            filler.place(block.at(block.length * number))
            before = time.process_time()
            records += filler.store()
            seconds += time.process_time() - before
        fresh = filler.bytes_stored() / records
        filler.clock.set(filler.clock.now() + timedelta(days=3))
        before = time.process_time()
        filler.compact_days()
        merging = time.process_time() - before
        return [
            Measurement(
                "ingest",
                "ingest, with totals and catalog",
                records / seconds,
                "records per CPU-second",
                250_000,
                is_upper=False,
            ),
            Measurement(
                "ingest",
                "merging into the file of a day",
                records / merging,
                "records per CPU-second",
                note=MERGED,
            ),
            Measurement("ingest", "stored, before compaction", fresh, "bytes per record"),
            Measurement(
                "ingest",
                "stored, after a day (sorted, query values replaced, with the summary)",
                filler.bytes_stored() / records,
                "bytes per record",
                70,
            ),
        ]
