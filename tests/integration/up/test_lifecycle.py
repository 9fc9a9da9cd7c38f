"""A version's whole life on a running tree: published, deprecated, still called, retired, back."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        "/get": {"get": {"operationId": "get", "responses": {"200": {"description": ""}}}},
        "/anything": {
            "get": {
                "operationId": "anything",
                "deprecated": True,
                "x-sunset": "2099-01-01",
                "responses": {"200": {"description": ""}},
            }
        },
    },
}
LINK = "https://example.com/moving"


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
    """A key of acme/demo for `echo`, whose versions v1 and v2 are chosen by a header."""
    spec: Path = tmp_path_factory.mktemp("spec") / "openapi.json"
    spec.write_text(json.dumps(SPEC))
    up.do("import", str(spec), "--name", "echo", "--upstream", echo.url)
    up.do("import", str(spec), "--name", "echo", "--version", "v2")
    up.do("api", "update", "echo", "--version-by", "header:X-API-Version")
    up.do("publish", "echo")
    up.do("publish", "echo@v2")
    up.do("product", "create", "basic", "--api", "echo")
    up.do("plan", "create", "basic/free")
    up.do("app", "create", "demo", "--organization", "acme")
    up.do("subscribe", "demo", "basic/free")
    return up.do("key", "create", "demo").out.strip()


def test_the_life_of_a_version(up: Tree, key: str) -> None:
    answer = up.call("/echo/get", key)
    assert (answer.status_code, answer.headers.get("deprecation")) == (200, None)
    assert up.call("/echo/anything", key).headers["sunset"] == "Thu, 01 Jan 2099 00:00:00 GMT"
    assert up.cli("api", "retire", "echo", "--yes").code == 1  # nobody has been told

    eventually(lambda: _calls(up) >= 2, 60)
    options = ("--sunset", "2098-06-30", "--successor", "v2", "--link", LINK)
    up.do("api", "deprecate", "echo", *options)
    answer = up.call("/echo/get", key)
    assert answer.status_code == 200
    assert answer.headers["deprecation"].startswith("@")
    assert answer.headers["sunset"] == "Mon, 30 Jun 2098 00:00:00 GMT"
    assert f'<{LINK}>; rel="deprecation"' in answer.headers["link"]
    assert up.do("api", "show", "echo", "--json").json["lifecycle"]["state"] == "deprecated"

    eventually(lambda: _calls(up) >= 3, 60)
    eventually(lambda: bool(_events(up, "api.deprecated")), 60)
    (told,) = _events(up, "api.deprecated")
    assert (told["organization"], told["data"]["applications"]) == ("acme", ["acme/demo"])
    shown = up.do("api", "callers", "echo").out
    assert "acme/demo" in shown
    assert "two weeks of whole days are needed to say" in shown
    found = up.do("api", "callers", "echo", "--operation", "anything", "--json").json
    assert [(one["application"], one["calls"]) for one in found["callers"]] == [("acme/demo", 1)]
    assert found["burn_down"]["calls"]["outlook"] == "too_early"
    assert found["last_day"] == datetime.now(UTC).date().isoformat()

    refused = up.cli("api", "retire", "echo")
    assert refused.code == 1
    assert "1 application of 1 organization called it" in refused.err
    assert up.call("/echo/get", key).status_code == 200
    up.do("api", "retire", "echo", "--yes")
    gone = up.call("/echo/get", key)
    assert gone.status_code == 410
    assert gone.json()["next_step"] == f"Use echo@v2 at /echo with x-api-version: v2. More: {LINK}"
    assert up.call("/echo/get", "").status_code == 410

    assert up.do("export").out.count("state: retired") == 1
    up.do("publish", "echo")
    answer = up.call("/echo/get", key)
    assert (answer.status_code, answer.headers.get("deprecation")) == (200, None)


def test_revisions_say_what_they_changed_and_one_api_goes_back_alone(up: Tree, key: str) -> None:
    shown = up.do("gateway", "revisions").out
    assert "echo@v1 changed (notice)" in shown
    listed = up.do("gateway", "revisions", "--api", "echo", "--json").json["items"]
    retired = next(one["revision"] for one in listed if one["note"] == "retire echo")
    up.do("gateway", "rollback", "default", str(retired), "--api", "echo")
    eventually(lambda: up.call("/echo/get", key).status_code == 410, 60)
    assert up.do("api", "show", "echo", "--json").json["lifecycle"]["state"] == "retired"
    up.do("gateway", "rollback", "default", str(retired - 1), "--api", "echo")
    eventually(lambda: up.call("/echo/get", key).status_code == 200, 60)
    assert up.do("api", "show", "echo", "--json").json["lifecycle"]["state"] == "deprecated"
    up.do("api", "undeprecate", "echo")


def test_a_sunset_that_was_asked_to_retires_the_version(up: Tree, key: str) -> None:
    wrong = up.cli("api", "deprecate", "echo", "--sunset", "2001-01-01")
    assert wrong.code == 1
    assert "The sunset is in the past" in wrong.err
    soon = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 3, UTC).isoformat()
    up.do("api", "deprecate", "echo", "--sunset", soon, "--retire-at-sunset")
    assert up.call("/echo/get", key).status_code in {200, 410}
    eventually(lambda: up.call("/echo/get", key).status_code == 410, 90)
    audit = up.do("audit", "--json").json["items"]
    assert ("api.retired", "sunset") in {(one["action"], one["actor"]) for one in audit}


def _events(up: Tree, kind: str) -> list[dict[str, Any]]:
    found = up.do("events", "--json", "--type", kind).json["items"]
    return [one for one in found if one["type"] == kind]


def _calls(up: Tree) -> int:
    return int(up.do("api", "callers", "echo", "--json").json["calls"])
