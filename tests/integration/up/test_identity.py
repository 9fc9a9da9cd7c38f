"""Do scopes, passwords and certificates work from the command that gives them to the call?"""

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.callers import basic
from tests.support.certificates import Authority
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
SCOPED = {
    "openapi": "3.0.3",
    "info": {"title": "Orders", "version": "1"},
    "components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows": {}}}},
    "security": [{"oauth": ["orders:read"]}],
    "paths": {
        "/orders": {
            "get": {"operationId": "list", "responses": {"200": {"description": "ok"}}},
            "post": {
                "operationId": "add",
                "security": [{"oauth": ["orders:read", "orders:write"]}],
                "responses": {"200": {"description": "ok"}},
            },
        }
    },
}
POLICIES = [{"kind": "basic"}, {"kind": "mtls"}]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Tree]:
    """`orders` takes keys, passwords and certificates, and its document asks for scopes."""
    folder = tmp_path_factory.mktemp("identity")
    spec, policies = folder / "orders.yaml", folder / "policies.yaml"
    spec.write_text(yaml.safe_dump(SCOPED))
    policies.write_text(yaml.safe_dump(POLICIES))
    certificate, key = authority.issue(folder / "tls", "localhost")
    clients = folder / "clients.pem"
    clients.write_text(authority.pem)
    options = ("--gateway-tls-cert", str(certificate), "--gateway-tls-key", str(key))
    with (
        upstream() as server,
        tree(folder / "data", *options, "--gateway-client-ca", str(clients)) as running,
    ):
        running.do("import", str(spec), "--name", "orders", "--upstream", server.url)
        running.do("policies", "set", "orders", "-f", str(policies))
        running.do("publish", "orders")
        running.do("product", "create", "basic", "--api", "orders")
        running.do("plan", "create", "basic/free")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "acme/demo", "basic/free")
        yield running


def call(
    up: Tree, authority: Authority, method: str = "GET", shown: Path | None = None, **headers: str
) -> tuple[int, dict[str, str]]:
    """Status, and the problem if it is one."""
    context = authority.context()
    if shown is not None:
        context.load_cert_chain(shown)
    connection = http.client.HTTPSConnection(
        "localhost", up.gateway_port, timeout=20, context=context
    )
    with closing(connection):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, "/orders/orders", headers=sent)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if answer.status >= 400 else {}


def test_a_key_that_is_restricted_reads_and_does_not_write(up: Tree, authority: Authority) -> None:
    plain = up.do("key", "create", "acme/demo", "--json").json
    reader = up.do("key", "create", "acme/demo", "--scope", "orders:read", "--json").json
    eventually(lambda: call(up, authority, "POST", X_API_Key=plain["key"])[0] == 200)
    eventually(lambda: call(up, authority, X_API_Key=reader["key"])[0] == 200)
    status, problem = call(up, authority, "POST", X_API_Key=reader["key"])
    assert (status, problem["title"]) == (403, "Insufficient scope")
    assert "orders:read orders:write" in problem["next_step"]
    up.do("key", "restrict", reader["id"])
    eventually(lambda: call(up, authority, "POST", X_API_Key=reader["key"])[0] == 200)
    eventually(lambda: up.cli("explain", problem["request_id"], "--json").code == 0)
    told = up.do("explain", problem["request_id"], "--json").json
    assert [step["outcome"] for step in told["steps"] if step["name"] == "scopes"] == ["refused"]


def test_a_password_works_until_it_is_revoked_and_stands_in_no_log(
    up: Tree, authority: Authority
) -> None:
    made = up.do("key", "create", "acme/demo", "--basic", "--json").json
    field = basic(made["id"], made["key"])
    eventually(lambda: call(up, authority, Authorization=field)[0] == 200)
    up.do("key", "revoke", made["id"])
    eventually(lambda: call(up, authority, Authorization=field)[1].get("title", "") != "")
    assert call(up, authority, Authorization=field)[0] == 401
    secrets = (made["key"].encode(), field.removeprefix("Basic ").encode())
    for path in (up.data / "node").rglob("*"):
        if path.is_file() and path.stat().st_size < 10_000_000:
            assert not any(secret in path.read_bytes() for secret in secrets), path


def test_a_certificate_speaks_for_the_application_until_its_trust_ends(
    up: Tree, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.signed("robot.test")
    shown, public = tmp_path / "robot.pem", tmp_path / "robot.crt"
    shown.write_bytes(certificate + key)
    public.write_bytes(certificate)
    assert call(up, authority, shown=shown)[0] == 401
    made = up.do("certificate", "trust", "acme/demo", str(public), "--json").json
    assert made["name"] == "CN=robot.test"
    eventually(lambda: call(up, authority, shown=shown)[0] == 200)
    up.do("certificate", "remove", made["id"])
    eventually(lambda: call(up, authority, shown=shown)[0] == 401)
    stranger = Authority(tmp_path).signed("robot.test")
    shown.write_bytes(b"".join(stranger))
    with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
        call(up, authority, shown=shown)


def test_a_certificate_is_tried_as_the_handshake_would_take_it(
    up: Tree, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.signed("tried.test")
    shown, public = tmp_path / "tried.pem", tmp_path / "tried.crt"
    shown.write_bytes(certificate + key)
    public.write_bytes(certificate)

    def tried(*words: str) -> dict[str, Any]:
        url = "https://gateway/orders/orders"
        found: dict[str, Any] = up.do("explain", "--json", "--", "curl", *words, url).json
        return found

    assert tried()["verdict"] == "no_credential"
    assert tried("--cert", str(shown))["verdict"] == "unknown_credential"
    up.do("certificate", "trust", "acme/demo", str(public), "--by", "dns")
    eventually(lambda: tried("--cert", str(shown))["verdict"] == "allowed")
    found = tried("--cert", str(public), "--key", "/nowhere/robot.key")
    assert found["verdict"] == "allowed"
    names = found["upstream_request"]["header_names"]
    assert not [name for name in names if name.startswith("x-headgate")]
    facts = ("-H", "X-Headgate-Trial-Ends: 4000000000", "-H", "X-Headgate-Trial-Dns: tried.test")
    claimed = tried(*facts, "-H", "X-Headgate-Trial-Issuer: CN=test authority")
    assert claimed["verdict"] == "no_credential"
    shown.write_bytes(b"".join(Authority(tmp_path).signed("tried.test")))
    refused = up.cli("explain", "--", "curl", "-E", str(shown), "https://gateway/orders/orders")
    assert refused.code == 1
    assert "signed by none of the gateway's authorities" in refused.err
