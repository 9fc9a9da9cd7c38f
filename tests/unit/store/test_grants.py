"""Is a token good exactly as long as it should be, and a device let in exactly once?"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.access import BlockKind
from headgate.model.tokens import token_block_key
from headgate.store.models import Block, DeviceGrant, OAuthClient, RefreshGrant
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import applications
from headgate.store.services.gateway import access_feed
from headgate.store.services.housekeeping import tidy
from headgate.store.services.oauth import access_tokens, clients, device_grants, refresh_grants
from headgate.store.services.oauth.access_tokens import AccessToken
from headgate.store.services.oauth.device_grants import Status
from tests.support.store import AT

SOON = AT + timedelta(seconds=5)


@pytest.fixture
def client(admin: Actor, issuer: str) -> OAuthClient:
    applications.create(admin, name="demo", organization="acme", create_organization=True)
    return clients.create(
        admin, application="acme/demo", scopes=["read", "write"], has_device_flow=True
    ).client


@pytest.fixture
def other(admin: Actor, client: OAuthClient) -> OAuthClient:
    """A client of another organization."""
    applications.create(admin, name="demo", organization="globex", create_organization=True)
    return clients.create(admin, application="globex/demo", has_device_flow=True).client


def _issue(client: OAuthClient, at: datetime = AT) -> AccessToken:
    return access_tokens.issue(client, subject=client.id, scopes=["read"], at=at)


def _devices(actor: Actor) -> Actor:
    return replace(actor, token="tok_000000000001")


def test_a_token_says_who_for_whom_and_how_long(client: OAuthClient, issuer: str) -> None:
    token = _issue(client)
    claims = access_tokens.read(token.text, AT)
    assert claims is not None
    jti = claims.pop("jti")
    assert len(jti) == 22
    assert token.digest == token_block_key(jti).hex()
    assert claims == {
        "iss": issuer,
        "sub": client.id,
        "aud": f"{issuer}/apis",
        "client_id": client.id,
        "scope": "read",
        "iat": int(AT.timestamp()),
        "exp": int(AT.timestamp()) + 3600,
    }
    assert token.text not in repr(token)


def test_a_revoked_token_reaches_the_gateways_until_they_would_refuse_it_anyway(
    client: OAuthClient, node: Actor
) -> None:
    token = _issue(client)
    assert access_tokens.revoke(client, token.text, AT)
    delta = access_feed.delta(node, generation="", after=0)
    assert delta is not None
    [row] = delta.blocks
    assert (row.kind, row.subject) == (BlockKind.TOKEN, token.digest)
    assert row.expires_at == token.expires_at + timedelta(seconds=120)
    assert access_tokens.introspect(token.text, AT, viewer=client) is None
    access_tokens.revoke(client, token.text, AT)
    assert Block.objects.count() == 1


def test_one_clients_revocation_touches_no_token_of_another(
    client: OAuthClient, other: OAuthClient
) -> None:
    token = _issue(client)
    assert not access_tokens.revoke(other, token.text, AT)
    assert not access_tokens.revoke(client, "no token", AT)
    assert not access_tokens.revoke(client, token.text, token.expires_at)
    assert access_tokens.introspect(token.text, AT, viewer=client) is not None
    assert not Block.objects.exists()


def test_the_deny_list_cannot_be_filled_by_one_client(
    client: OAuthClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_tokens, "REVOKED_PER_CLIENT_MAX", 2)
    for _ in range(2):
        access_tokens.revoke(client, _issue(client).text, AT)
    with pytest.raises(Problem) as caught:
        access_tokens.revoke(client, _issue(client).text, AT)
    assert caught.value.type is ProblemType.TOO_MANY
    later = AT + timedelta(hours=2)
    assert access_tokens.revoke(client, _issue(client, later).text, later)


def test_a_token_is_shown_to_its_own_organization_and_the_operators(
    admin: Actor, client: OAuthClient, other: OAuthClient
) -> None:
    text = _issue(client).text
    acme, globex = (replace(admin, organization=name) for name in ("acme", "globex"))
    for viewer in (client, admin, acme):
        assert access_tokens.introspect(text, AT, viewer=viewer) is not None
    for foreign in (other, globex):
        assert access_tokens.introspect(text, AT, viewer=foreign) is None


def test_a_token_ends_with_its_client(admin: Actor, client: OAuthClient) -> None:
    text = _issue(client).text
    clients.revoke(admin, client.id)
    assert access_tokens.introspect(text, AT, viewer=admin) is None


def test_a_device_is_let_in_once_by_its_persons_word(admin: Actor, client: OAuthClient) -> None:
    code = device_grants.begin(client, "device", ["read"], AT)
    polled = device_grants.poll(client, "device", AT)
    assert polled is not None
    assert polled.status is Status.PENDING
    device_grants.decide(_devices(admin), code.lower(), is_approved=True)
    polled = device_grants.poll(client, "device", SOON)
    assert polled == device_grants.Polled(Status.APPROVED, "tok_000000000001", ("read",))
    assert device_grants.poll(client, "device", SOON) is None
    with pytest.raises(Problem):
        device_grants.decide(_devices(admin), code, is_approved=True)


def test_a_device_that_was_turned_away_hears_it_once(admin: Actor, client: OAuthClient) -> None:
    code = device_grants.begin(client, "device", [], AT)
    device_grants.decide(admin, code, is_approved=False)
    polled = device_grants.poll(client, "device", AT)
    assert polled is not None
    assert polled.status is Status.DENIED
    assert device_grants.poll(client, "device", AT) is None


def test_a_device_that_asks_too_often_is_slowed_down(client: OAuthClient) -> None:
    device_grants.begin(client, "device", [], AT)
    asked = [AT, AT + timedelta(seconds=4), AT + timedelta(seconds=9)]
    statuses = []
    for at in asked:
        polled = device_grants.poll(client, "device", at)
        assert polled is not None
        statuses.append(polled.status)
    assert statuses == [Status.PENDING, Status.SLOW_DOWN, Status.PENDING]


def test_a_code_is_over_after_its_time_even_if_approved(admin: Actor, client: OAuthClient) -> None:
    code = device_grants.begin(client, "device", [], AT)
    over = AT + timedelta(seconds=600)
    with pytest.raises(Problem):
        device_grants.decide(admin.later(over), code, is_approved=True)
    device_grants.decide(admin, code, is_approved=True)
    polled = device_grants.poll(client, "device", over)
    assert polled is not None
    assert polled.status is Status.EXPIRED
    tidy(over + timedelta(hours=2))
    assert device_grants.poll(client, "device", over) is None


def test_another_client_gets_nothing_for_a_device_code(
    client: OAuthClient, other: OAuthClient
) -> None:
    device_grants.begin(client, "device", [], AT)
    assert device_grants.poll(other, "device", AT) is None


def test_only_who_may_make_keys_of_the_application_decides(
    admin: Actor, client: OAuthClient
) -> None:
    code = device_grants.begin(client, "device", [], AT)
    for actor, expected in (
        (replace(admin, organization="globex"), ProblemType.NOT_FOUND),
        (replace(admin, scopes=frozenset({Scope.READ})), ProblemType.FORBIDDEN),
    ):
        with pytest.raises(Problem) as caught:
            device_grants.decide(actor, code, is_approved=True)
        assert caught.value.type is expected
    device_grants.decide(replace(admin, organization="acme"), code, is_approved=True)


def test_no_code_of_a_device_is_kept_as_it_is(client: OAuthClient) -> None:
    code = device_grants.begin(client, "a device code", [], AT)
    kept = str(list(DeviceGrant.objects.values()))
    assert "a device code" not in kept
    assert code not in kept
    assert code.replace("-", "") not in kept


def test_devices_of_one_client_wait_in_a_queue_with_an_end(
    client: OAuthClient, other: OAuthClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_grants, "WAITING_MAX", 2)
    for number in range(2):
        device_grants.begin(client, f"device {number}", [], AT)
    with pytest.raises(Problem) as caught:
        device_grants.begin(client, "one more", [], AT)
    assert caught.value.type is ProblemType.TOO_MANY
    device_grants.begin(other, "another's", [], AT)
    device_grants.begin(client, "later", [], AT + timedelta(seconds=600))


def _begin(client: OAuthClient) -> str:
    return refresh_grants.begin(
        client, subject="tok_1", scopes=["read"], token=_issue(client), at=AT
    ).text


def _renew(client: OAuthClient, text: str, at: datetime) -> str | None:
    grant = refresh_grants.find(client, text, at)
    if grant is None:
        return None
    return refresh_grants.renew(grant, text, _issue(client, at), at).text


def test_a_refresh_token_is_good_once(client: OAuthClient) -> None:
    first = _begin(client)
    later = AT + timedelta(hours=1)
    second = _renew(client, first, later)
    assert second is not None
    assert second != first
    assert _renew(client, second, later) is not None


def test_a_refresh_token_that_comes_again_ends_the_grant_and_its_last_token(
    client: OAuthClient,
) -> None:
    first = _begin(client)
    second = _renew(client, first, AT)
    assert second is not None
    later = AT + timedelta(seconds=61)
    assert _renew(client, first, later) is None
    assert _renew(client, second, later) is None
    assert Block.objects.filter(kind=BlockKind.TOKEN).count() == 1


def test_an_answer_that_was_lost_may_be_asked_for_again(client: OAuthClient) -> None:
    first = _begin(client)
    _renew(client, first, AT)
    again = _renew(client, first, AT + timedelta(seconds=60))
    assert again is not None
    assert _renew(client, again, AT + timedelta(hours=1)) is not None


def test_a_refresh_token_is_its_clients_alone_and_ends_unused(
    client: OAuthClient, other: OAuthClient
) -> None:
    first = _begin(client)
    assert _renew(other, first, AT) is None
    assert _renew(client, first, AT + timedelta(days=30)) is None
    assert _renew(client, "rft_000000000000.hgr_x", AT) is None
    assert _renew(client, "", AT) is None
    assert _renew(client, first, AT) is not None


def test_a_revoked_refresh_token_takes_its_access_token_with_it(
    client: OAuthClient, other: OAuthClient
) -> None:
    text = _begin(client)
    assert not refresh_grants.revoke(other, text, AT)
    assert refresh_grants.revoke(client, text, AT)
    assert not refresh_grants.revoke(client, text, AT)
    assert Block.objects.count() == 1
    assert not RefreshGrant.objects.exists()


def test_no_refresh_token_is_kept_as_it_is(client: OAuthClient) -> None:
    text = _begin(client)
    assert text.partition(".")[2] not in str(list(RefreshGrant.objects.values()))
