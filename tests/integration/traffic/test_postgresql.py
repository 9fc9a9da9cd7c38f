"""The promises of the traffic store hold on PostgreSQL too: the same tests, run there."""

import os
import subprocess
import sys

import pytest

from tests.support.postgres import create_database, postgresql
from tests.support.processes_of_store import ROOT

pytestmark = pytest.mark.integration
MODULES = ("test_ingest", "test_merging", "test_state")


def test_segments_are_stored_and_merged_on_postgresql_as_on_sqlite() -> None:
    with postgresql() as server:
        url = create_database(server, "traffic")
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *(f"tests/integration/traffic/{name}.py" for name in MODULES),
            ],
            env={**os.environ, "HEADGATE_DATABASE_URL": url},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=560,
        )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    assert " passed" in ran.stdout
