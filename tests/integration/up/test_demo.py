"""Does `headgate up --demo` show the main job on a real API, and a second start change nothing?"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import Tree, eventually, processes, tree

pytestmark = pytest.mark.integration
END = "Everything stays up until Ctrl-C."


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("demo") / "data", "--demo") as running:
        _finish(running)
        yield running


def _finish(running: Tree) -> None:
    eventually(lambda: END in running.lines, 120)


def _table(lines: list[str]) -> dict[str, list[int]]:
    """The numbers of the first table by verdict."""
    start = next(i for i, line in enumerate(lines) if line.split()[:1] == ["VERDICT"])
    rows = {}
    for line in lines[start + 1 :]:
        cells = line.split()
        if not cells:
            break
        rows[cells[0]] = [int(cell.replace(",", "")) for cell in cells[1:]]
    return rows


def test_every_request_of_the_demonstration_is_stored(demo: Tree) -> None:
    table = _table(demo.lines)
    assert sum(sent for sent, _ in table.values()) > 300
    assert {name: sent for name, (sent, _) in table.items()} == {
        name: stored for name, (_, stored) in table.items()
    }
    shown = {"allowed", "no_credential", "unknown_credential", "revoked", "rate_limited"}
    assert shown | {"no_route", "method_not_allowed", "upstream_failed"} <= set(table)


def test_what_it_did_are_commands_that_a_reader_can_type(demo: Tree) -> None:
    typed = [line for line in demo.lines if line.startswith("$ headgate ")]
    for command in (
        "import",
        "publish",
        "product create",
        "plan create",
        "app create",
        "subscribe",
    ):
        assert any(line.startswith(f"$ headgate {command} ") for line in typed), command


def test_the_key_that_it_shows_works(demo: Tree) -> None:
    [key] = {found for line in demo.lines for found in re.findall(r"hg_\w{38}", line)}
    assert demo.call("/httpbin/uuid", key).status_code == 200
    assert (demo.data / "demo.json").stat().st_mode & 0o777 == 0o600


def test_a_second_start_changes_nothing_and_still_says_the_key(demo: Tree) -> None:
    [key] = {found for line in demo.lines for found in re.findall(r"hg_\w{38}", line)}
    before = demo.do("export").out
    entries = demo.do("audit", "-n", "1000", "--json").json["items"]
    assert demo.stop() == 0
    demo.lines.clear()
    demo.start("--demo")
    _finish(demo)
    assert demo.do("export").out == before
    assert demo.do("audit", "-n", "1000", "--json").json["items"] == entries
    assert any(key in line for line in demo.lines)
    assert demo.call("/httpbin/get", key).status_code == 200


def test_an_interrupted_demonstration_is_finished_by_the_next(tmp_path: Path) -> None:
    with tree(tmp_path / "data", "--demo") as running:
        eventually(lambda: any("app create" in line for line in running.lines), 60)
        assert running.stop() == 0
        running.lines.clear()
        running.start("--demo")
        _finish(running)
        assert _table(running.lines)


def test_a_killed_demonstration_leaves_no_process_of_its_own(tmp_path: Path) -> None:
    with tree(tmp_path / "data", "--demo") as running:
        eventually(lambda: any("app create" in line for line in running.lines), 60)
        assert len(processes(running.data)) >= 6  # up, web, jobs, node, httpbin, its worker
        running.kill()
        eventually(lambda: processes(running.data) == [])
