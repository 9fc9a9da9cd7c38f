"""Do tokens of another authorization server open an API, also while it turns keys or is down?"""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.oidc_provider import AUDIENCE, OIDCProvider, oidc_provider
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream
from tests.support.web_world import DOCUMENT

pytestmark = pytest.mark.integration
POLICY = """\
- kind: jwt
  settings:
    issuers: [{{issuer: "{issuer}", audiences: ["{audience}"]}}]
"""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OIDCProvider]:
    with oidc_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, provider: OIDCProvider) -> Iterator[Tree]:
    """`pets` takes the provider's tokens; its client `robot` speaks for acme/demo."""
    folder = tmp_path_factory.mktemp("foreign")
    spec, policies = folder / "pets.yaml", folder / "policies.yaml"
    spec.write_text(DOCUMENT)
    policies.write_text(POLICY.format(issuer=provider.issuer, audience=AUDIENCE))
    with upstream() as server, tree(folder / "data") as running:
        running.do("import", str(spec), "--name", "pets", "--upstream", server.url)
        running.do("policies", "set", "pets", "-f", str(policies))
        running.do("publish", "pets")
        running.do("product", "create", "basic", "--api", "pets")
        running.do("plan", "create", "basic/free")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "acme/demo", "basic/free")
        yield running


def _status(up: Tree, text: str) -> int:
    url = f"http://127.0.0.1:{up.gateway_port}/pets/pets"
    headers = {"Authorization": f"Bearer {text}"}
    return httpx2.get(url, headers=headers, trust_env=False).status_code


def test_a_client_is_trusted_and_its_tokens_open_the_api(up: Tree, provider: OIDCProvider) -> None:
    text = provider.token()
    assert _status(up, text) == 401
    made = up.do(
        *("client", "trust", "acme/demo", "--issuer", provider.issuer, "--client-id", "robot"),
        "--json",
    ).json
    eventually(lambda: _status(up, text) == 200)
    assert _status(up, provider.token(audience="https://elsewhere.example.com")) == 401
    listed = up.do("client", "trusted", "--json").json["items"]
    assert [one["id"] for one in listed] == [made["id"]]


def test_new_keys_are_fetched_by_themselves_and_old_tokens_go_on(
    up: Tree, provider: OIDCProvider
) -> None:
    before = provider.token()
    eventually(lambda: _status(up, before) == 200)
    provider.rotate()
    after = provider.token()
    eventually(lambda: _status(up, after) == 200)
    assert _status(up, before) == 200


def test_an_issuer_that_is_down_breaks_no_token_whose_key_is_known(
    up: Tree, provider: OIDCProvider
) -> None:
    text = provider.token()
    eventually(lambda: _status(up, text) == 200)
    provider.stop()
    try:
        eventually(lambda: provider.issuer in up.cli("status").out)
        assert _status(up, text) == 200
    finally:
        provider.start()


def test_an_issuer_that_forgets_a_key_ends_its_tokens(up: Tree, provider: OIDCProvider) -> None:
    before = provider.token()
    eventually(lambda: _status(up, before) == 200)
    provider.rotate()
    provider.forget_old_keys()
    eventually(lambda: _status(up, before) == 401)
    after = provider.token()
    eventually(lambda: _status(up, after) == 200)


def test_a_client_that_is_trusted_no_longer_is_refused(up: Tree, provider: OIDCProvider) -> None:
    text = provider.token()
    eventually(lambda: _status(up, text) == 200)
    (one,) = up.do("client", "trusted", "--json").json["items"]
    up.do("client", "distrust", one["id"])
    eventually(lambda: _status(up, text) == 401)
