"""Does an operation open only for who was given the scopes and roles that it needs?"""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.model.logline import words
from headgate.model.scopes import ScopeNeeds
from headgate.model.snapshot import PolicyUse
from headgate.model.token_facts import CLIENT_HEADERS, FACTS, ROLE_HEADERS, SCOPE_HEADERS
from tests.support.callers import Callers, callers, issuer, token
from tests.support.peer import Peer

pytestmark = pytest.mark.integration

READ_WRITE = ScopeNeeds(("read write", "admin"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    with callers(tmp_path_factory.mktemp("scopes")) as made:
        yield made


def bearer(**claims: Any) -> str:
    return f"Bearer {token(**claims)}"


def test_a_token_without_the_scope_is_told_which_one_is_needed(
    world: Callers, upstream: Peer
) -> None:
    world.publish(upstream, issuer(), needs=READ_WRITE)
    answer = world.call(Authorization=bearer(scope="read profile"))
    assert answer.status == 403
    assert answer.json["type"] == "urn:headgate:problem:insufficient-scope"
    assert "the scopes read write, or admin" in answer.json["next_step"]
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="headgate", error="insufficient_scope", scope="read write"'
    )
    line = world.gateway.line(answer.headers["x-request-id"])
    assert words(line["access"])[0] == "insufficient_scope"


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "write x read"},
        {"scope": "admin"},
        {"scp": "read write"},
        {"scp": ["read", "write"]},
        {"scope": "read", "scp": ["write"]},
    ],
)
def test_a_token_with_one_of_the_sets_passes_however_it_says_so(
    world: Callers, upstream: Peer, claims: dict[str, Any]
) -> None:
    world.publish(upstream, issuer(), needs=READ_WRITE)
    assert world.call(Authorization=bearer(**claims)).status == 200
    sent = upstream.last["headers"]
    assert not [name for name in sent if name.startswith("x-headgate-")]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"client_claims": ["client_id"], "scope_claims": ["scope"]},
        {"client_claims": ["client_id"], "scope_claims": [], "role_claims": []},
        {"role_claims": ["roles", "realm_access.roles"]},
    ],
)
def test_what_an_issuer_has_no_claim_for_is_not_taken_from_the_caller(
    world: Callers, upstream: Peer, claims: dict[str, list[str]]
) -> None:
    """The headers in which the access filter finds a token's facts, whichever are in use."""
    told = (*FACTS.values(), *CLIENT_HEADERS, *SCOPE_HEADERS, *ROLE_HEADERS)
    admin = base64.b64encode(b'["admin"]').decode()
    by_header = {name: "robot" if "client" in name else "admin" for name in told}
    for forged in (by_header, by_header | dict.fromkeys(ROLE_HEADERS, admin)):
        headers = {name.replace("-", "_"): value for name, value in forged.items()}
        for needs in (ScopeNeeds(("admin",)), ScopeNeeds(roles=("admin",))):
            world.publish(upstream, issuer(claims=claims), needs=needs)
            answer = world.call(Authorization=bearer(), **headers)
            assert (answer.status, answer.json["type"].rpartition(":")[2]) == (
                403,
                "insufficient-scope",
            )
        world.publish(upstream, issuer(claims=claims))
        assert world.call(Authorization=bearer(client_id=7), **headers).status == 401
        assert world.call(Authorization=bearer(), **headers).status == 200
        assert not [name for name in upstream.last["headers"] if name.startswith("x-headgate-")]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"scope": ""},
        {"scope": "readwrite"},
        {"scope": "read, write"},
        {"scope": "READ WRITE"},
        {"scope": {"read": True, "write": True, "admin": True}},
        {"scope": [{"admin": "admin"}]},
        {"scope": 7},
        {"scopes": "admin"},
        {"roles": ["admin"]},
    ],
)
def test_what_does_not_say_the_scope_does_not_grant_it(
    world: Callers, upstream: Peer, claims: dict[str, Any]
) -> None:
    world.publish(upstream, issuer(), needs=READ_WRITE)
    forged = {"X-Headgate-Scope": "admin", "X-Headgate-Roles": "admin"}
    answer = world.gateway.call("/shop/echo", headers=forged | {"Authorization": bearer(**claims)})
    assert answer.status == 403


