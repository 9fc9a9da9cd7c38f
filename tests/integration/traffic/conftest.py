"""A traffic store of its own for each test: folders, engine, clock, and the ingest."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.core.clock import FixedClock
from headgate.store.services.traffic.ingest import Ingest
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def folders(tmp_path: Path) -> TrafficFolders:
    made = TrafficFolders(tmp_path)
    made.make()
    return made


@pytest.fixture
def engine(folders: TrafficFolders) -> Iterator[Engine]:
    made = Engine(folders.scratch)
    yield made
    made.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def ingest(folders: TrafficFolders, engine: Engine, clock: FixedClock) -> Ingest:
    return Ingest(folders, engine, clock=clock, holder="test")
