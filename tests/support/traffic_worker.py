"""The jobs process in a hurry: short leases and eager merging, to be killed by tests.

Usage: python traffic_worker.py DATA
"""

import sys
from datetime import timedelta
from pathlib import Path


def main() -> int:
    from headgate.core.clock import SystemClock
    from headgate.jobs import main as jobs
    from headgate.store import setup

    setup.start(SystemClock().now())
    from headgate.store.services.traffic import compaction, ingest
    from headgate.traffic import compaction as tiers
    from headgate.traffic import summaries

    jobs.INGEST_SECONDS = 0.01
    jobs.COMPACTION_SECONDS = 0.03
    jobs.RETENTION_SECONDS = 0.2
    ingest.LEASE_LENGTH = timedelta(seconds=0.3)
    ingest.BATCH_SEGMENTS_MAX = 3
    compaction.LEASE_LENGTH = timedelta(seconds=0.3)
    compaction.GRACE = timedelta(seconds=0.2)
    tiers.PART_FILES_MIN = 4
    tiers.HOUR_SETTLED = timedelta(0)
    summaries.HOUR_RECORDS_MIN = 1
    return jobs.run(data=Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
