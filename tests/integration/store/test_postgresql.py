"""The promises of the store hold on PostgreSQL as they do on SQLite: the same tests, run there."""

import os
import subprocess
import sys

import pytest

from tests.support.postgres import create_database
from tests.support.processes_of_store import ROOT

pytestmark = pytest.mark.integration
SECONDS_MAX = 2400  # it takes two to five minutes where nothing else runs


@pytest.mark.timeout(SECONDS_MAX + 60)
def test_every_test_of_the_store_passes_on_postgresql(server: str) -> None:
    url = create_database(server, "headgate")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/unit/store", "-q", "-p", "no:cacheprovider"],
        env={**os.environ, "HEADGATE_DATABASE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    assert " passed" in ran.stdout


def test_a_server_that_is_not_there_is_named_with_the_next_step(tmp_path: object) -> None:
    program = (
        "from datetime import UTC, datetime\n"
        "from headgate.core.problems import Problem\n"
        "from headgate.store import setup\n"
        "try:\n    setup.start(datetime.now(UTC))\n"
        "except Problem as problem:\n    print(problem.type, problem)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "HEADGATE_DATA": f"{tmp_path}/data",
            "HEADGATE_DATABASE_URL": "postgresql://headgate@127.0.0.1:1/nothing",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("unavailable")
    assert "HEADGATE_DATABASE_URL" in ran.stdout
