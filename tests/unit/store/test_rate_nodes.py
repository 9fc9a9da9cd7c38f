"""Nodes that come divide shared rates at once, nodes that go leave their part after a while."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from headgate.access.shares import RATES_SHRINK_AFTER
from headgate.model.limits import LimitKind, parse_limit
from headgate.store.models import Gateway
from headgate.store.services.actor import Actor
from headgate.store.services.gateway import gateways, nodes
from tests.support.sharing import SharingNode

REPORT_EVERY = timedelta(seconds=5)
QUOTA = parse_limit(LimitKind.QUOTA, "100/month")


class Nodes:
    """Nodes of one gateway that report and poll, at a time that stands still."""

    def __init__(self, admin: Actor, folder: Path) -> None:
        self.admin, self.folder = admin, folder
        gateways.create(admin, name="edge")
        self.found: dict[str, SharingNode] = {}

    def join(self, name: str) -> None:
        nodes.register(self.admin, name=name, gateway="edge")
        node = SharingNode(name, "edge", self.folder, 1, QUOTA)
        if self.found:
            node.clock.at = next(iter(self.found.values())).clock.at
        self.found[name] = node
        self.live()

    def live(self, *names: str, seconds: float = 0) -> dict[str, int]:
        """What these nodes (by default all) divide by after so many seconds, reporting."""
        left = timedelta(seconds=seconds)
        while True:
            speaking = [self.found[name] for name in names or self.found]
            for node in speaking:
                node.report()
            for node in [*speaking, *speaking]:  # another number wakes everybody's poll
                node.step()
            if not left:
                return {name: one.table.leases.rate_nodes for name, one in self.found.items()}
            step = min(left, REPORT_EVERY)
            self.pass_by(step)
            left -= step

    def pass_by(self, time: timedelta) -> None:
        """Nobody speaks for so long."""
        for node in self.found.values():
            node.clock.at += time


@pytest.fixture
def three(admin: Actor, tmp_path: Path) -> Iterator[Nodes]:
    made = Nodes(admin, tmp_path)
    for name in "abc":
        made.join(name)
    yield made
    for node in made.found.values():
        node.close()


def test_a_node_that_joins_counts_for_all_at_once(three: Nodes) -> None:
    assert three.live() == {"a": 3, "b": 3, "c": 3}
    three.join("d")
    assert three.live() == {"a": 4, "b": 4, "c": 4, "d": 4}


def test_a_silent_node_keeps_its_part_for_a_while_and_then_others_have_it(three: Nodes) -> None:
    assert three.live("a", "b", seconds=60) == {"a": 3, "b": 3, "c": 3}
    assert three.live("a", "b", seconds=60) == {"a": 2, "b": 2, "c": 3}
    assert three.live() == {"a": 3, "b": 3, "c": 3}  # and has it again as soon as it speaks


def test_one_that_was_silent_for_a_moment_moves_nobodys_part(three: Nodes) -> None:
    three.live("a", "b", seconds=40)
    three.live()
    assert three.live("a", "b", seconds=60) == {"a": 3, "b": 3, "c": 3}


@pytest.mark.parametrize("minutes", [1, 5, 600])
def test_while_the_control_plane_is_down_nobody_is_missed(three: Nodes, minutes: int) -> None:
    three.live("a", "b", seconds=30)  # one is overdue, and then nobody can speak
    three.pass_by(timedelta(minutes=minutes) + RATES_SHRINK_AFTER)
    assert three.live("a")["a"] == 3
    assert three.live() == {"a": 3, "b": 3, "c": 3}


def test_a_deleted_node_is_missed_like_a_silent_one(three: Nodes) -> None:
    nodes.delete(three.admin, "c")
    assert three.live("a", "b") == {"a": 3, "b": 3, "c": 3}
    assert three.live("a", "b", seconds=65) == {"a": 2, "b": 2, "c": 3}


def test_gateways_count_for_themselves(three: Nodes, admin: Actor) -> None:
    gateways.create(admin, name="other")
    nodes.register(admin, name="o", gateway="other")
    node = SharingNode("o", "other", three.folder, 1, QUOTA)
    node.step()
    assert node.table.leases.rate_nodes == 1
    assert Gateway.objects.get(name="edge").rate_nodes == 3
    node.close()
