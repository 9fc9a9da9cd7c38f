"""Do documents that nobody here wrote import, publish and answer through the gateway?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.documents import SHARED, shared_document
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
DOCUMENTS = {
    "crapi": "crapi.openapi.json",
    "vampi": "vampi.openapi.yml",
    "petstore": "petstore-expanded.openapi.yaml",
}
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("documents") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def key(up: Tree, echo: Upstream) -> str:
    for name, file in DOCUMENTS.items():
        up.do("import", str(SHARED / file), "--name", name, "--upstream", echo.url)
        up.do("publish", name)
    up.do("product", "create", "all", *(o for name in DOCUMENTS for o in ("--api", name)))
    up.do("plan", "create", "all/free")
    up.do("app", "create", "demo", "--organization", "acme")
    up.do("subscribe", "demo", "all/free")
    return up.do("key", "create", "demo").out.strip()


def _operations(name: str) -> list[tuple[str, str, str]]:
    """Method, template and a path that fits it, of every operation of the document."""
    document: Any = yaml.safe_load(shared_document(DOCUMENTS[name]))
    found = []
    for template, item in document["paths"].items():
        path = "/".join("7" if "{" in part else part for part in template.split("/"))
        found += [(method.upper(), template, path) for method in METHODS if method in item]
    return found


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_every_operation_answers_and_is_named_in_the_record(up: Tree, key: str, name: str) -> None:
    called = _operations(name)
    for method, _, path in called:
        answer = up.call(f"/{name}{path}", key, method)
        assert answer.status_code == 200, (method, path, answer.text)

    def stored() -> int:
        items = up.do("stats", "--by", "api", "--json").json["items"]
        return int(sum(item["requests"] for item in items if item["key"].split()[0] == name))

    eventually(lambda: stored() == len(called), every_seconds=0.3)
    listed = up.do("api", "operations", name, "--json").json["items"]
    known = {(item["method"], item["path"]) for item in listed}
    assert known == {(method, template) for method, template, _ in called}


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_what_the_document_does_not_hold_is_refused(up: Tree, key: str, name: str) -> None:
    assert up.call(f"/{name}/not/in/it", key).status_code == 404


def test_a_folder_with_local_references_imports(up: Tree, echo: Upstream, tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: Parts, version: '1'}\npaths:\n  /a: {$ref: 'paths/a.yaml'}\n"
    )
    (tmp_path / "paths").mkdir()
    (tmp_path / "paths" / "a.yaml").write_text(
        "get:\n  operationId: a\n  responses:\n    '200':\n      description: ok\n      content:\n"
        "        application/json:\n          schema: {$ref: '../schemas.yaml#/Thing'}\n"
    )
    (tmp_path / "schemas.yaml").write_text("Thing: {type: object}\n")
    up.do("import", str(tmp_path), "--name", "parts", "--upstream", echo.url)
    [operation] = up.do("api", "operations", "parts", "--json").json["items"]
    assert operation["id"] == "a"