def test_a_key_may_do_everything_until_it_is_restricted(world: Callers, upstream: Peer) -> None:
    world.publish(upstream, needs=READ_WRITE)
    assert world.call(X_API_Key=world.key.text).status == 200
    answer = world.call(X_API_Key=world.reader_key.text)
    assert (answer.status, answer.json["title"]) == (403, "Insufficient scope")
    world.publish(upstream, needs=ScopeNeeds(("read",)))
    assert world.call(X_API_Key=world.reader_key.text).status == 200


def test_a_document_that_lets_keys_in_without_scopes_asks_them_of_tokens_alone(
    world: Callers, upstream: Peer
) -> None:
    needs = ScopeNeeds(("write",), is_for_tokens=True)
    world.publish(upstream, issuer(), needs=needs)
    assert world.call(X_API_Key=world.reader_key.text).status == 200
    assert world.call(Authorization=bearer(scope="read")).status == 403
    assert world.call(Authorization=bearer(scope="write")).status == 200


def test_a_role_is_needed_beside_a_scope_and_comes_from_the_roles_alone(
    world: Callers, upstream: Peer
) -> None:
    needs = ScopeNeeds(("read",), ("clerk", "chief"))
    world.publish(upstream, issuer(), needs=needs)
    assert world.call(Authorization=bearer(scope="read", roles=["x", "chief"])).status == 200
    assert world.call(Authorization=bearer(scope="read", roles="clerk")).status == 200
    for claims in (
        {"scope": "read"},
        {"scope": "read clerk"},
        {"scope": "read role:clerk"},
        {"scope": "read", "roles": ["not clerk"]},
        {"roles": ["clerk"]},
    ):
        assert world.call(Authorization=bearer(**claims)).status == 403, claims


def test_roles_may_stand_inside_another_claim(world: Callers, upstream: Peer) -> None:
    policy = issuer()
    policy.settings["issuers"][0]["role_claims"] = ["realm_access.roles"]
    world.publish(upstream, policy, needs=ScopeNeeds(roles=("clerk",)))
    assert world.call(Authorization=bearer(realm_access={"roles": ["clerk"]})).status == 200
    assert world.call(Authorization=bearer(roles=["clerk"])).status == 403


def test_the_policy_goes_before_the_document_and_can_switch_it_off(
    world: Callers, upstream: Peer
) -> None:
    stricter = PolicyUse("scopes", {"any_of": ["audit"]})
    world.publish(upstream, issuer(), needs=READ_WRITE, of_operation=[stricter])
    assert world.call(Authorization=bearer(scope="read write")).status == 403
    assert world.call(Authorization=bearer(scope="audit")).status == 200
    world.publish(upstream, issuer(), stricter, needs=READ_WRITE)
    assert world.call(X_API_Key=world.reader_key.text).status == 403
    world.publish(upstream, issuer(), needs=READ_WRITE, of_operation=[PolicyUse("scopes", {})])
    assert world.call(Authorization=bearer()).status == 200
    assert world.call(X_API_Key=world.reader_key.text).status == 200


def test_an_open_api_asks_who_comes_without_a_credential_for_the_policys_scopes_alone(
    world: Callers, upstream: Peer
) -> None:
    world.publish(upstream, issuer(), needs=READ_WRITE)
    assert world.call("/open/echo").status == 200
    assert world.call("/open/echo", Authorization=bearer()).status == 403
    assert world.call("/shop/echo").status == 401
    world.publish(upstream, issuer(), PolicyUse("scopes", {"any_of": ["read"]}))
    answer = world.call("/open/echo")
    assert answer.status == 401
    assert "error" not in answer.headers["www-authenticate"]
    assert world.call("/open/echo", Authorization=bearer(scope="read")).status == 200


def test_a_token_of_nobodys_client_needs_the_scopes_too(world: Callers, upstream: Peer) -> None:
    world.publish(upstream, issuer(unknown_clients=True), needs=READ_WRITE)
    assert world.call(Authorization=bearer(client_id="x", scope="read")).status == 403
    assert world.call(Authorization=bearer(client_id="x", scope="admin")).status == 200
