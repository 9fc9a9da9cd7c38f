"""Does sensitive data open and shut as its owner says, also while the control plane is down?"""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
SLOW_SECONDS = 60.0
OWNER = ("--owner", "ann@example.com", "--why", "Names of customers")
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        f"/{name}": {"get": {"operationId": name, "responses": {"200": {"description": "ok"}}}}
        for name in ("open", "shut")
    },
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder: Path = tmp_path_factory.mktemp("sensitive")
    spec = folder / "spec.json"
    spec.write_text(json.dumps(SPEC))
    with upstream() as echo, tree(folder / "data") as running:
        running.do("import", str(spec), "--name", "echo", "--upstream", echo.url)
        running.do("publish", "echo")
        running.do("product", "create", "basic", "--api", "echo")
        running.do("plan", "create", "basic/free")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "demo", "basic/free")
        yield running


@pytest.fixture(scope="module")
def key(up: Tree) -> str:
    """A key of acme/demo; `shut` is marked."""
    made = up.do("key", "create", "demo").out.strip()
    eventually(lambda: status(up, made) == 200, SLOW_SECONDS)
    up.do("sensitive", "mark", "echo", "shut", *OWNER, "--days-max", "30")
    eventually(lambda: status(up, made) == 403, SLOW_SECONDS)
    return made


def status(up: Tree, key: str, path: str = "shut") -> int:
    return up.call(f"/echo/{path}", key).status_code


def asked(up: Tree) -> str:
    words = ("demo", "echo", "shut", "--reason", "Invoices", "--days", "10")
    made: dict[str, Any] = up.do("access", "ask", *words, "--json").json
    return str(made["id"])


def test_a_grant_opens_and_a_revocation_shuts(up: Tree, key: str) -> None:
    assert status(up, key, "open") == 200, "what is not marked stays as it was"
    answer = up.call("/echo/shut", key)
    assert answer.json()["type"].endswith("access-not-granted")
    request = asked(up)
    assert status(up, key) == 403, "asking opens nothing"
    assert "asked" in up.do("access", "list").out
    up.do("access", "grant", request, "--for", "7d", "--word", "For June")
    eventually(lambda: status(up, key) == 200, SLOW_SECONDS)
    up.do("access", "revoke", request)
    eventually(lambda: status(up, key) == 403, SLOW_SECONDS)
    assert up.cli("access", "grant", request).code == 1, "what is over stays so"


def test_explain_names_the_grant_and_who_to_ask(up: Tree, key: str) -> None:
    refused = up.call("/echo/shut", key).headers["x-request-id"]
    request = asked(up)
    up.do("access", "grant", request)
    eventually(lambda: status(up, key) == 200, SLOW_SECONDS)
    passed = up.call("/echo/shut", key).headers["x-request-id"]
    other = up.call("/echo/open", key).headers["x-request-id"]
    said = {name: explained(up, name) for name in (refused, passed, other)}
    assert said[refused]["outcome"] == "refused"
    assert "ann@example.com decides" in said[refused]["detail"]
    assert said[passed]["outcome"] == "passed"
    assert request in said[passed]["detail"]
    assert said[other] == {}
    tried = up.do("explain", "--", "curl", f"{up.gateway}/echo/shut", "-H", f"X-API-Key: {key}")
    assert request in tried.out
    up.do("access", "withdraw", request)
    eventually(lambda: status(up, key) == 403, SLOW_SECONDS)
    tried = up.do("explain", "--", "curl", f"{up.gateway}/echo/shut", "-H", f"X-API-Key: {key}")
    assert "access_not_granted" in tried.out


def explained(up: Tree, request_id: str) -> dict[str, Any]:
    eventually(lambda: up.cli("explain", request_id).code == 0, SLOW_SECONDS)
    steps = up.do("explain", request_id, "--json").json["steps"]
    return next((step for step in steps if step["name"] == "access"), {})


def test_a_rollback_opens_nothing(up: Tree, key: str) -> None:
    up.do("gateway", "rollback", "default", "1")
    live = up.do("gateway", "revisions", "--json").json["items"][0]["revision"]
    eventually(lambda: _live(up) >= live, SLOW_SECONDS)
    assert status(up, key) == 403
    assert status(up, key, "open") == 200


def _live(up: Tree) -> int:
    node = up.do("node", "list", "--json").json["items"][0]
    return int(node["revision_live"] or 0)


def test_marks_are_exported_and_a_second_apply_makes_no_change(up: Tree, key: str) -> None:
    written = up.do("export").out
    assert "ann@example.com" in written
    file = up.data.parent / "written.yaml"
    file.write_text(written)
    assert "0 changes" in up.do("apply", "-f", str(file)).out
    assert status(up, key) == 403


def test_a_grant_lapses_on_time_while_the_control_plane_is_down(up: Tree, key: str) -> None:
    request = asked(up)
    up.do("access", "grant", request, "--for", "20s")
    until = datetime.fromisoformat(up.do("access", "show", request, "--json").json["until"])
    eventually(lambda: status(up, key) == 200, SLOW_SECONDS)
    stopped = [up.children()[name] for name in ("web", "jobs", "node")]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert status(up, key) == 200
        eventually(lambda: status(up, key) == 403, SLOW_SECONDS)
        assert datetime.now(UTC) >= until
        assert status(up, key, "open") == 200
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    shown = ("access", "show", request, "--json")
    eventually(lambda: up.do(*shown).json["state"] == "lapsed", SLOW_SECONDS)


def test_an_unmarked_operation_is_open_again(up: Tree, key: str) -> None:
    up.do("sensitive", "unmark", "echo", "shut")
    eventually(lambda: status(up, key) == 200, SLOW_SECONDS)
    assert up.cli("sensitive", "unmark", "echo", "shut").code == 1
