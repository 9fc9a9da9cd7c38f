"""Does a node go on, and say so, when the disk is full, the spool is, or Envoy will not start?"""

import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from headgate.gateway.filter import LIBRARIES
from headgate.gateway.filter.layout import MARK, signature
from headgate.node.settings import built_filter_folder
from tests.integration.node.conftest import CountingUpstream, Node, make_node
from tests.support.control_plane import ControlPlaneServer, wait_until

pytestmark = pytest.mark.integration
SPOOL_BYTES_MAX = 20_000


def test_a_full_spool_drops_the_oldest_and_serves_on(node: Node) -> None:
    node.is_local = False
    node.options = {"spool_bytes_max": SPOOL_BYTES_MAX}
    fill_spool(node)
    assert node.status() == 200
    spool = node.folder / "spool"
    wait_until(lambda: sum(path.stat().st_size for path in spool.iterdir()) <= SPOOL_BYTES_MAX)
    assert "segment dropped" in node.agent_log.read_text()


def test_where_the_record_is_contractual_a_full_spool_refuses_calls_and_loses_none(
    node: Node,
) -> None:
    node.is_local = False
    node.options = {"spool_bytes_max": SPOOL_BYTES_MAX, "on_full_spool": "refuse"}
    fill_spool(node)
    wait_until(lambda: node.status() == 503)
    refused = httpx2.get(f"http://127.0.0.1:{node.port}/a1/r0")
    assert "next_step" in refused.json()
    node.state.set_down(False)
    wait_until(lambda: node.status() == 200)
    node.stop()
    served = [line for line in node.lines() if line["status"] == 200]
    assert len(served) == node.upstream.calls


def test_an_envoy_that_cannot_start_is_told_with_its_last_words_and_tried_again(
    node: Node,
) -> None:
    broken = node.data / "envoy"
    broken.write_text("#!/bin/sh\necho this machine is too old >&2\nexit 3\n")
    broken.chmod(0o755)
    node.options = {"envoy": broken}
    node.start(is_served=False)
    wait_until(lambda: node.state.reports and _says(node, "this machine is too old"))
    assert _says(node, "ended with code 3")
    assert node.state.reports[-1].envoy_restarts >= 3


def test_a_missing_filter_is_one_clear_message(node: Node) -> None:
    node.options = {"has_filter": True, "filter_folder": node.data}
    node.start(is_served=False)
    assert node.agent is not None
    assert node.agent.wait(60) == 2
    node.agent = None
    assert "headgate.gateway.filter.build" in node.agent_log.read_text()


def test_a_filter_of_another_build_is_said_at_the_start_instead_of_answering_503(
    node: Node,
) -> None:
    """Nothing but the number in the real library is changed."""
    for name in LIBRARIES:
        shutil.copy(built_filter_folder() / name, node.data / name)
    library = node.data / LIBRARIES[0]
    version, _, digest = signature().partition(".")
    stale = f"{'9' * len(version)}.{digest}"
    ours, others = MARK + signature(), MARK + stale
    library.write_bytes(library.read_bytes().replace(ours.encode(), others.encode()))
    node.options = {"has_filter": True, "filter_folder": node.data}
    node.start(is_served=False)
    assert node.agent is not None
    assert node.agent.wait(60) == 2
    node.agent = None
    said = " ".join(node.agent_log.read_text().split())
    assert stale in said
    assert signature() in said
    assert "headgate.gateway.filter.build" in said
    assert node.envoy() is None


def test_a_full_disk_stops_neither_traffic_nor_the_node(full_disk: Node) -> None:
    node = full_disk
    node.start()
    node.publish(1)
    node.wait_live(1)
    hog = node.data / "hog"
    fill(hog)
    with httpx2.Client(base_url=f"http://127.0.0.1:{node.port}") as client:
        for _ in range(400):
            assert client.get("/a1/r0").status_code == 200
    wait_until(lambda: node.state.reports[-1].log_write_failures > 0)
    node.publish(2, apis=2)
    time.sleep(1)
    assert node.status() == 200
    envoy = node.envoy()
    assert envoy is not None
    subprocess.run(["kill", "-9", str(envoy.pid)], check=True)
    wait_until(lambda: node.answers() and node.status() == 200)
    assert any("disk" in said.lower() for said in node.state.reports[-1].problems)
    hog.unlink()
    node.wait_live(2)
    assert node.status("/a2/r0") == 200
    assert node.agent is not None
    assert node.agent.poll() is None


def fill_spool(node: Node) -> None:
    """Call until the spool is above its limit while nobody fetches."""
    node.start()
    node.publish(1)
    node.wait_live(1)
    node.state.set_down(True)
    with httpx2.Client(base_url=f"http://127.0.0.1:{node.port}") as client:
        for _ in range(4):
            for _ in range(20):
                client.get("/a1/r0")
            time.sleep(1.1)


def fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue


def _says(node: Node, words: str) -> bool:
    return any(words in sentence for sentence in node.state.reports[-1].problems)


@pytest.fixture
def full_disk(
    tmp_path: Path, upstream: CountingUpstream, server: ControlPlaneServer
) -> Iterator[Node]:
    """A node on a disk of its own of a few megabytes; where none can be mounted, on a limit.

    Without the right to mount, a file-size limit of the processes stands in: the same writes
    fail, with another error.
    """
    data = tmp_path / "data"
    data.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(data)]
    is_mounted = subprocess.run(options, capture_output=True, check=False).returncode == 0
    if not is_mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (24 * 1024**2, resource.RLIM_INFINITY))
    node = make_node(data, upstream, server)
    node.is_local = False
    yield node
    node.close()
    if is_mounted:
        subprocess.run(["umount", "--lazy", str(data)], check=True)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
