"""How does the tree live and end? Kills, a second start, two side by side, memory."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headgate.node.priority import BEHIND_CALLS
from tests.support.tree import Tree, environment, eventually, is_running, tree

pytestmark = pytest.mark.integration
SUPERVISOR_KIB_MAX = 40 * 1024
TREE_KIB_MAX = 500 * 1024


def _pss_kib(pid: int) -> int:
    """Memory of a process with shared pages divided among those who share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss")


def _listening(pid: int) -> set[str]:
    """The addresses that a process listens on, as `/proc/net/tcp` writes them, without ports."""
    sockets = {
        str(entry.readlink()).removeprefix("socket:[").removesuffix("]")
        for entry in Path(f"/proc/{pid}/fd").iterdir()
        if entry.is_symlink()  # one may be closed meanwhile
    }
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    return {line[1].split(":")[0] for line in lines if line[3] == "0A" and line[9] in sockets}


@pytest.mark.parametrize(("listen", "found"), [("127.0.0.1", "0100007F"), ("0.0.0.0", "00000000")])
def test_everything_listens_on_loopback_unless_told_otherwise(
    tmp_path: Path, listen: str, found: str
) -> None:
    options = () if listen == "127.0.0.1" else ("--listen", listen)
    with tree(tmp_path / "data", *options) as up:
        addresses = {name: _listening(pid) for name, pid in up.children().items()}
        assert addresses == {"web": {found}, "envoy": {found}, "node": set(), "jobs": set()}


def _nice(pid: int, thread: int) -> int:
    stat = Path(f"/proc/{pid}/task/{thread}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[16])  # Source: proc_pid_stat(5), field 19


def test_what_serves_calls_goes_before_what_builds_revisions(tmp_path: Path) -> None:
    own = os.nice(0)
    with tree(tmp_path / "data") as up:
        pids = up.children()
        assert _nice(pids["node"], pids["node"]) == own  # Envoy inherits it when it starts again
        envoy = pids["envoy"]
        eventually(lambda: _nice(envoy, envoy) == max(own, BEHIND_CALLS))
        workers = [
            int(task.name)
            for task in Path(f"/proc/{envoy}/task").iterdir()
            if (task / "comm").read_text().startswith("wrk:")
        ]
        assert workers
        assert [_nice(envoy, worker) for worker in workers] == [own] * len(workers)


def test_a_start_tells_of_no_trouble(tmp_path: Path) -> None:
    with tree(tmp_path / "data") as up:
        eventually(lambda: up.cli("status").code == 0, 60)
        assert "trouble" not in (tmp_path / "data.log").read_text()


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
        eventually(lambda: not any(is_running(pid) for pid in python))
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
            eventually(lambda name=name, pid=pid: up.children().get(name) not in {None, pid})
        eventually(lambda: up.cli("product", "list").code == 0)


def test_an_interrupt_before_it_is_ready_ends_it_too(tmp_path: Path) -> None:
    for seconds in (0.2, 0.6, 1.2):
        up = Tree(tmp_path / f"data{seconds}")
        process = subprocess.Popen(
            [sys.executable, "-m", "headgate.cli", "up", *up.options()],
            env=environment(up.data),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        assert process.wait(40) in {0, 130, -signal.SIGINT}  # the last two: before it was set up
        assert up.children() == {}


def test_following_the_log_outlives_the_control_plane(tmp_path: Path) -> None:
    shown = tmp_path / "followed.jsonl"
    with tree(tmp_path / "data") as up, shown.open("w") as output:
        follower = subprocess.Popen(
            [sys.executable, "-m", "headgate.cli", "logs", "-f", "-n", "0", "--json"],
            env=environment(up.data),
            stdout=output,
        )
        try:
            eventually(lambda: _is_following(up, shown), every_seconds=0.5)
            for number in range(30):
                up.call(f"/follow/{number}")
                if number == 10:
                    os.kill(up.children()["web"], signal.SIGKILL)
                time.sleep(0.1)
            eventually(lambda: len(_followed(shown)) >= 30, every_seconds=0.5)
            time.sleep(4)  # it asks every two seconds: a record that is shown twice would come now
            follower.send_signal(signal.SIGINT)
            assert follower.wait(60) == 0
        finally:
            follower.kill()
            follower.wait()
        assert sorted(_followed(shown)) == sorted(f"/follow/{number}" for number in range(30))


def _is_following(up: Tree, shown: Path) -> bool:
    """Whether the follower has begun: it shows the calls that ask for it."""
    up.call("/ready")
    return shown.stat().st_size > 0


def _followed(shown: Path) -> list[str]:
    lines = shown.read_text().split("\n")[:-1]  # the last may be half a line
    paths = [json.loads(line)["path"] for line in lines]
    return [path for path in paths if path.startswith("/follow/")]


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
