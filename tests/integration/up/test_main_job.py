"""Does the main job work as a newcomer does it by hand? Real processes, real Envoy."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import Tree, environment, eventually, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        "/get": {"get": {"operationId": "get", "responses": {"200": {"description": "ok"}}}},
        "/items/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "get": {"operationId": "item", "responses": {"200": {"description": "ok"}}},
            "put": {"operationId": "put", "responses": {"200": {"description": "ok"}}},
        },
    },
}


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "openapi.json"
    path.write_text(json.dumps(SPEC))
    return path


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("up") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def key(up: Tree, echo: Upstream, spec: Path) -> str:
    """What the newcomer's list leads to: a key of a subscribed application."""
    up.do("import", str(spec), "--name", "echo", "--upstream", echo.url, "--base-path", "/echo")
    up.do("publish", "echo")
    up.do("product", "create", "basic", "--api", "echo")
    up.do("plan", "create", "basic/free", "--rate", "1000/second", "--quota", "100000/month")
    up.do("app", "create", "demo", "--organization", "acme")
    up.do("subscribe", "demo", "basic/free")
    return up.do("key", "create", "demo").out.strip()


def _stored(up: Tree, by: str = "verdict") -> dict[str, int]:
    items = up.do("stats", "--by", by, "--since", "1h", "--json").json["items"]
    return {item["key"]: item["requests"] for item in items}


def test_the_first_start_prints_the_administrators_token(up: Tree) -> None:
    token = (up.data / "admin.token").read_text().strip()
    assert any(token in line for line in up.lines)


def test_the_key_opens_the_api_and_the_upstream_never_sees_it(
    up: Tree, echo: Upstream, key: str
) -> None:
    answer = up.call("/echo/items/7?x=1", key)
    assert answer.status_code == 200
    assert answer.json()["path"] == "/items/7?x=1"
    assert echo.keys_seen == set()


@pytest.mark.parametrize(
    ("method", "path", "with_key", "status", "kind"),
    [
        ("GET", "/echo/get", "", 401, "no-credential"),
        ("GET", "/echo/get", "hg_" + "0" * 38, 401, "unknown-credential"),
        ("GET", "/echo/nowhere", "good", 404, "no-route"),
        ("GET", "/elsewhere", "good", 404, "no-route"),
        ("DELETE", "/echo/items/7", "good", 405, "method-not-allowed"),
    ],
)
def test_what_may_not_pass_is_a_problem_with_a_next_step(
    up: Tree, key: str, method: str, path: str, with_key: str, status: int, kind: str
) -> None:
    answer = up.call(path, key if with_key == "good" else with_key, method)
    assert answer.status_code == status
    body = answer.json()
    assert body["type"] == f"urn:headgate:problem:{kind}"
    assert body["next_step"]


def test_a_rate_is_held_and_the_numbers_say_so(up: Tree, key: str) -> None:
    up.do("product", "create", "tight", "--api", "echo")
    up.do("plan", "create", "tight/slow", "--rate", "5/minute")
    up.do("app", "create", "slow", "--organization", "acme")
    up.do("subscribe", "slow", "tight/slow")
    slow_key = up.do("key", "create", "slow").out.strip()
    before = _stored(up)
    statuses = [up.call("/echo/get", slow_key).status_code for _ in range(20)]
    assert statuses.count(200) == 5
    assert statuses.count(429) == 15

    def is_stored() -> bool:
        now = _stored(up)
        return now.get("rate_limited", 0) - before.get("rate_limited", 0) == 15

    eventually(is_stored, every_seconds=0.3)


def test_a_revoked_key_stops_and_the_others_go_on(up: Tree, key: str) -> None:
    made = up.do("key", "create", "demo", "--json").json
    eventually(lambda: up.call("/echo/get", made["key"]).status_code == 200)
    up.do("key", "revoke", made["id"])
    eventually(lambda: up.call("/echo/get", made["key"]).status_code == 401)
    assert up.call("/echo/get", key).status_code == 200


def test_a_plan_is_changed_in_force_at_once(up: Tree, key: str) -> None:
    up.do("plan", "create", "basic/pair", "--quota", "2/month")
    up.do("app", "create", "pair", "--organization", "acme")
    up.do("subscribe", "pair", "basic/pair")
    pair_key = up.do("key", "create", "pair").out.strip()
    assert [up.call("/echo/get", pair_key).status_code for _ in range(3)] == [200, 200, 429]
    up.do("plan", "update", "basic/pair", "--quota", "3/month")
    eventually(lambda: up.call("/echo/get", pair_key).status_code == 200)
    assert up.call("/echo/get", pair_key).status_code == 429


