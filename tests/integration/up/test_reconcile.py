"""Does `headgate reconcile` name what a killed Envoy took with it, and nothing else?"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
CALLS = 40
KILLS_MAX = 5  # a kill just after a flush loses nothing: the next one will
SPEC = (
    "openapi: 3.0.3\ninfo: {title: Echo, version: '1'}\npaths:\n  /a:\n"
    "    get: {operationId: a, responses: {'200': {description: ok}}}\n"
    "  /b:\n    get: {operationId: b, responses: {'200': {description: ok}}}\n"
)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("reconcile")
    with upstream() as echo, tree(folder / "data") as running:
        _serve(running, folder, echo.url)
        yield running


def _serve(up: Tree, folder: Path, url: str) -> None:
    (folder / "openapi.yaml").write_text(SPEC)
    up.do("import", str(folder / "openapi.yaml"), "--name", "echo", "--upstream", url)
    up.do("publish", "echo")
    up.do("product", "create", "basic", "--api", "echo")
    up.do("plan", "create", "basic/free")
    for name in ("demo", "other"):
        up.do("app", "create", name, "--organization", "acme")
        up.do("subscribe", name, "basic/free")


def _key(up: Tree, application: str) -> dict[str, str]:
    return {"X-API-Key": up.do("key", "create", application).out.strip()}


def _call(up: Tree, path: str, headers: dict[str, str], times: int) -> None:
    with httpx2.Client(base_url=f"http://127.0.0.1:{up.gateway_port}") as client:
        for _ in range(times):
            assert client.get(path, headers=headers).status_code == 200


def _kill_after_calls(up: Tree, headers: dict[str, str]) -> None:
    """kill -9 of Envoy in the moment of its last answer: its lines are not all written."""
    pid = up.children()["envoy"]
    _call(up, "/echo/a", headers, CALLS)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: up.children().get("envoy") not in {None, pid})
    eventually(lambda: _answers(up))


def _answers(up: Tree) -> bool:
    try:
        return up.call("/nowhere").status_code == 404
    except httpx2.HTTPError:
        return False


def _items(up: Tree) -> dict[str, dict[str, Any]]:
    """By name: of applications, and of operations as `echo v1 a`."""
    return {item["name"]: item for item in up.do("reconcile", "--json").json["items"]}


def _settled(up: Tree, calls: dict[str, int]) -> dict[str, dict[str, Any]]:
    """The comparison once the counters have told of every call and nothing is on its way."""

    def is_settled() -> bool:
        found = _items(up)
        return all(found.get(n, {}).get("counted") == number for n, number in calls.items()) and (
            not any("in flight" in item["cause"] for item in found.values())
        )

    eventually(is_settled, 60, every_seconds=1.0)
    return _items(up)


def test_lines_that_a_killed_envoy_had_not_written_are_named_with_their_cause(up: Tree) -> None:
    demo, other = _key(up, "demo"), _key(up, "other")
    _call(up, "/echo/a", demo, CALLS)
    _call(up, "/echo/b", other, CALLS)
    calls = {"acme/demo": CALLS, "echo v1 a": CALLS, "acme/other": CALLS, "echo v1 b": CALLS}

    def agree() -> bool:
        return all(item["difference"] == 0 for item in _settled(up, calls).values())

    eventually(agree, every_seconds=1.0)
    found = _items(up)
    assert {item["cause"] for item in found.values()} == {""}
    kills = 0
    while kills < KILLS_MAX and not found["acme/demo"]["difference"]:
        kills += 1
        _kill_after_calls(up, demo)
        calls["acme/demo"] += CALLS
        calls["echo v1 a"] += CALLS
        found = _settled(up, calls)
    lost = found["acme/demo"]["difference"]
    assert 0 < lost <= CALLS * kills
    for name in ("acme/demo", "echo v1 a"):
        assert found[name]["difference"] == lost
        assert f"Envoy started {kills} time" in found[name]["cause"]
        assert not found[name]["cause"].startswith("not explained")
    for name in ("acme/other", "echo v1 b"):
        assert (found[name]["difference"], found[name]["cause"]) == (0, "")
    table = up.do("reconcile").out
    assert "Envoy started" in table
    assert "acme/demo" in table
