"""Does a quota that runs out tell its owner once, through the real gateway, whatever is killed?"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.alerts.webhooks import headers
from tests.support.receiver import Received, Receiver, receiver
from tests.support.tree import Tree, environment, eventually, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {"/get": {"get": {"operationId": "get", "responses": {"200": {"description": ""}}}}},
}
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, echo: Upstream) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("up")
    spec: Path = folder / "openapi.json"
    spec.write_text(json.dumps(SPEC))
    with tree(folder / "data") as running:
        running.do("import", str(spec), "--name", "echo", "--upstream", echo.url)
        running.do("publish", "echo")
        running.do("product", "create", "basic", "--api", "echo")
        yield running


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def _key(up: Tree, name: str, quota: str) -> str:
    """The key of an application of its own organization, under a plan of its own."""
    up.do("plan", "create", f"basic/{name}", "--quota", quota)
    up.do("app", "create", "app", "--organization", name)
    up.do("subscribe", f"{name}/app", f"basic/{name}")
    return up.do("key", "create", f"{name}/app").out.strip()


def _hook(up: Tree, target: Receiver, *options: str) -> tuple[str, str]:
    """A webhook's id and its secret."""
    made = up.do("webhook", "create", target.url, "--allow-private", "--json", *options).json
    return str(made["id"]), str(made["secret"])


def _is_signed(one: Received, secret: str) -> bool:
    at = datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC)
    right = headers(one.headers["webhook-id"], one.body, keys=[secret], at=at)
    return one.headers["webhook-signature"] == right["webhook-signature"]


def test_a_quota_is_told_at_80_percent_and_at_its_end_once_each(up: Tree, target: Receiver) -> None:
    key = _key(up, "acme", "10/day")
    _, secret = _hook(up, target, "--organization", "acme")
    with receiver() as other:
        _hook(up, other, "--organization", _other(up))
        assert {up.call("/echo/get", key).status_code for _ in range(8)} == {200}
        eventually(lambda: target.of_type("quota.warning"), PATIENCE_SECONDS)
        assert not target.of_type("quota.exhausted"), "two calls are left"
        assert {up.call("/echo/get", key).status_code for _ in range(2)} == {200}
        eventually(lambda: target.of_type("quota.exhausted"), PATIENCE_SECONDS)
        assert up.call("/echo/get", key).status_code == 429
        children = up.children()
        for name in ("node", "jobs", "web"):
            os.kill(children[name], signal.SIGKILL)
        eventually(lambda: _restarted(up, children), PATIENCE_SECONDS)
        _wait_for_a_report(up)
        told = {kind: target.of_type(kind) for kind in ("quota.warning", "quota.exhausted")}
        assert {kind: len(found) for kind, found in told.items()} == dict.fromkeys(told, 1)
        assert other.received == []
    data = told["quota.exhausted"][0].event["data"]
    assert (data["used"], data["amount"], data["quota"]) == (10, 10, "10/day")
    assert (data["application"], data["gateway"]) == ("acme/app", "default")
    assert all(_is_signed(one, secret) for one in target.received)
    events = up.do("events", "--type", "quota.exhausted", "--json").json["items"]
    assert [event["organization"] for event in events] == ["acme"]


def test_kill_9_of_the_sender_in_the_middle_loses_nothing(up: Tree, target: Receiver) -> None:
    hook, _ = _hook(up, target, "--type", "webhook.disabled")
    target.held.clear()
    sent = up.do("webhook", "test", hook, "--json").json["event"]
    eventually(lambda: target.received, PATIENCE_SECONDS)
    os.kill(up.children()["jobs"], signal.SIGKILL)
    (before,) = up.do("webhook", "deliveries", hook, "--json").json["items"]
    assert (before["state"], before["tries"]) == ("waiting", 0)
    target.held.set()

    def is_delivered() -> bool:
        items = up.do("webhook", "deliveries", hook, "--json").json["items"]
        return bool(items[0]["state"] == "delivered")

    eventually(is_delivered, PATIENCE_SECONDS, every_seconds=0.5)
    assert set(target.ids) == {sent}
    assert len({one.body for one in target.received}) == 1
    assert up.do("webhook", "delete", hook).code == 0


def test_a_receiver_that_fails_and_recovers_is_told_in_the_end(up: Tree, target: Receiver) -> None:
    hook, _ = _hook(up, target, "--type", "key.created")
    target.statuses = [500]
    up.do("app", "create", "retried", "--organization", "retried")
    up.do("key", "create", "retried/retried")
    eventually(lambda: len(target.received) == 2, PATIENCE_SECONDS)
    first, second = target.received
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    text = up.do("webhook", "deliveries", hook).out
    assert "key.created" in text
    up.do("webhook", "disable", hook)
    up.do("key", "create", "retried/retried")
    assert not up.do("webhook", "deliveries", hook, "--state", "waiting", "--json").json["items"]
    up.do("webhook", "delete", hook)


def test_a_follower_sees_what_happens(up: Tree) -> None:
    following = subprocess.Popen(
        [sys.executable, "-m", "headgate.cli", "events", "-f", "--json", "--type", "key.created"],
        env=environment(up.data),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        up.do("app", "create", "followed", "--organization", "followed")
        made = up.do("key", "create", "followed/followed", "--json").json["id"]
        assert following.stdout is not None
        for line in following.stdout:
            event = json.loads(line)
            if event["data"]["key"] == made:
                break
        assert event["subject"] == made
    finally:
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=60)
    assert following.returncode == 0


def test_commands_for_webhooks_used_wrongly_say_so(up: Tree) -> None:
    for arguments, word in (
        (("webhook", "create", "http://hooks.example.com/"), "https"),
        (("webhook", "create", "https://127.0.0.1/"), "loopback"),
        (("webhook", "show", "whk_0"), "no webhook"),
        (("webhook", "create", "https://hooks.example.com/", "--type", "nothing"), "types"),
    ):
        ran = up.cli(*arguments)
        assert ran.code == 1, arguments
        assert word in ran.err


def _other(up: Tree) -> str:
    up.do("app", "create", "app", "--organization", "globex")
    return "globex"


def _restarted(up: Tree, before: dict[str, int]) -> bool:
    now = up.children()
    return all(name in now and now[name] != before[name] for name in ("node", "jobs", "web"))


def _wait_for_a_report(up: Tree) -> None:
    """Until every node has told how it is since it started, and nothing waits to be sent."""

    def is_seen() -> bool:
        ran = up.cli("status", "--json")
        nodes = json.loads(ran.out)["nodes"] if ran.out else []
        return bool(nodes) and all(not node["is_stale"] for node in nodes)

    eventually(is_seen, PATIENCE_SECONDS, every_seconds=0.5)
    up.do("app", "create", "later", "--organization", "acme")
