"""What the tests of the node's parts share: a node folder, and asyncio for coroutines."""

from pathlib import Path

import pytest

from headgate.node.paths import NodePaths


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def paths(tmp_path: Path) -> NodePaths:
    made = NodePaths(tmp_path / "node")
    made.create()
    return made
