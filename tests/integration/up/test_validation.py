"""Are calls of a document that others wrote validated by the whole tree, and what does it tell?"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.documents import SHARED
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
FILE = "vampi.openapi.yml"
VALIDATE = {"kind": "validate", "settings": {"request": "enforce"}}
WATCH = {
    "kind": "validate",
    "settings": {"request": "observe", "response": "observe", "sample_ratio": 1},
}
LOGIN = "/vampi/users/v1/login"


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, echo: Upstream) -> Iterator[Tree]:
    folder: Path = tmp_path_factory.mktemp("validation")
    with tree(folder / "data") as running:
        for name, policies in (("vampi", [VALIDATE]), ("watched", [WATCH])):
            running.do(
                *("import", str(SHARED / FILE), "--name", name, "--upstream", echo.url),
                *("--base-path", f"/{name}"),
            )
            (folder / "policies.json").write_text(json.dumps(policies))
            running.do("policies", "set", name, "-f", str(folder / "policies.json"))
            running.do("publish", name)
        yield running


@pytest.fixture(scope="module")
def key(up: Tree) -> str:
    up.do("product", "create", "all", "--api", "vampi", "--api", "watched")
    up.do("plan", "create", "all/free")
    up.do("app", "create", "demo", "--organization", "acme")
    up.do("subscribe", "demo", "all/free")
    return up.do("key", "create", "demo").out.strip()


def post(up: Tree, path: str, key: str, body: object) -> httpx2.Response:
    return httpx2.post(up.gateway + path, json=body, headers={"x-api-key": key}, trust_env=False)


def logs(up: Tree, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in up.do("logs", "--json", *options).out.splitlines()]


def test_a_call_that_does_not_fit_is_refused_and_recorded_as_such(up: Tree, key: str) -> None:
    assert post(up, LOGIN, key, {"username": "a", "password": "b"}).status_code == 200
    answer = post(up, LOGIN, key, {"username": 1})
    assert answer.status_code == 400
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/username"]
    assert post(up, LOGIN, "", {"username": 1}).status_code == 401  # who is asking comes first
    request_id = answer.headers["x-request-id"]

    def records() -> list[dict[str, Any]]:
        found = logs(up, "--verdict", "invalid_request")
        return [one for one in found if one["request_id"] == request_id]

    eventually(records)
    (found,) = records()
    assert (found["api"], found["status"], found["observed"]) == ("vampi", 400, "")
    assert found["application_name"] == "acme/demo"
    explained = up.do("explain", str(request_id)).out
    assert "does not fit the API's description" in explained


def test_observing_tells_requests_in_the_records_and_answers_in_the_status(
    up: Tree, key: str
) -> None:
    assert "do not fit the document" not in up.cli("status").out
    answer = post(up, "/watched/users/v1/login", key, {"username": 1})
    assert answer.status_code == 200

    def observed() -> bool:
        found = logs(up, "--api", "watched")
        verdicts = [(one["verdict"], one["observed"]) for one in found]
        return ("allowed", "invalid_request") in verdicts

    eventually(observed)
    assert up.call("/watched/books/v1/any", key).status_code == 200
    eventually(lambda: "do not fit the document" in up.cli("status").out)


def test_a_document_that_changes_is_what_is_checked_next(
    up: Tree, key: str, tmp_path: Path
) -> None:
    text = (SHARED / FILE).read_text()
    changed = tmp_path / "vampi.yml"
    changed.write_text(
        text.replace(
            "username:\n                  type: string",
            "username:\n                  type: integer",
        )
    )
    up.do("import", str(changed), "--name", "vampi", "--update")
    assert post(up, LOGIN, key, {"username": 1}).status_code == 400  # not before it is published
    up.do("publish", "vampi")
    eventually(lambda: post(up, LOGIN, key, {"username": 1}).status_code == 200)
    assert post(up, LOGIN, key, {"username": "a"}).status_code == 400


def test_calls_that_do_not_fit_use_up_nothing_and_those_that_fit_do(up: Tree, key: str) -> None:
    up.do("plan", "create", "all/few", "--quota", "3/month")
    up.do("app", "create", "few", "--organization", "acme")
    up.do("subscribe", "few", "all/few")
    few = up.do("key", "create", "few").out.strip()
    good, bad = {"password": "b"}, {"username": []}
    eventually(lambda: post(up, LOGIN, few, bad).status_code == 400, seconds=60)
    assert [post(up, LOGIN, few, bad).status_code for _ in range(5)] == [400] * 5
    assert [post(up, LOGIN, few, good).status_code for _ in range(4)] == [200, 200, 200, 429]
