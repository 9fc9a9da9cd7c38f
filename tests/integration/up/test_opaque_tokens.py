"""Do opaque tokens of another server open an API, and is it said why they do not?"""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.oidc_provider import OIDCClient, OIDCProvider, oidc_provider
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream
from tests.support.web_world import DOCUMENT

pytestmark = pytest.mark.integration
AUDIENCE = "https://api.example.com/opaque"
ROBOT = OIDCClient()
GATEWAY = OIDCClient("gateway", "the-secret-of-the-gateway")
POLICY = """\
- kind: introspect
  settings:
    issuer: "{issuer}"
    endpoint: "{endpoint}"
    client_id: gateway
    client_secret: "${{secret:introspection}}"
    audiences: ["{audience}"]
    cache_seconds: 2
    allow_private: true
"""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OIDCProvider]:
    with oidc_provider(tmp_path_factory.mktemp("provider"), ROBOT, GATEWAY) as running:
        yield running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, provider: OIDCProvider) -> Iterator[Tree]:
    """`pets` takes the provider's opaque tokens; its client `robot` speaks for acme/demo."""
    folder = tmp_path_factory.mktemp("opaque")
    spec, policies = folder / "pets.yaml", folder / "policies.yaml"
    spec.write_text(DOCUMENT)
    endpoint = provider.discovery()["introspection_endpoint"]
    told = POLICY.format(issuer=provider.issuer, endpoint=endpoint, audience=AUDIENCE)
    policies.write_text(told)
    with upstream() as server, tree(folder / "data") as running:
        running.do("secret", "set", "introspection", stdin=GATEWAY.secret + "\n")
        running.do("import", str(spec), "--name", "pets", "--upstream", server.url)
        running.do("policies", "set", "pets", "-f", str(policies))
        running.do("publish", "pets")
        running.do("product", "create", "basic", "--api", "pets")
        running.do("plan", "create", "basic/free")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "acme/demo", "basic/free")
        issuer = ("--issuer", provider.issuer, "--client-id", "robot")
        running.do("client", "trust", "acme/demo", *issuer)
        yield running


def _get(up: Tree, text: str) -> httpx2.Response:
    url = f"http://127.0.0.1:{up.gateway_port}/pets/pets"
    return httpx2.get(url, headers={"Authorization": f"Bearer {text}"}, trust_env=False)


def test_a_token_opens_the_api_until_its_server_revokes_it(
    up: Tree, provider: OIDCProvider
) -> None:
    text = provider.token(audience=AUDIENCE)
    eventually(lambda: _get(up, text).status_code == 200, 60)
    assert _get(up, text[:-1]).status_code == 401
    provider.revoke(text)
    eventually(lambda: _get(up, text).status_code == 401, 60)


def wrong(up: Tree) -> str:
    """What `headgate status` says is wrong, without what has been counted."""
    lines = up.cli("status").out.split("\n")
    return "\n".join(line for line in lines if line.startswith(("wrong:", "soon:")))


def test_a_silent_server_is_told_to_the_caller_the_operator_and_who_asks_for_the_reason(
    up: Tree, provider: OIDCProvider
) -> None:
    text = provider.token(audience=AUDIENCE)
    provider.stop()
    try:
        answer = _get(up, text)
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("introspection-down")
        eventually(lambda: provider.issuer in wrong(up), 60)
        request_id = answer.headers["x-request-id"]
        eventually(lambda: up.cli("explain", request_id).code == 0, 60)
        told = up.do("explain", request_id, "--json").json
        assert told["verdict"] == "introspection_down"
        assert "does not answer" in told["summary"]
        refused = [step for step in told["steps"] if step["outcome"] == "refused"]
        assert refused[0]["name"] == "credential"
        assert request_id in up.do("logs", "--verdict", "introspection_down", "--json").out
        assert "introspection_down" in up.do("stats", "--by", "verdict").out
    finally:
        provider.start()
    fresh = provider.token(audience=AUDIENCE)  # it forgets its tokens when it ends
    eventually(lambda: _get(up, fresh).status_code == 200, 60)
    eventually(lambda: provider.issuer not in wrong(up), 60)


def test_the_secret_is_read_by_the_node_alone(up: Tree) -> None:
    holding = {
        str(path.relative_to(up.data))
        for path in up.data.rglob("*")
        if path.is_file() and GATEWAY.secret.encode() in path.read_bytes()
    }
    assert holding <= {
        *("node/introspection.json", "node/snapshot.json"),
        "node/snapshot.json.next",
    }
    assert "node/introspection.json" in holding
