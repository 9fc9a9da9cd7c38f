"""Run the measurements: `python -m bench [SUITE…] [--quick]`."""

import argparse
import importlib
import sys
import time

from bench.measure import Measurement, load, store
from bench.report import write

SUITES = (
    "gateway",
    "validation",
    "policies",
    "certificates",
    "keys",
    "publish",
    "startup",
    "pages",
    "imports",
    "ingest",
    "queries",
)


def main() -> int:
    """Run the suites that are named, or all of them; write JSON and the README's table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size; writes nothing")
    given = parser.parse_args()
    suites = list(given.suites) or list(SUITES)
    started = time.monotonic()
    for name in suites:
        print(f"· {name}", flush=True)
        found: list[Measurement] = []
        for measurement in importlib.import_module(f"bench.{name}").run(is_quick=given.quick):
            over = "  ← budget missed" if measurement.is_kept is False else ""
            number = f"{measurement.value:,.2f} {measurement.unit}"
            print(f"  {measurement.what}: {number}{over}", flush=True)
            found.append(measurement)
        if not given.quick:
            path = store(found, suites=[name], seconds=time.monotonic() - started)
            write(load())
            print(f"  written: {path} and the table in README.md", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
