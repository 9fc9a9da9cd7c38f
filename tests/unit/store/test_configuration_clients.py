"""Do OAuth clients come back from what was exported, without a secret having left?"""

from typing import Any

import pytest

from headgate.core.problems import Problem
from headgate.store.models import ClientSecret, Credential
from headgate.store.services.actor import Actor
from headgate.store.services.configuration import desired_state
from headgate.store.services.configuration.desired_state import ChangeAction
from headgate.store.services.consumers import applications
from headgate.store.services.oauth import client_authentication, clients
from tests.support.store import AT

NAME = "acme/demo nightly"


@pytest.fixture
def exported(admin: Actor, issuer: str) -> list[dict[str, Any]]:
    applications.create(admin, name="demo", organization="acme", create_organization=True)
    clients.create(
        admin,
        application="acme/demo",
        name="nightly",
        scopes=["write", "read"],
        has_device_flow=True,
        token_seconds=600,
    )
    return desired_state.export(admin)


def _client(documents: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = [document for document in documents if document["kind"] == "client"]
    return found


def test_a_client_is_exported_without_id_and_secret(exported: list[dict[str, Any]]) -> None:
    assert _client(exported) == {
        "kind": "client",
        "name": NAME,
        "scopes": ["read", "write"],
        "is_public": False,
        "has_device_flow": True,
        "token_seconds": 600,
        "expires_at": None,
    }
    assert ClientSecret.objects.get().prefix not in str(exported)


def test_what_was_exported_is_applied_without_a_change(
    admin: Actor, exported: list[dict[str, Any]]
) -> None:
    assert desired_state.apply(admin, exported, prune=True) == []
    shuffled = _client(exported) | {"scopes": ["write", "read"]}
    assert desired_state.apply(admin, [shuffled]) == []


def test_a_client_that_is_applied_anew_waits_for_its_first_secret(
    admin: Actor, exported: list[dict[str, Any]]
) -> None:
    applications.delete(admin, "acme/demo")
    desired_state.apply(admin, exported)
    assert _client(desired_state.export(admin)) == _client(exported)
    [client] = [row for row in clients.page(admin).items if row.credential.revoked_at is None]
    assert clients.secrets_of(client, AT) == []
    assert client_authentication.with_secret(client.id, "", AT) is None
    secret = clients.rotate(admin, client.id, overlap_seconds=60).secret
    assert secret is not None
    assert client_authentication.with_secret(client.id, secret.text, AT) is not None


def test_fields_are_changed_and_no_client_is_pruned(
    admin: Actor, exported: list[dict[str, Any]]
) -> None:
    changed = _client(exported) | {"scopes": ["read"], "has_device_flow": False}
    [change] = desired_state.apply(admin, [changed])
    assert (change.action, change.name) == (ChangeAction.UPDATE, NAME)
    assert set(change.fields) == {"scopes", "has_device_flow"}
    rest = [document for document in exported if document["kind"] != "client"]
    assert desired_state.apply(admin, rest, prune=True) == []
    assert Credential.objects.get().revoked_at is None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [({"is_public": True}, "/0/is_public"), ({"token_seconds": 1}, "/0/token_seconds")],
)
def test_what_cannot_be_is_named_by_its_place(
    admin: Actor, exported: list[dict[str, Any]], change: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Problem) as caught:
        desired_state.apply(admin, [_client(exported) | change])
    assert caught.value.errors[0].pointer == pointer
