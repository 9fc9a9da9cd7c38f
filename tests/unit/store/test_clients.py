"""Are OAuth clients made, rotated and revoked as they should, and is a secret never kept?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.access import CredentialKind, RowState
from headgate.model.tokens import client_sha256
from headgate.store.models import AuditEntry, ClientSecret, Credential, SigningKey
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import applications, credentials, organizations
from headgate.store.services.gateway import access_feed
from headgate.store.services.oauth import client_authentication, clients, signing_keys
from headgate.store.services.oauth.clients import IssuedClient
from tests.support.store import AT


@pytest.fixture
def demo(admin: Actor, issuer: str) -> str:
    applications.create(admin, name="demo", organization="acme", create_organization=True)
    return "acme/demo"


@pytest.fixture
def made(admin: Actor, demo: str) -> IssuedClient:
    return clients.create(admin, application=demo, scopes=["write", "read", "read"])


def _text(issued: IssuedClient) -> str:
    assert issued.secret is not None
    return issued.secret.text


def test_a_client_is_a_credential_that_the_gateway_finds_by_its_issuer_and_id(
    made: IssuedClient, node: Actor, issuer: str
) -> None:
    delta = access_feed.delta(node, generation="", after=0)
    assert delta is not None
    [row] = delta.credentials
    assert row.kind is CredentialKind.OAUTH_CLIENT
    assert row.id == made.client.id
    assert row.sha256 == client_sha256(issuer, made.client.id)
    assert made.client.id.startswith("cli_")
    assert made.client.scopes == ["read", "write"]


def test_a_client_is_none_of_the_keys(admin: Actor, made: IssuedClient) -> None:
    assert credentials.page(admin).items == ()
    with pytest.raises(Problem) as caught:
        credentials.revoke(admin, made.client.id)
    assert caught.value.type is ProblemType.NOT_FOUND
    assert client_authentication.with_secret(made.client.id, _text(made), AT) is not None


def test_only_the_secret_opens_and_it_is_kept_nowhere(made: IssuedClient) -> None:
    found = client_authentication.with_secret(made.client.id, _text(made), AT)
    assert found is not None
    assert found.id == made.client.id
    for client_id, secret in (
        (made.client.id, "hgs_" + "0" * 38),
        (made.client.id, ""),
        ("cli_000000000000", _text(made)),
        ("", ""),
    ):
        assert client_authentication.with_secret(client_id, secret, AT) is None
    kept = [*ClientSecret.objects.values(), *AuditEntry.objects.values()]
    assert _text(made) not in str(kept)
    assert _text(made) not in repr(made)


def test_a_rotated_secret_works_for_the_overlap_and_no_longer(
    admin: Actor, made: IssuedClient
) -> None:
    second = clients.rotate(admin, made.client.id, overlap_seconds=60)
    for text in (_text(made), _text(second)):
        assert client_authentication.with_secret(made.client.id, text, AT) is not None
    later = AT + timedelta(seconds=60)
    assert client_authentication.with_secret(made.client.id, _text(made), later) is None
    assert client_authentication.with_secret(made.client.id, _text(second), later) is not None


def test_two_secrets_are_valid_at_one_time_and_never_three(
    admin: Actor, made: IssuedClient
) -> None:
    clients.rotate(admin, made.client.id, overlap_seconds=60)
    with pytest.raises(Problem) as caught:
        clients.rotate(admin, made.client.id, overlap_seconds=60)
    assert caught.value.type is ProblemType.CONFLICT
    third = clients.rotate(admin, made.client.id)
    assert [s.sha256 for s in clients.secrets_of(third.client, AT)] == [
        third.secret.sha256 if third.secret else ""
    ]
    assert client_authentication.with_secret(made.client.id, _text(made), AT) is None


def test_a_revoked_client_stays_revoked(admin: Actor, made: IssuedClient) -> None:
    clients.revoke(admin, made.client.id)
    assert client_authentication.with_secret(made.client.id, _text(made), AT) is None
    assert Credential.objects.get(id=made.client.id).state is RowState.REVOKED
    for act in (
        lambda: clients.rotate(admin, made.client.id),
        lambda: clients.update(admin, made.client.id, name="other"),
    ):
        with pytest.raises(Problem) as caught:
            act()
        assert caught.value.type is ProblemType.CONFLICT
    assert clients.revoke(admin, made.client.id).credential.revoked_at == AT
    clients.create(admin, application="acme/demo")  # the name is free again


def test_a_client_ends_with_its_expiry_its_application_and_its_organization(
    admin: Actor, made: IssuedClient
) -> None:
    def opens(at: timedelta = timedelta()) -> bool:
        found = client_authentication.with_secret(made.client.id, _text(made), AT + at)
        return found is not None

    clients.update(admin, made.client.id, expires_at=AT + timedelta(days=1))
    assert opens()
    assert not opens(timedelta(days=1))
    applications.update(admin, "acme/demo", is_suspended=True)
    assert not opens()
    applications.update(admin, "acme/demo", is_suspended=False)
    organizations.update(admin, "acme", is_suspended=True)
    assert not opens()
    organizations.update(admin, "acme", is_suspended=False)
    assert opens()
    applications.delete(admin, "acme/demo")
    assert not opens()


def test_a_public_client_has_no_secret(admin: Actor, demo: str) -> None:
    public = clients.create(admin, application=demo, name="tv", is_public=True)
    assert public.secret is None
    assert client_authentication.public(public.client.id, AT) is not None
    assert client_authentication.with_secret(public.client.id, "", AT) is None
    with pytest.raises(Problem, match="public"):
        clients.rotate(admin, public.client.id)
    with pytest.raises(Problem, match="device flow"):
        clients.create(admin, application=demo, is_public=True, has_device_flow=False)


def test_a_confidential_client_is_not_let_in_by_its_id_alone(made: IssuedClient) -> None:
    assert client_authentication.public(made.client.id, AT) is None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": "No name"}, "/name"),
        ({"scopes": ["a b"]}, "/scopes"),
        ({"token_seconds": 59}, "/token_seconds"),
        ({"token_seconds": 86_401}, "/token_seconds"),
        ({"expires_at": AT}, "/expires_at"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    admin: Actor, demo: str, changes: dict[str, object], pointer: str
) -> None:
    with pytest.raises(Problem) as caught:
        clients.create(admin, application=demo, **changes)  # type: ignore[arg-type]
    assert caught.value.errors[0].pointer == pointer
    assert not Credential.objects.exists()


def test_a_name_is_taken_once(admin: Actor, made: IssuedClient, demo: str) -> None:
    with pytest.raises(Problem) as caught:
        clients.create(admin, application=demo)
    assert caught.value.type is ProblemType.ALREADY_EXISTS
    clients.create(admin, application=demo, name="other")
    with pytest.raises(Problem):
        clients.update(admin, made.client.id, name="other")


def test_another_organization_finds_no_client(admin: Actor, made: IssuedClient) -> None:
    foreign = replace(admin, organization="globex")
    for act in (clients.get, clients.rotate, clients.revoke, clients.update):
        with pytest.raises(Problem) as caught:
            act(foreign, made.client.id)
        assert caught.value.type is ProblemType.NOT_FOUND
    assert clients.page(foreign).items == ()
    assert len(clients.page(replace(admin, organization="acme")).items) == 1


def test_reading_is_not_enough_to_make_one(admin: Actor, demo: str) -> None:
    reader = replace(admin, scopes=frozenset({Scope.READ}))
    with pytest.raises(Problem) as caught:
        clients.create(reader, application=demo)
    assert caught.value.type is ProblemType.FORBIDDEN


def test_the_first_client_brings_the_first_key(admin: Actor, demo: str) -> None:
    assert not SigningKey.objects.exists()
    clients.create(admin, application=demo)
    clients.create(admin, application=demo, name="second")
    assert SigningKey.objects.count() == 1


def test_clients_follow_the_installation_to_a_new_url(
    admin: Actor, made: IssuedClient, node: Actor
) -> None:
    before = access_feed.delta(node, generation="", after=0)
    assert before is not None
    assert signing_keys.settle_url(admin, "https://new.example")
    assert not signing_keys.settle_url(admin, "https://new.example")
    after = access_feed.delta(node, generation=before.generation, after=before.upto)
    assert after is not None
    assert [r.sha256 for r in after.credentials] == [
        client_sha256("https://new.example", made.client.id)
    ]
