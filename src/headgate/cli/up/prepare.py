"""Is the data folder ready? Run in a process of its own: the supervisor never loads Django.

`python -m headgate.cli.up.prepare`, with HEADGATE_DATA set, makes or migrates the folder and
prints one JSON object: `{"admin_token": text or null}`, the token only when it was made now.
"""

import json
import sys

from headgate.cli.output import problem_text
from headgate.core.clock import SystemClock
from headgate.core.problems import DependencyError, Problem
from headgate.store.setup import start

FAILED = 1


def main() -> int:
    """The exit code: 0 the folder is ready, 1 it is not and stderr says why."""
    try:
        started = start(SystemClock().now())
    except Problem as problem:
        sys.stderr.write(problem_text(problem) + "\n")
        return FAILED
    except DependencyError as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    token = started.admin_token_file.read_text().strip() if started.is_new else None
    sys.stdout.write(json.dumps({"admin_token": token}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
