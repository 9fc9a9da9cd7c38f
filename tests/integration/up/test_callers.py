"""Can an operator sell the same API twice, with a field hidden, and try a version on one caller?"""

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
HIDE = "- {kind: json_body, settings: {response: {remove: [/method]}}}\n"
EARLY = "- {kind: ip_filter, settings: {deny: [10.0.0.0/8]}}\n"


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("up") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def keys(up: Tree, echo: Upstream, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A key of a subscriber of each plan of the product that holds `echo`."""
    spec: Path = tmp_path_factory.mktemp("spec") / "openapi.json"
    spec.write_text(json.dumps(SPEC))
    up.do("import", str(spec), "--name", "echo", "--upstream", echo.url)
    up.do("import", str(spec), "--name", "echo", "--version", "v2", "--upstream", f"{echo.url}/v2")
    up.do("publish", "echo")
    up.do("product", "create", "basic", "--api", "echo")
    found = {}
    for plan in ("free", "gold"):
        up.do("plan", "create", f"basic/{plan}")
        up.do("app", "create", plan, "--organization", "acme")
        up.do("subscribe", plan, f"basic/{plan}")
        found[plan] = up.do("key", "create", plan).out.strip()
    return found


def seen(up: Tree, key: str) -> dict[str, object]:
    answer = up.call("/echo/get", key)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_plan_hides_a_field_at_once_and_shows_it_again(
    up: Tree, keys: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "hide.yaml"
    file.write_text(HIDE)
    eventually(lambda: "method" in seen(up, keys["free"]), 60)
    up.do("policies", "set", "plan:basic/free", "-f", str(file))
    eventually(lambda: "method" not in seen(up, keys["free"]), 60)
    assert "method" in seen(up, keys["gold"])
    shown = up.do("policies", "echo", "get", "--plan", "basic/free", "--json").json["items"]
    assert [(one["kind"], one["place"]) for one in shown] == [("json_body", "plan basic/free")]
    assert up.do("policies", "echo", "get", "--json").json["items"] == []
    up.do("policies", "clear", "plan:basic/free")
    eventually(lambda: "method" in seen(up, keys["free"]), 60)


def test_what_acts_too_early_for_a_product_is_refused_with_the_reason(
    up: Tree, keys: dict[str, str], tmp_path: Path
) -> None:
    assert keys
    file = tmp_path / "early.yaml"
    file.write_text(EARLY)
    refused = up.cli("policies", "set", "product:basic", "-f", str(file))
    assert refused.code != 0
    assert "acts before the caller is known" in refused.err


def test_one_application_tries_the_new_version(up: Tree, keys: dict[str, str]) -> None:
    eventually(lambda: seen(up, keys["gold"])["path"] == "/get", 60)
    up.do("release", "echo@v2", "--application", "acme/gold")
    eventually(lambda: seen(up, keys["gold"])["path"] == "/v2/get", 60)
    assert seen(up, keys["free"])["path"] == "/get"
    assert "acme/gold" in up.do("releases").out
    up.do("release", "echo@v2", "--application", "")
    eventually(lambda: seen(up, keys["gold"])["path"] == "/get", 60)
