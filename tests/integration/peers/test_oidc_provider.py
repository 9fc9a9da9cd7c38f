"""Is the foreign OpenID provider of the tests what they take it for?"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.oidc_provider import AUDIENCE, OIDCClient, OIDCProvider, oidc_provider

pytestmark = pytest.mark.integration
ADMIN = OIDCClient("admin", "another secret", ("read", "admin"), {"roles": ["owner"]})


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OIDCProvider]:
    with oidc_provider(tmp_path_factory.mktemp("oidc"), OIDCClient(), ADMIN) as running:
        yield running


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    decoded = [json.loads(urlsafe_b64decode(part + "==")) for part in (header, claims)]
    return decoded[0], decoded[1]


def test_a_client_gets_a_token_that_a_published_key_signed(provider: OIDCProvider) -> None:
    header, claims = _parts(provider.token(scope="read"))
    assert header["alg"] == "RS256"
    assert header["kid"] in {key["kid"] for key in provider.jwks()["keys"]}
    assert (claims["iss"], claims["aud"]) == (provider.issuer, AUDIENCE)
    assert (claims["client_id"], claims["scope"]) == ("robot", "read")
    assert not any("d" in key for key in provider.jwks()["keys"])  # no private part


def test_claims_of_a_client_stand_in_its_tokens_and_in_no_others(provider: OIDCProvider) -> None:
    assert _parts(provider.token(ADMIN))[1]["roles"] == ["owner"]
    assert "roles" not in _parts(provider.token())[1]


def test_a_wrong_secret_or_a_foreign_scope_gets_no_token(provider: OIDCProvider) -> None:
    for client, scope in ((OIDCClient(secret="wrong"), ""), (OIDCClient(), "admin")):
        with pytest.raises(httpx2.HTTPStatusError):
            provider.token(client, scope=scope)


def test_an_opaque_token_is_known_by_introspection(provider: OIDCProvider) -> None:
    token = provider.token(audience=f"{AUDIENCE}/opaque")
    assert "." not in token
    client = provider.clients[0]
    url = provider.discovery()["introspection_endpoint"]
    answers = [
        httpx2.post(url, data={"token": text}, auth=(client.id, client.secret), trust_env=False)
        for text in (token, "of nobody")
    ]
    assert [answer.json()["active"] for answer in answers] == [True, False]


def test_a_rotated_key_signs_while_the_old_one_stays_until_it_is_forgotten(
    provider: OIDCProvider,
) -> None:
    old, _ = _parts(provider.token())
    provider.rotate()
    new, _ = _parts(provider.token())
    published = {key["kid"] for key in provider.jwks()["keys"]}
    assert old["kid"] != new["kid"]
    assert {old["kid"], new["kid"]} <= published
    assert old["kid"] not in provider.forget_old_keys()
    assert old["kid"] not in {key["kid"] for key in provider.jwks()["keys"]}


def test_it_comes_back_with_the_same_keys(tmp_path: Path) -> None:
    with oidc_provider(tmp_path, algorithm="ES256") as provider:
        before, _ = _parts(provider.token())
        provider.stop()
        with pytest.raises(httpx2.HTTPError):
            provider.discovery()
        provider.start()
        after, _ = _parts(provider.token())
    assert before == after
    assert before["alg"] == "ES256"
