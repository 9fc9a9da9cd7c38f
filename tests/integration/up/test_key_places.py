"""May every API say where its callers send the key: a header, as bearer, in the query?"""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.tree import Tree, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
SPEC = (
    "openapi: 3.0.3\ninfo: {title: Echo, version: '1'}\npaths:\n  /a:\n"
    "    get: {operationId: a, responses: {'200': {description: ok}}}\n"
)
PLACES = {
    "usual": (),
    "named": ("--key-in", "header:X-Pets-Key"),
    "bearer": ("--key-in", "bearer"),
    "query": ("--key-in", "query:api_key"),
    "two": ("--key-in", "bearer", "--key-in", "query:api_key"),
}
WAYS = {
    "X-API-Key": lambda key: {"headers": {"x-api-key": key}},
    "X-Pets-Key": lambda key: {"headers": {"x-pets-key": key}},
    "bearer": lambda key: {"headers": {"authorization": f"Bearer {key}"}},
    "query": lambda key: {"params": {"api_key": key, "other": "1"}},
}
OPENS = {
    "usual": {"X-API-Key"},
    "named": {"X-Pets-Key"},
    "bearer": {"bearer"},
    "query": {"query"},
    "two": {"bearer", "query"},
}


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, echo: Upstream) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("places")
    (folder / "openapi.yaml").write_text(SPEC)
    with tree(folder / "data") as running:
        for name, options in PLACES.items():
            where = ("--name", name, "--upstream", echo.url, *options)
            running.do("import", str(folder / "openapi.yaml"), *where)
            running.do("publish", name)
        apis = [part for name in PLACES for part in ("--api", name)]
        running.do("product", "create", "all", *apis)
        running.do("plan", "create", "all/free")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "demo", "all/free")
        yield running


@pytest.fixture(scope="module")
def key(up: Tree) -> str:
    return up.do("key", "create", "demo").out.strip()


def _ask(up: Tree, api: str, way: str, key: str) -> httpx2.Response:
    return httpx2.get(f"{up.gateway}/{api}/a", trust_env=False, **WAYS[way](key))


@pytest.mark.parametrize("api", PLACES)
def test_a_key_opens_where_its_api_looks_for_it_and_nowhere_else(
    up: Tree, key: str, api: str
) -> None:
    opened = {way for way in WAYS if _ask(up, api, way, key).status_code == 200}
    assert opened == OPENS[api]


def test_the_upstream_never_gets_the_key(up: Tree, echo: Upstream, key: str) -> None:
    answer = _ask(up, "query", "query", key)
    assert answer.json()["path"] == "/a?other=1"
    _ask(up, "bearer", "bearer", key)
    assert not any(key in value for value in echo.authorizations)
    assert echo.keys_seen == set()


def test_the_refusal_says_where_to_put_it(up: Tree) -> None:
    for api, words in {"named": "x-pets-key", "bearer": "Bearer", "query": "api_key"}.items():
        answer = httpx2.get(f"{up.gateway}/{api}/a", trust_env=False)
        assert answer.status_code == 401
        assert words.lower() in answer.json()["next_step"].lower()


def test_a_place_that_changes_holds_once_published(up: Tree, key: str) -> None:
    up.do("api", "update", "usual", "--key-in", "header:X-Pets-Key")
    assert _ask(up, "usual", "X-API-Key", key).status_code == 200
    up.do("publish", "usual")
    assert _ask(up, "usual", "X-API-Key", key).status_code == 401
    assert _ask(up, "usual", "X-Pets-Key", key).status_code == 200


def test_a_place_that_cannot_be_is_used_wrongly(up: Tree) -> None:
    ran = up.cli("api", "update", "usual", "--key-in", "cookie:session")
    assert ran.code == 2
    assert "write header:X-API-Key, bearer or query:api_key" in ran.err
