"""Does a secret reach the upstream, and nobody else? Real processes, the whole data folder."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
FIRST, SECOND = "s3cret-value-number-one", "s3cret-value-number-two"
SPEC = (
    "openapi: 3.0.3\ninfo: {title: Echo, version: '1'}\npaths:\n  /a:\n    get:\n"
    "      operationId: a\n      responses: {'200': {description: ok}}\n"
)
POLICIES = """\
- kind: upstream_auth
  settings: {scheme: bearer, secret: "${secret:billing}"}
"""
ON_THE_NODE = ("node/envoy/", "node/snapshot.json")
"""Where values stand in clear: what Envoy reads, and what a node starts from."""


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, echo: Upstream) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "openapi.yaml").write_text(SPEC)
    (folder / "policies.yaml").write_text(POLICIES)
    with tree(folder / "data") as running:
        spec = ("import", str(folder / "openapi.yaml"), "--name", "echo")
        running.do(*spec, "--upstream", echo.url, "--open")
        running.do("policies", "set", "echo", "-f", str(folder / "policies.yaml"))
        yield running


def holding(folder: Path, text: str) -> set[str]:
    """Files below a folder in which a text stands, compressed pages of the database included."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    }


def test_a_secret_reaches_the_upstream_and_its_rotation_does_too(up: Tree, echo: Upstream) -> None:
    missing = up.cli("publish", "echo")
    assert missing.code == 1
    assert "headgate secret set billing" in missing.err
    stored = up.do("secret", "set", "billing", stdin=FIRST + "\n")
    assert FIRST not in stored.out + stored.err
    up.do("publish", "echo")
    assert up.call("/echo/a").status_code == 200
    assert echo.authorizations[-1] == f"Bearer {FIRST}"

    up.do("secret", "set", "billing", stdin=SECOND)

    def is_rotated() -> bool:
        assert up.call("/echo/a").status_code == 200
        return echo.authorizations[-1] == f"Bearer {SECOND}"

    eventually(is_rotated)
    (secret,) = up.do("secret", "list", "--json").json["items"]
    assert (secret["version"], secret["gateways"]) == (2, ["default"])


def test_no_answer_export_or_log_holds_a_value(up: Tree) -> None:
    said = [
        up.do(*command.split()).out
        for command in (
            "export",
            "policies show echo",
            "policies kinds --json",
            "audit --json",
            "secret list --json",
            "logs --json",
            "status",
            "gateway revisions default --json",
        )
    ]
    said.append((up.data.parent / f"{up.data.name}.log").read_text())
    for value in (FIRST, SECOND):
        assert not [text for text in said if value in text]
    assert "${secret:billing}" in said[0]


def test_in_the_data_folder_values_stand_in_the_nodes_files_alone(up: Tree) -> None:
    for value in (FIRST, SECOND):
        found = holding(up.data, value)
        assert {name for name in found if not name.startswith(ON_THE_NODE)} == set()
        modes = {stat.S_IMODE((up.data / name).stat().st_mode) for name in found}
        assert modes <= {0o600}
    assert holding(up.data, SECOND)
    assert not holding(up.data, FIRST)  # nothing of the node keeps an old value
    assert any(name.startswith("headgate.db") for name in holding(up.data, "${secret:billing}"))


def test_clear_text_is_refused_and_not_repeated(up: Tree) -> None:
    file = up.data.parent / "clear.json"
    settings = {"request": {"set": {"Authorization": "Bearer in-the-clear"}}}
    file.write_text(json.dumps([{"kind": "headers", "settings": settings}]))
    ran = up.cli("policies", "set", "echo", "-f", str(file))
    assert ran.code == 1
    assert "headgate secret set NAME" in ran.err
    assert "in-the-clear" not in ran.err
    assert not holding(up.data, "in-the-clear")


def test_what_is_in_use_is_not_deleted_and_no_value_stands_on_a_command_line(up: Tree) -> None:
    assert up.cli("secret", "delete", "billing").code == 1
    assert up.cli("secret", "set", "billing", "value-as-an-argument").code == 2
    assert up.cli("secret", "set", "empty", stdin="").code == 2
