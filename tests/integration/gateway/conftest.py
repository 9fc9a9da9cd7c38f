"""An Envoy per module of tests: starting one costs more than most tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.peer import Peer, peer
from tests.support.proxy import Proxy, proxy


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Envoy without the access filter; each test publishes what it needs."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with proxy(folder) as made:
        yield made


@pytest.fixture(scope="module")
def upstream() -> Iterator[Peer]:
    """An upstream that does what the path says."""
    with peer() as made:
        yield made
