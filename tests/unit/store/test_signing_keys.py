"""Do keys take turns without one token failing, and do the gateways hear of it?"""

import json
from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings

from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.model.tokens import is_public_url
from headgate.store.models import SigningKey
from headgate.store.services import status
from headgate.store.services.actor import Actor
from headgate.store.services.consumers import applications
from headgate.store.services.gateway import gateways, publishing, rollbacks
from headgate.store.services.oauth import access_tokens, clients, signing_keys, token_issuer
from headgate.store.services.oauth.signing_keys import PUBLISHED_AHEAD, SIGNS_FOR
from tests.support.store import AT, import_api

TURN = AT + SIGNS_FOR - PUBLISHED_AHEAD  # when the second key must have been published


@pytest.fixture
def client(admin: Actor, issuer: str) -> str:
    """A client of a store that serves an API."""
    import_api(admin)
    publishing.publish(admin, "pets")
    applications.create(admin, name="demo", organization="acme", create_organization=True)
    return clients.create(admin, application="acme/demo").client.id


def _published() -> list[str]:
    return [key["kid"] for key in token_issuer.published_keys()]


def _token(admin: Actor, client: str, at: datetime) -> str:
    found = clients.get(admin, client)
    return access_tokens.issue(found, subject=client, scopes=[], at=at).text


def test_nothing_is_published_before_there_is_a_client(admin: Actor, node: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    assert delta.issuer is None
    assert not signing_keys.tend(admin.later(TURN))


def test_the_first_client_brings_the_keys_to_the_gateways(
    admin: Actor, node: Actor, client: str, issuer: str
) -> None:
    delta = publishing.snapshot_delta(node, after=1)
    assert delta is not None
    assert delta.revision == 2
    assert delta.changed == delta.removed == ()
    assert delta.issuer is not None
    assert (delta.issuer.issuer, delta.issuer.audience) == (issuer, f"{issuer}/apis")
    [key] = json.loads(delta.issuer.jwks)["keys"]
    assert set(key) == {"kty", "n", "e", "alg", "use", "kid"}


def test_the_next_key_is_published_before_it_signs(admin: Actor, client: str) -> None:
    [first] = _published()
    assert not signing_keys.tend(admin.later(TURN - timedelta(seconds=1)))
    assert signing_keys.tend(admin.later(TURN))
    assert not signing_keys.tend(admin.later(TURN))
    assert _published()[0] == first
    assert len(_published()) == 2
    assert signing_keys.signer(TURN).key_id == first
    assert signing_keys.signer(TURN + PUBLISHED_AHEAD).key_id == _published()[1]


def test_a_key_stays_until_its_last_token_has_ended(admin: Actor, client: str) -> None:
    clients.update(admin, client, token_seconds=86_400)
    signing_keys.tend(admin.later(TURN))
    last_at = TURN + PUBLISHED_AHEAD - timedelta(seconds=1)
    token = _token(admin, client, last_at)
    nearly_over = last_at + timedelta(seconds=86_399)
    signing_keys.tend(admin.later(nearly_over))
    assert access_tokens.read(token, nearly_over) is not None
    signing_keys.tend(admin.later(nearly_over + timedelta(minutes=5)))
    assert len(_published()) == 1


def test_every_change_of_the_keys_wakes_the_gateways(admin: Actor, client: str) -> None:
    before = gateways.find("default").revision
    signing_keys.tend(admin.later(TURN))
    assert gateways.find("default").revision == before + 1
    signing_keys.rotate(admin.later(TURN))
    assert gateways.find("default").revision == before + 2
    assert gateways.live_apis(gateways.find("default"))


def test_a_rotation_by_hand_signs_at_once_and_keeps_what_was_signed(
    admin: Actor, client: str
) -> None:
    token = _token(admin, client, AT)
    key = signing_keys.rotate(admin)
    assert signing_keys.signer(AT).key_id == key.key_id
    assert access_tokens.read(token, AT) is not None


def test_a_key_that_was_stolen_ends_with_all_its_tokens(admin: Actor, client: str) -> None:
    token = _token(admin, client, AT)
    key = signing_keys.rotate(admin, drop_former=True)
    assert _published() == [key.key_id]
    assert access_tokens.read(token, AT) is None


def test_rolling_back_a_gateway_does_not_bring_old_keys_back(
    admin: Actor, node: Actor, client: str
) -> None:
    signing_keys.rotate(admin, drop_former=True)
    revision = rollbacks.rollback(admin, "default", revision=1)
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    assert delta.issuer is not None
    assert delta.revision == revision.number
    assert [key["kid"] for key in json.loads(delta.issuer.jwks)["keys"]] == _published()


def test_only_an_administrator_of_the_installation_changes_keys(admin: Actor) -> None:
    foreign = Actor("acme", admin.scopes, AT, organization="acme")
    with pytest.raises(Problem) as caught:
        signing_keys.rotate(foreign)
    assert caught.value.type is ProblemType.NOT_FOUND


def test_private_keys_are_sealed_by_the_secret_of_the_installation(
    admin: Actor, client: str, settings: LazySettings
) -> None:
    sealed = bytes(SigningKey.objects.get().sealed)
    assert b"PRIVATE" not in sealed
    assert b"PRIVATE" in signing_keys.signer(AT).pem
    settings.SECRET_KEY = "another"
    with pytest.raises(DependencyError, match=r"secret\.key"):
        signing_keys.signer(AT)


def test_a_key_that_cannot_sign_is_in_the_status_until_there_is_another(
    admin: Actor, client: str, settings: LazySettings
) -> None:
    def said() -> bool:
        found = status.overview(admin).findings
        return any("signs access tokens" in finding.what for finding in found)

    assert not said()
    settings.SECRET_KEY = "another"
    assert said()
    signing_keys.rotate(admin)
    assert not said()


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://apis.example.com", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("https://apis.example.com/", False),
        ("https://apis.example.com/x", False),
        ("https://user@apis.example.com", False),
        ("https://apis.example.com?x", False),
        ("HTTPS://apis.example.com", False),
        ("ftp://apis.example.com", False),
        ("apis.example.com", False),
        ("https://", False),
        ("https://a:99999", False),
        ("https://ä.example", False),
        ("https://a b", False),
        ("https://" + "a" * 200, False),
    ],
)
def test_a_public_url_is_an_origin(url: str, is_one: bool) -> None:
    assert is_public_url(url) is is_one


def test_a_former_key_is_retired_and_its_tokens_end(admin: Actor, client: str) -> None:
    first = _token(admin, client, AT)
    former = _published()[0]
    signing_keys.rotate(admin)
    revision = gateways.find("default").revision
    signing_keys.retire(admin, former)
    assert former not in _published()
    assert gateways.find("default").revision == revision + 1  # nodes hear of it
    assert access_tokens.read(first, AT) is None
    second = _token(admin, client, AT)
    assert access_tokens.read(second, AT) is not None


def test_a_key_that_signs_or_is_to_sign_is_not_retired(admin: Actor, client: str) -> None:
    signing_keys.tend(admin.later(TURN))
    assert client
    for key in _published():
        with pytest.raises(Problem) as caught:
            signing_keys.retire(admin, key)
        assert caught.value.type is ProblemType.CONFLICT
    with pytest.raises(Problem) as caught:
        signing_keys.retire(admin, "nothing")
    assert caught.value.type is ProblemType.NOT_FOUND
