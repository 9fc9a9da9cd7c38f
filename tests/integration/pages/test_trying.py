"""Can a reader call an operation from its page, and can nobody misuse that?"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.person import Person, words
from tests.support.tree import Tree, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
PASSWORD = "correct horse 9"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        "/items/{id}": {
            "post": {
                "operationId": "change",
                "summary": "Change an item",
                "parameters": [
                    {
                        "name": "id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                        "example": "a1",
                    },
                    {"name": "q", "in": "query", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"type": "object"}, "example": {"n": 1}}
                    }
                },
                "responses": {"200": {"description": "It is."}},
            }
        }
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, server: Upstream) -> Iterator[Tree]:
    folder: Path = tmp_path_factory.mktemp("trying")
    document = folder / "echo.json"
    document.write_text(json.dumps(DOCUMENT))
    with tree(folder / "data") as running:
        running.do("import", str(document), "--name", "echo", "--upstream", server.url)
        running.do("publish", "echo")
        running.do("product", "create", "basic", "--api", "echo")
        running.do("plan", "create", "basic/free")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "demo", "basic/free")
        running.cli("person", "create", "dev@example.com", stdin=PASSWORD)
        yield running


@pytest.fixture
def reader(up: Tree) -> Iterator[Person]:
    with Person(up.web) as person:
        person.sign_in("dev@example.com", PASSWORD)
        yield person


@pytest.fixture(scope="module")
def key(up: Tree) -> str:
    return up.do("key", "create", "demo").out.strip().splitlines()[-1]


def test_a_call_goes_through_the_gateway_and_its_answer_is_shown(
    up: Tree, reader: Person, key: str, server: Upstream
) -> None:
    page = reader.get("/apis/echo/operations/change")
    assert "/apis/echo/try/change" in page.text
    told = reader.send("/apis/echo/try/change", p0="b/2", p1="x y", body='{"n": 2}', key=key)
    text = words(told)
    assert "200" in text
    assert "/items/b%2F2?q=x" in text  # a value stays in its segment
    assert '"bytes": 8' in text
    assert key not in told.text
    assert server.by_path["/items/b%2F2"] == 1


def test_a_wrong_key_is_answered_as_the_gateway_answers(up: Tree, reader: Person) -> None:
    text = words(reader.send("/apis/echo/try/change", p0="a", key="hg_wrong"))
    assert "401" in text


def test_a_missing_parameter_is_said_and_nothing_is_sent(
    up: Tree, reader: Person, key: str, server: Upstream
) -> None:
    before = sum(server.by_path.values())
    page = reader.send("/apis/echo/try/change", p0="", key=key)
    assert "required" in words(page)
    assert sum(server.by_path.values()) == before


def test_nobody_tries_without_an_account_or_what_is_not_there(up: Tree, reader: Person) -> None:
    with Person(up.web) as stranger:
        assert stranger.get("/apis/echo/try/change").status_code == 401
    assert reader.get("/apis/echo/try/nothing").status_code == 404
    assert reader.get("/apis/other/try/change").status_code == 404


@pytest.mark.parametrize("value", ["../../secret", "a\r\nX-Evil: 1", "http://evil.example/", "%00"])
def test_what_is_typed_stays_a_value(
    up: Tree, reader: Person, key: str, server: Upstream, value: str
) -> None:
    reader.send("/apis/echo/try/change", p0=value, key=key)
    assert all(path.startswith("/items/") for path in server.by_path)


def test_too_many_tries_are_turned_away(up: Tree, reader: Person) -> None:
    for _ in range(300):  # thirty at once, and one more every two seconds meanwhile
        if "Too many tries" in words(reader.send("/apis/echo/try/change", p0="a")):
            return
    pytest.fail("nobody was turned away")
