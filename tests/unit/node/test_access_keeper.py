"""Does the access table of another store take the old one's place, whatever happens meanwhile?"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from headgate.core.problems import DependencyError, Problem
from headgate.gateway.table import AccessTable
from headgate.model.access import AccessDelta
from headgate.node.access_sync import AccessKeeper
from headgate.node.paths import NodePaths
from headgate.node.state import load_state
from headgate.node.troubles import Troubles


def rows_of(generation: str) -> AccessDelta:
    return AccessDelta(generation, after=0, upto=7, is_complete=True)


@pytest.fixture
def keeper(paths: NodePaths) -> AccessKeeper:
    return AccessKeeper(paths, load_state(paths.state), Troubles())


@contextmanager
def forked_child() -> Iterator[None]:
    """A child that does not get to execute its program: it holds all that was open here."""
    (told, tell), (wait, let_go) = os.pipe(), os.pipe()

    def pause() -> None:
        os.write(tell, b".")
        os.read(wait, 1)

    with ThreadPoolExecutor(1) as pool:
        child = pool.submit(
            subprocess.run,
            [sys.executable, "-c", ""],
            check=True,
            preexec_fn=pause,
        )
        os.read(told, 1)
        try:
            yield
        finally:
            os.write(let_go, b".")
            child.result()
            for descriptor in (told, tell, wait, let_go):
                os.close(descriptor)


def test_the_table_of_another_store_is_opened_while_a_child_is_being_started(
    keeper: AccessKeeper, paths: NodePaths
) -> None:
    with forked_child():
        asyncio.run(keeper.apply(rows_of("g1")))
        assert (keeper.generation, keeper.sequence) == ("g1", 7)
        with pytest.raises(Problem, match="Another process writes"):
            AccessTable.open(paths.table, generation="g1")


def test_the_old_table_goes_on_when_the_new_one_cannot_be_made(
    keeper: AccessKeeper, paths: NodePaths
) -> None:
    asyncio.run(keeper.apply(rows_of("g1")))
    in_the_way = paths.table.with_name(paths.table.name + ".new")
    in_the_way.mkdir()
    with pytest.raises(DependencyError, match="access table"):
        asyncio.run(keeper.apply(rows_of("g2")))
    assert (keeper.generation, keeper.sequence) == ("g1", 7)
    assert asyncio.run(keeper.health()).dropped == 0
    in_the_way.rmdir()
    asyncio.run(keeper.apply(rows_of("g2")))
    assert (keeper.generation, keeper.sequence) == ("g2", 7)
