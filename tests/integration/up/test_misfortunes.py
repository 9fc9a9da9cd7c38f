"""A corrupt line, a clock that steps back, a full disk: counted, told by status, never fatal."""

import contextlib
import mmap
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.gateway.table_layout import SECTIONS
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
HOUR_NS = 3600 * 10**9
SMALL_DISK = "48m"
SPEC = (
    "openapi: 3.0.3\ninfo: {title: Echo, version: '1'}\npaths:\n  /a:\n"
    "    get: {operationId: a, responses: {'200': {description: ok}}}\n"
)


def _serve(up: Tree, folder: Path, url: str) -> None:
    """An open API behind the gateway."""
    (folder / "openapi.yaml").write_text(SPEC)
    where = ("--name", "echo", "--upstream", url, "--open")
    up.do("import", str(folder / "openapi.yaml"), *where)
    up.do("publish", "echo")
    assert up.call("/echo/a").status_code == 200


def _told(up: Tree) -> list[str]:
    ran = up.cli("status", "--json")
    assert ran.code in {0, 1}
    return [f"{item['detail']} {item['next_step']}" for item in ran.json["problems"]]


def _stored(up: Tree) -> int:
    found: int = up.cli("status", "--json").json["records"]
    return found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("misfortunes")
    with upstream() as echo, tree(folder / "data") as running:
        _serve(running, folder, echo.url)
        yield running


def test_a_corrupt_line_is_put_aside_and_told_and_the_others_are_stored(up: Tree) -> None:
    eventually(lambda: _stored(up) == 1, every_seconds=0.3)
    assert not any("rejected" in text for text in _told(up))
    log = up.data / "node" / "log" / "access.log"
    with log.open("ab") as file:
        file.write(b'{"half a record": \xff\xfe\n')
    assert up.call("/echo/a").status_code == 200
    eventually(lambda: _stored(up) == 2, every_seconds=0.3)
    assert any("lines rejected (1 in all)" in text for text in _told(up))
    assert up.cli("status").code == 1
    assert [path.read_bytes() for path in (up.data / "rejects").iterdir()]


def test_a_clock_that_steps_back_is_told_and_stops_nothing(up: Tree) -> None:
    assert not any("clock" in text for text in _told(up))
    with (
        (up.data / "node" / "access.tbl").open("r+b") as file,
        mmap.mmap(file.fileno(), 0) as table,
    ):
        place = slice(
            SECTIONS["header"].at(0, "clock_ns"), SECTIONS["header"].at(0, "clock_ns") + 8
        )
        ahead = time.time_ns() + HOUR_NS  # as if the filter had last seen a time to come
        table[place] = ahead.to_bytes(8, "little")
    assert [up.call("/echo/a").status_code for _ in range(3)] == [200] * 3
    eventually(lambda: any("clock" in text and "back 1 time." in text for text in _told(up)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
    done = subprocess.run(["mount", *options], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"a small disk is missing: mount said {done.stderr.strip()!r} (it needs root)")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_told_refuses_changes_and_serves_on(
    small_disk: Path, tmp_path: Path
) -> None:
    with upstream() as echo, tree(small_disk / "data") as up:
        _serve(up, tmp_path, echo.url)
        filler = small_disk / "filler"
        _fill(filler)
        assert [up.call("/echo/a").status_code for _ in range(50)] == [200] * 50
        refused = [up.cli("organization", "create", f"o{number}") for number in range(3)]
        assert {ran.code for ran in refused} == {1}
        assert all("disk" in ran.err and "Free some space" in ran.err for ran in refused)
        assert any("0 MiB left" in text for text in _told(up))
        filler.unlink()
        eventually(lambda: up.cli("organization", "create", "acme").code == 0)
        before = _stored(up)
        assert up.call("/echo/a").status_code == 200
        eventually(lambda: _stored(up) > before, 60, every_seconds=0.5)
        assert set(up.children()) == {"web", "jobs", "node", "envoy"}


def _fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass
