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
    from headgate.store.services import traffic_compaction, traffic_ingest
    from headgate.traffic import compaction, summaries

    jobs.INGEST_SECONDS = 0.01
    jobs.COMPACTION_SECONDS = 0.03
    jobs.RETENTION_SECONDS = 0.2
    traffic_ingest.LEASE_LENGTH = timedelta(seconds=0.3)
    traffic_ingest.BATCH_SEGMENTS_MAX = 3
    traffic_compaction.LEASE_LENGTH = timedelta(seconds=0.3)
    traffic_compaction.GRACE = timedelta(seconds=0.2)
    compaction.PART_FILES_MIN = 4
    compaction.HOUR_SETTLED = timedelta(0)
    summaries.HOUR_RECORDS_MIN = 1
    return jobs.run(data=Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
