"""Do the numbers of the store agree with what the callers saw?"""

import sys
import time

from headgate.cli.client import Client
from headgate.cli.demo.calls import Sent
from headgate.cli.output import aligned
from headgate.core.problems import DependencyError

SINCE = "30d"  # the demonstration may have run days ago
VISIBLE_SECONDS = 60.0  # a busy machine's share; 3 s is the product's promise
LOOK_SECONDS = 0.3

Counts = dict[str, int]


def stored(api: Client, by: str = "verdict") -> Counts:
    """Requests in the traffic store, by one member of the record."""
    answer = api.get("/traffic/stats", {"by": by, "since": SINCE})
    return {str(item["key"]): int(item["requests"]) for item in answer["items"]}


def wait_until_stored(api: Client, before: Counts, sent: Sent) -> None:
    """Return once everything that was sent can be read.

    Raises:
        DependencyError: it is not there in time.
    """
    wanted = sum(before.values()) + sent.total
    for _ in range(round(VISIBLE_SECONDS / LOOK_SECONDS)):
        if sum(stored(api).values()) >= wanted:
            return
        time.sleep(LOOK_SECONDS)
    raise DependencyError(
        f"the traffic store does not show all {wanted} requests after {VISIBLE_SECONDS:.0f} s; "
        "see `headgate status` and `headgate reconcile`",
        is_retryable=True,
    )


def show_numbers(api: Client, before: Counts | None, sent: Sent | None) -> None:
    """Two tables read back from the store; beside the first, what the callers counted."""
    now = stored(api)
    headings = ["verdict", "stored"]
    rows = [[verdict, f"{number:,}"] for verdict, number in now.items()]
    if sent is not None and before is not None:
        headings = ["verdict", "sent", "stored"]
        names = sorted(set(now) | set(sent.by_verdict))
        rows = [
            [
                name,
                f"{sent.by_verdict.get(name, 0):,}",
                f"{now.get(name, 0) - before.get(name, 0):,}",
            ]
            for name in names
        ]
    operations = [
        [name or "(no operation)", f"{n:,}"] for name, n in stored(api, "operation").items()
    ]
    _write("$ headgate stats --by verdict", aligned(headings, rows))
    _write("$ headgate stats --by operation", aligned(["operation", "stored"], operations))


def _write(command: str, table: str) -> None:
    indented = "\n".join(f"  {line}" for line in table.splitlines())
    sys.stdout.write(f"{command}\n{indented}\n\n")
    sys.stdout.flush()
