"""A gateway per test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate.model.snapshot import DEFAULT_KEY_SOURCES, KeySource
from tests.support.filter_gateway import Gateway


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts a gateway whose routes tell of `sources`; stopped at the end."""
    started: list[Gateway] = []

    def start(workers: int = 1, sources: tuple[KeySource, ...] = DEFAULT_KEY_SOURCES) -> Gateway:
        gateway = Gateway(tmp_path, workers=workers, sources=sources)
        started.append(gateway)
        gateway.start()
        return gateway

    yield start
    for gateway in started:
        gateway.close()


@pytest.fixture
def gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """One worker, nothing in the table yet."""
    return start_gateway(1)
