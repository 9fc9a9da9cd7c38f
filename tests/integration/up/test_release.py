"""Is a new version that fails taken back by itself, before anybody has to look?"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {"/get": {"get": {"operationId": "get", "responses": {"200": {"description": ""}}}}},
}
NOBODY = "http://127.0.0.1:1"  # an upstream that is never there


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("up") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def key(up: Tree, echo: Upstream, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A key of an application that may call `echo`, which has a second version that is broken."""
    spec: Path = tmp_path_factory.mktemp("spec") / "openapi.json"
    spec.write_text(json.dumps(SPEC))
    up.do("import", str(spec), "--name", "echo", "--upstream", echo.url)
    up.do("import", str(spec), "--name", "echo", "--version", "v2", "--upstream", NOBODY)
    up.do("publish", "echo")
    up.do("product", "create", "basic", "--api", "echo")
    up.do("plan", "create", "basic/free")
    up.do("app", "create", "demo", "--organization", "acme")
    up.do("subscribe", "demo", "basic/free")
    return up.do("key", "create", "demo").out.strip()


def _outcome(up: Tree) -> str:
    items = up.do("releases", "--json").json["items"]
    return str(items[0]["outcome"]) if items else ""


def test_a_release_that_fails_is_taken_back_and_says_why(up: Tree, key: str) -> None:
    up.do("release", "echo@v2", "--percent", "100", "--abort-if", "error_ratio > 0.5")
    eventually(lambda: up.call("/echo/get", key).status_code == 503, 60)
    seen = [up.call("/echo/get", key).status_code for _ in range(30)]
    assert seen == sorted(seen, reverse=True)  # all failed, on a slow machine until it was ended
    assert set(seen) <= {503, 200}
    assert seen.count(503) > 1
    eventually(lambda: _outcome(up) == "aborted", 60)
    eventually(lambda: up.call("/echo/get", key).status_code == 200, 60)
    assert "error_ratio > 0.5" in up.do("releases").out
    audit = up.do("audit", "--json").json["items"]
    assert "release.aborted" in {entry["action"] for entry in audit}


def test_a_release_that_works_is_promoted_and_can_be_rolled_back(
    up: Tree, echo: Upstream, key: str
) -> None:
    up.do("api", "update", "echo@v2", "--upstream", echo.url)
    up.do("release", "echo@v2", "--percent", "100", "--abort-if", "error_ratio > 0.5")
    assert {up.call("/echo/get", key).status_code for _ in range(30)} == {200}
    shown = up.do("release", "echo@v2", "--json").json
    assert [numbers["version"] for numbers in shown["numbers"]] == ["v1", "v2"]
    said = up.do("promote", "echo").out
    assert up.do("api", "show", "echo", "--json").json["version"] == "v2"
    assert up.call("/echo/get", key).status_code == 200
    up.do(*said.strip().rpartition("The way back: headgate ")[2].split())
    assert up.call("/echo/get", key).status_code == 200
    eventually(lambda: _version_of_newest(up, key) == "v1", 60)


def _version_of_newest(up: Tree, key: str) -> str:
    assert up.call("/echo/get", key).status_code == 200
    newest = up.do("logs", "--json", "-n", "1").out.strip()
    return str(json.loads(newest)["version"]) if newest else ""
