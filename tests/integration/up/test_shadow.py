"""Is it counted what a limit in shadow would have refused, and refused nothing?"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        "/get": {"get": {"operationId": "get", "responses": {"200": {"description": "ok"}}}},
    },
}
PLANS = {"watched": "2/month shadow", "held": "2/month"}
CALLS = 5


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """Two applications with a plan each: one only watches, one holds."""
    folder = tmp_path_factory.mktemp("shadow")
    spec = folder / "spec.json"
    spec.write_text(json.dumps(SPEC))
    with upstream() as server, tree(folder / "data") as running:
        running.do("import", str(spec), "--name", "echo", "--upstream", server.url)
        running.do("publish", "echo")
        running.do("product", "create", "basic", "--api", "echo")
        for name, quota in PLANS.items():
            running.do("plan", "create", f"basic/{name}", "--quota", quota)
            running.do("app", "create", name, "--organization", "acme")
            running.do("subscribe", f"acme/{name}", f"basic/{name}")
        yield running


def _stats(up: Tree) -> dict[str, dict[str, Any]]:
    """The numbers of the last hour by the name of the application."""
    rows = up.do("stats", "--by", "application", "--since", "1h", "--json").json["items"]
    return {row["key"].rpartition("/")[2]: row for row in rows}


def test_calls_beyond_a_limit_in_shadow_pass_and_are_counted(up: Tree) -> None:
    answers = {}
    for name in PLANS:
        key = up.do("key", "create", f"acme/{name}").out.strip()
        answers[name] = [up.call("/echo/get", key).status_code for _ in range(CALLS)]
    assert answers == {"watched": [200] * CALLS, "held": [200, 200, 429, 429, 429]}

    def refused() -> dict[str, tuple[int, int]]:
        return {name: (row["would_refuse"], row["rejected"]) for name, row in _stats(up).items()}

    eventually(lambda: refused().items() >= {"watched": (3, 0), "held": (0, 3)}.items(), 60)

    lines = up.do("logs", "--observed", "quota_exceeded", "--json").out.split("\n")
    seen = [json.loads(line) for line in lines if line.startswith("{")]
    assert [one["status"] for one in seen] == [200, 200, 200]
