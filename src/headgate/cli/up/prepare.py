"""Is the data folder ready? Run in a process of its own: the supervisor never loads Django.

`python -m headgate.cli.up.prepare`, with HEADGATE_DATA set, makes or migrates the folder and
prints one JSON object: `{"admin_token": text or null}`, the token only when it was made now.
"""

import json
import os
import sys

from headgate.cli.output import problem_text
from headgate.core.problems import DependencyError, Problem

FAILED = 1


def main() -> int:
    """The exit code: 0 the folder is ready, 1 it is not and stderr says why."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headgate.store.settings")
    from headgate.store.environment import data_folder
    from headgate.store.setup import prepare

    try:
        prepared = prepare(data_folder())
    except Problem as problem:
        sys.stderr.write(problem_text(problem) + "\n")
        return FAILED
    except DependencyError as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    sys.stdout.write(json.dumps({"admin_token": prepared.admin_token}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