def test_a_block_stops_an_application_until_it_is_removed(up: Tree, key: str) -> None:
    made = up.do("block", "add", "application", "acme/demo", "--for", "10m", "--json").json
    eventually(lambda: up.call("/echo/get", key).status_code == 403)
    up.do("block", "remove", str(made["id"]))
    eventually(lambda: up.call("/echo/get", key).status_code == 200)


def test_following_the_log_shows_every_request_once(up: Tree, key: str, tmp_path: Path) -> None:
    shown = tmp_path / "followed.jsonl"
    with shown.open("w") as output:
        follower = subprocess.Popen(
            [sys.executable, "-m", "headgate.cli", "logs", "-f", "-n", "0", "--json"],
            env=environment(up.data),
            stdout=output,
        )
    try:
        eventually(lambda: _is_following(up, key, shown), 60, every_seconds=0.5)
        for number in range(60):
            up.call(f"/echo/items/follow{number}", key)
            if number % 20 == 19:
                time.sleep(1.2)  # over several segments
        eventually(lambda: len(_followed(shown.read_text())) >= 60, 60)
        time.sleep(2)  # a record that is shown twice would come now
        follower.send_signal(signal.SIGINT)
        assert follower.wait(60) == 0
    finally:
        follower.kill()
        follower.wait()
    wanted = sorted(f"/echo/items/follow{n}" for n in range(60))
    assert sorted(_followed(shown.read_text())) == wanted


def _is_following(up: Tree, key: str, shown: Path) -> bool:
    """Whether the follower has begun: it shows the calls that ask for it."""
    up.call("/echo/items/ready", key)
    return shown.stat().st_size > 0


def _followed(lines: str) -> list[str]:
    whole = lines.split("\n")[:-1]  # the last may be half a line
    paths = [json.loads(line)["path"] for line in whole]
    return [path for path in paths if "follow" in path]


def test_the_exported_configuration_applies_without_a_change(
    up: Tree, key: str, tmp_path: Path
) -> None:
    file = tmp_path / "headgate.yaml"
    file.write_text(up.do("export").out)
    assert up.do("apply", "-f", str(file), "--json").json["changes"] == []
    assert "0 changes" in up.do("apply", "-f", str(file), "--prune", "--dry-run").out


def test_an_edited_configuration_changes_only_what_was_edited(
    up: Tree, key: str, tmp_path: Path
) -> None:
    file = tmp_path / "headgate.yaml"
    file.write_text(up.do("export").out.replace("5/minute", "6/minute"))
    changes = up.do("apply", "-f", str(file), "--json").json["changes"]
    assert len(changes) == 1
    assert up.do("apply", "-f", str(file), "--json").json["changes"] == []


def test_status_names_the_node_and_its_live_revision(up: Tree, key: str) -> None:
    def is_well() -> bool:
        return up.cli("status").code == 0

    eventually(is_well, every_seconds=0.5)
    [node] = up.do("status", "--json").json["nodes"]
    assert node["revision_live"] >= 1


def test_the_filters_counters_and_the_store_agree(up: Tree, key: str) -> None:
    def agree() -> bool:
        items = up.do("reconcile", "--json").json["items"]
        return bool(items) and all(item["difference"] == 0 for item in items)

    eventually(agree, every_seconds=1.0)


def test_an_import_again_shows_what_changed(up: Tree, key: str, spec: Path, tmp_path: Path) -> None:
    changed = json.loads(spec.read_text())
    changed["paths"]["/new"] = {"get": {"operationId": "new", "responses": SPEC_OK}}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(changed))
    ran = up.do("import", str(file), "--name", "echo", "--update")
    assert "added" in ran.out
    assert "new" in ran.out
    assert up.call("/echo/new", key).status_code == 404
    up.do("publish", "echo")
    assert up.call("/echo/new", key).status_code == 200


SPEC_OK = {"200": {"description": "ok"}}


def test_an_unpublished_api_is_gone_and_comes_back(up: Tree, key: str) -> None:
    up.do("unpublish", "echo")
    eventually(lambda: up.call("/echo/get", key).status_code == 404)
    up.do("publish", "echo")
    assert up.call("/echo/get", key).status_code == 200


def test_the_help_page_loads_nothing_that_takes_time() -> None:
    program = (
        "import sys; from headgate.cli.main import build; build();"
        "print([name for name in ('django', 'duckdb', 'httpx2') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.strip()) == (0, "[]"), ran.stderr


def test_the_web_process_starts_without_the_engine_that_reads_records(tmp_path: Path) -> None:
    program = "import sys; import headgate.web.asgi; print('duckdb' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment(tmp_path / "data"),
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "False"), ran.stderr
