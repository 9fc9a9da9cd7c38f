"""How does the tree live and end? Kills, a second start, two side by side, memory."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.tree import Tree, eventually, is_running, tree

pytestmark = pytest.mark.integration
SUPERVISOR_KIB_MAX = 40 * 1024
TREE_KIB_MAX = 500 * 1024


def _pss_kib(pid: int) -> int:
    """Memory of a process with shared pages divided among those who share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss")


def test_interrupting_ends_everything_with_0(tmp_path: Path) -> None:
    with tree(tmp_path / "data") as up:
        children = up.children()
        assert set(children) == {"web", "jobs", "node", "envoy"}
        assert up.stop(signal.SIGINT) == 0
        assert not any(is_running(pid) for pid in children.values())


def test_a_killed_supervisor_leaves_only_envoy_which_the_next_one_adopts(tmp_path: Path) -> None:
    with tree(tmp_path / "data") as up:
        before = up.children()
        up.kill()
        python = [before[name] for name in ("web", "jobs", "node")]
        eventually(lambda: not any(is_running(pid) for pid in python), 10)
        assert is_running(before["envoy"])
        assert up.call("/nowhere").status_code == 404
        up.lines.clear()
        up.start()
        assert up.children()["envoy"] == before["envoy"]
        assert not any("token" in line for line in up.lines)
        assert up.call("/nowhere").status_code == 404


def test_a_killed_child_comes_back_by_itself(tmp_path: Path) -> None:
    with tree(tmp_path / "data") as up:
        for name in ("web", "jobs", "node", "envoy"):
            pid = up.children()[name]
            os.kill(pid, signal.SIGKILL)
            eventually(lambda name=name, pid=pid: up.children().get(name) not in {None, pid}, 30)
        eventually(lambda: up.cli("product", "list").code == 0, 30)


def test_the_idle_tree_is_small(tmp_path: Path) -> None:
    with tree(tmp_path / "data") as up:
        assert up.process is not None
        pids = {"up": up.process.pid, **up.children()}
        sizes = {name: _pss_kib(pid) for name, pid in pids.items()}
        assert sizes["up"] < SUPERVISOR_KIB_MAX, sizes
        assert sum(sizes.values()) < TREE_KIB_MAX, sizes


def test_two_trees_live_beside_each_other(tmp_path: Path) -> None:
    with tree(tmp_path / "one") as one, tree(tmp_path / "two") as two:
        assert one.call("/nowhere").status_code == 404
        assert two.call("/nowhere").status_code == 404
        assert one.stop() == 0
        assert two.call("/nowhere").status_code == 404


def test_a_port_that_the_envoy_of_another_folder_holds_is_refused(tmp_path: Path) -> None:
    with tree(tmp_path / "data") as up:
        up.kill()
        other = Tree(tmp_path / "other", gateway_port=up.gateway_port)
        ran = other.cli("up", *other.options())
        assert ran.code == 2
        assert f"Port {up.gateway_port}" in ran.err
