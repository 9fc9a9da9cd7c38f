"""Which databases do the tests of several processes run on? Both, each of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import create_database, postgresql
from tests.support.processes_of_store import ROOT, Environment, Processes


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server."""
    with postgresql() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """The environment of processes that share one store."""
    found = {**os.environ, "HEADGATE_DATA": str(tmp_path / "data"), "HEADGATE_DATABASE_URL": ""}
    found["PYTHONPATH"] = str(ROOT)
    if request.param == "postgresql":
        address: str = request.getfixturevalue("server")
        name = f"store_{tmp_path.name}".lower()[:60]
        found["HEADGATE_DATABASE_URL"] = create_database(address, name)
    return found


@pytest.fixture
def processes(environment: Environment) -> Iterator[Processes]:
    """Processes on one store, which has been started and filled."""
    found = Processes(environment)
    try:
        found.run("fill")
        yield found
    finally:
        found.end()
