"""Does bad input end in one clear message with a next step, before anything changes?"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import Tree, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
GOOD = {
    "openapi": "3.1.0",
    "info": {"title": "Good", "version": "1"},
    "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "ok"}}}}},
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("bad") / "data") as running:
        yield running


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(GOOD))
    return str(path)


def _refused(up: Tree, *arguments: str) -> str:
    """Run a command that must fail; what it said."""
    before = up.do("export").out
    ran = up.cli(*arguments)
    assert ran.code == 1
    assert ran.out == ""
    lines = ran.err.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[-1].startswith("next: ")
    assert up.do("export").out == before
    return ran.err


def test_a_broken_document_is_refused_with_every_place(up: Tree, tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(
        "openapi: 3.0.3\ninfo: {title: Broken, version: '1'}\npaths:\n"
        "  /a/{id}:\n    get:\n      responses:\n        '200': {$ref: '#/components/nowhere'}\n"
    )
    said = _refused(up, "import", str(path), "--name", "x", "--upstream", "http://127.0.0.1:1")
    assert "(line " in said
    assert "/paths/" in said


def test_what_is_no_document_at_all_is_refused(up: Tree, tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text("a: [1\nb: }")
    _refused(up, "import", str(path), "--name", "x", "--upstream", "http://127.0.0.1:1")


def test_a_file_that_is_not_there_is_refused(up: Tree) -> None:
    said = _refused(up, "import", "nowhere.yaml", "--name", "x", "--upstream", "http://127.0.0.1:1")
    assert "nowhere.yaml" in said


def test_a_base_path_is_given_once(up: Tree, good: str) -> None:
    with upstream() as echo:
        up.do("import", good, "--name", "first", "--upstream", echo.url, "--base-path", "/same")
        up.do("publish", "first")
        where = ("--upstream", echo.url, "--base-path", "/same")
        ran = up.cli("import", good, "--name", "second", *where)
        if ran.code == 0:  # a draft may exist; what is live may not be doubled
            ran = up.cli("publish", "second")
    assert ran.code == 1
    assert "/same" in ran.err
    assert "next: " in ran.err


def test_an_upstream_that_does_not_resolve_is_said(up: Tree, good: str) -> None:
    said = _refused(
        up, "import", good, "--name", "lost", "--upstream", "http://no-such-host.invalid:80"
    )
    assert "no-such-host.invalid" in said


def test_a_private_address_of_a_document_needs_leave(up: Tree) -> None:
    with upstream() as echo:
        where = ("--name", "p", "--upstream", echo.url)
        said = _refused(up, "import", f"{echo.url}/openapi.json", *where)
    assert "127.0.0.1" in said


def test_a_wrong_token_is_said(up: Tree) -> None:
    ran = up.cli("product", "list", "--token", "hgt_wrong")
    assert ran.code == 1
    assert "token" in ran.err


def test_an_unknown_name_is_said(up: Tree) -> None:
    for arguments in (("publish", "nothing"), ("key", "create", "nobody"), ("key", "revoke", "x")):
        _refused(up, *arguments)


def test_a_second_supervisor_on_the_folder_is_refused(up: Tree) -> None:
    ran = up.cli("up", *Tree(up.data).options())
    assert ran.code == 2
    assert "Another `headgate up`" in ran.err


def test_everything_wrong_with_a_start_is_listed_at_once(tmp_path: Path) -> None:
    newer = Tree(tmp_path / "data")
    newer.data.mkdir()
    (newer.data / "format").write_text("999\n")
    with socket.create_server(("127.0.0.1", newer.web_port)):
        ran = newer.cli("up", *newer.options())
    assert ran.code == 2
    assert "newer version" in ran.err
    assert f"Port {newer.web_port}" in ran.err
    assert sorted(path.name for path in newer.data.iterdir()) == ["format"]


@pytest.mark.parametrize("name", ["web", "jobs", "node"])
def test_no_process_alone_touches_a_folder_of_a_newer_version(tmp_path: Path, name: str) -> None:
    newer = Tree(tmp_path / "data")
    newer.data.mkdir()
    (newer.data / "format").write_text("999\n")
    port = {
        "web": ["--web-port", str(newer.web_port)],
        "jobs": [],
        "node": ["--gateway-port", str(newer.gateway_port)],
    }
    ran = newer.cli(name, *port[name], "--data", str(newer.data))
    assert ran.code == 2
    assert "newer version" in ran.err
    assert [path.name for path in newer.data.iterdir()] == ["format"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = Tree(tmp_path / "file" / "data").cli("up", *Tree(tmp_path / "file" / "data").options())
    assert ran.code == 2
    assert "not a folder" in ran.err


def test_a_folder_that_nobody_can_write_is_refused() -> None:
    nowhere = Tree(Path("/proc/headgate"))  # refuses even the superuser
    ran = nowhere.cli("up", *nowhere.options())
    assert ran.code == 2
    assert "cannot be written" in ran.err
    assert "--data" in ran.err or "owner" in ran.err


def test_a_command_where_nothing_runs_says_how_to_start(tmp_path: Path) -> None:
    ran = Tree(tmp_path / "data").cli("product", "list")
    assert ran.code == 1
    assert "headgate up" in ran.err
