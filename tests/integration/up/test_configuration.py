"""Can the whole configuration move in files, and policies be set from them?"""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
SPEC = (
    "openapi: 3.0.3\ninfo: {title: Echo, version: '1'}\npaths:\n"
    "  /a:\n    get: {operationId: a, responses: {'200': {description: ok}}}\n"
    "  /b:\n    get: {operationId: b, responses: {'200': {description: ok}}}\n"
)


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, echo: Upstream) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("configuration")
    (folder / "openapi.yaml").write_text(SPEC)
    with tree(folder / "data") as running:
        where = ("--name", "echo", "--upstream", echo.url, "--open")
        running.do("import", str(folder / "openapi.yaml"), *where)
        running.do("publish", "echo")
        yield running


def _policies(folder: Path, *policies: object) -> str:
    path = folder / "policies.yaml"
    path.write_text(yaml.safe_dump(list(policies)))
    return str(path)


def test_every_kind_of_policy_is_listed_with_an_example_to_copy(up: Tree) -> None:
    listed = up.do("policies", "kinds", "--json").json["items"]
    kinds = {item["kind"] for item in listed}
    assert {"cors", "ip_filter", "headers", "request_size", "rate_limit", "cache"} <= kinds
    for kind in kinds:
        shown = yaml.safe_load(up.do("policies", "kinds", kind).out)
        assert shown[0]["kind"] == kind


def test_a_policy_of_one_operation_holds_there_once_published(up: Tree, tmp_path: Path) -> None:
    limit = {"kind": "rate_limit", "settings": {"rates": ["2/minute"], "per": "everyone"}}
    up.do("policies", "set", "echo/a", "-f", _policies(tmp_path, limit))
    assert up.do("policies", "show", "echo/a", "--json").json["items"][0]["kind"] == "rate_limit"
    assert [up.call("/echo/a").status_code for _ in range(4)] == [200] * 4
    up.do("publish", "echo")
    statuses = [up.call("/echo/a").status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert up.call("/echo/b").status_code == 200
    up.do("policies", "clear", "echo/a")
    up.do("publish", "echo")
    assert up.call("/echo/a").status_code == 200


def test_a_policy_with_a_mistake_is_refused_with_its_place(up: Tree, tmp_path: Path) -> None:
    wrong = {"kind": "cors", "settings": {"allow_origins": "not a list", "colour": "red"}}
    ran = up.cli("policies", "set", "echo", "-f", _policies(tmp_path, wrong))
    assert ran.code == 1
    assert "allow_origins" in ran.err
    assert up.do("policies", "show", "echo", "--json").json["items"] == []


def test_cors_answers_a_browser_before_it_has_a_key(up: Tree, tmp_path: Path) -> None:
    origins = {"kind": "cors", "settings": {"allow_origins": ["https://app.example.com"]}}
    up.do("policies", "set", "echo", "-f", _policies(tmp_path, origins))
    up.do("publish", "echo")
    headers = {"origin": "https://app.example.com", "access-control-request-method": "GET"}
    answer = httpx2.options(f"{up.gateway}/echo/a", headers=headers, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    up.do("policies", "clear", "echo")
    up.do("publish", "echo")


def test_an_exported_configuration_rebuilds_an_empty_installation(up: Tree, tmp_path: Path) -> None:
    up.do("product", "create", "basic", "--api", "echo")
    up.do("plan", "create", "basic/free", "--rate", "10/second", "--quota", "1000/month")
    up.do("app", "create", "demo", "--organization", "acme")
    up.do("subscribe", "demo", "basic/free")
    up.do("key", "create", "demo")
    exported = up.do("export").out
    assert "hg_" not in exported
    file = tmp_path / "headgate.yaml"
    file.write_text(exported)
    with tree(tmp_path / "other") as other:
        changes = other.do("apply", "-f", str(file), "--json").json["changes"]
        assert len(changes) >= 6
        assert other.do("export").out == exported
        assert "0 changes" in other.do("apply", "-f", str(file), "--prune").out
        eventually(lambda: other.call("/echo/a").status_code == 200)
        key = other.do("key", "create", "demo").out.strip()
        assert other.call("/echo/a", key).status_code == 200


def test_pruning_removes_what_the_files_do_not_name(up: Tree, tmp_path: Path) -> None:
    up.do("organization", "create", "gone")
    file = tmp_path / "headgate.yaml"
    kept = [d for d in yaml.safe_load_all(up.do("export").out) if d.get("name") != "gone"]
    file.write_text(yaml.safe_dump_all(kept))
    assert up.do("apply", "-f", str(file), "--json").json["changes"] == []
    planned = up.do("apply", "-f", str(file), "--prune", "--dry-run", "--json").json["changes"]
    assert [(c["kind"], c["name"]) for c in planned] == [("organization", "gone")]
    assert "gone" in json.dumps(up.do("organization", "list", "--json").json)
    up.do("apply", "-f", str(file), "--prune")
    assert "gone" not in json.dumps(up.do("organization", "list", "--json").json)


def test_a_mistake_in_one_document_changes_nothing(up: Tree, tmp_path: Path) -> None:
    before = up.do("export").out
    (tmp_path / "a.yaml").write_text("kind: organization\nname: fine\n")
    (tmp_path / "b.yaml").write_text("kind: plan\nname: nowhere/free\nrates: [many]\n")
    ran = up.cli("apply", "-f", str(tmp_path))
    assert ran.code == 1
    assert "next: " in ran.err
    assert up.do("export").out == before
