"""A gateway per test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.filter_gateway import Gateway


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[Callable[[int], Gateway]]:
    """Starts a gateway with so many workers; stopped at the end."""
    started: list[Gateway] = []

    def start(workers: int = 1) -> Gateway:
        gateway = Gateway(tmp_path, workers=workers)
        started.append(gateway)
        gateway.start()
        return gateway

    yield start
    for gateway in started:
        gateway.close()


@pytest.fixture
def gateway(start_gateway: Callable[[int], Gateway]) -> Gateway:
    """One worker, nothing in the table yet."""
    return start_gateway(1)
