"""Does a token count exactly when its server's answer fits the policy (RFC 7662 §2.2)?"""

from typing import Any

import pytest

from headgate.gateway.introspection import HEADER_BYTES_MAX, judged, servers
from headgate.gateway.policy import parse
from headgate.gateway.secrets import fill
from headgate.model.introspection import IntrospectionServer
from headgate.model.snapshot import PolicyUse, Snapshot

NOW = 1_800_000_000.0
SETTINGS = {
    "issuer": "https://login.example.com",
    "endpoint": "https://login.example.com/introspect",
    "client_id": "gateway",
    "client_secret": "${secret:introspection}",
    "audiences": ["https://api.example.com"],
    "required_claims": {"scope": "read"},
    "claim_headers": {"team": "X-Team", "age": "X-Age", "tags": "X-Tags"},
}
GOOD = {
    "active": True,
    "client_id": "robot",
    "sub": "r@example.com",
    "aud": ["https://api.example.com", "other"],
    "scope": "read write",
    "exp": NOW + 10,
    "jti": "j1",
}


def server(**changes: Any) -> IntrospectionServer:
    found = parse(PolicyUse("introspect", SETTINGS | changes)).server
    assert found is not None
    return found


def headers(said: dict[str, Any], **changes: Any) -> dict[str, str] | None:
    found = judged(server(**changes), GOOD | said, now_s=NOW)
    return None if found is None else dict(found[0])


def test_a_good_answer_is_handed_over_as_the_facts_of_a_verified_token() -> None:
    told = headers({"team": "blue", "age": 7, "tags": ["a", "b"]})
    assert told == {
        "x-headgate-introspected": "yes",
        "x-headgate-issuer": "https://login.example.com",
        "x-headgate-client": "robot",
        "x-headgate-subject": "r@example.com",
        "x-headgate-jti": "j1",
        "x-headgate-scope": "read write",
        "x-team": "blue",
        "x-age": "7",
        "x-tags": "WyJhIiwiYiJd",
        "x-envoy-auth-headers-to-remove": "authorization",
    }


@pytest.mark.parametrize(
    "said",
    [
        {"active": False},
        {"active": "true"},
        {"active": 1},
        {"exp": NOW},
        {"exp": "never"},
        {"exp": True},
        {"nbf": NOW + 1},
        {"iss": "https://elsewhere.example.com"},
        {"aud": "https://elsewhere.example.com"},
        {"aud": None},
        {"scope": "reader"},
        {"scope": None},
    ],
    ids=str,
)
def test_what_does_not_fit_is_not_good(said: dict[str, Any]) -> None:
    assert headers(said) is None


@pytest.mark.parametrize(
    "said",
    [
        {"exp": None},
        {"nbf": NOW},
        {"iss": "https://login.example.com"},
        {"aud": "https://api.example.com"},
        {"scope": ["read", "write"]},
    ],
    ids=str,
)
def test_what_may_be_otherwise_is_good_all_the_same(said: dict[str, Any]) -> None:
    assert headers(said) is not None


def test_scopes_and_roles_are_found_where_the_policy_says() -> None:
    said = {"scp": ["a"], "realm_access": {"roles": ["owner"]}}
    told = headers(said, role_claims=["roles", "realm_access.roles"])
    assert told is not None
    assert told["x-headgate-scope"] == "read write"
    assert told["x-headgate-scope-2"] == "WyJhIl0="
    assert told["x-headgate-roles-2"] == "WyJvd25lciJd"
    assert "x-headgate-roles" not in told


def test_a_token_is_known_for_the_shorter_of_cache_and_its_own_end() -> None:
    for cache, seconds in ((30, 10), (5, 5)):
        found = judged(server(cache_seconds=cache), GOOD, now_s=NOW)
        assert found is not None
        assert found[1] == seconds


def test_no_claim_can_write_a_header_of_its_own() -> None:
    told = headers({"sub": "a\r\nx-headgate-client: root", "team": "x" * (HEADER_BYTES_MAX + 1)})
    assert told is not None
    assert told["x-headgate-subject"] == "a__x-headgate-client: root"
    assert "x-team" not in told


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": "clear text"},
        {"endpoint": "ftp://login.example.com"},
        {"endpoint": "https://me:secret@login.example.com/introspect"},
        {"claim_headers": {"sub": "X-Headgate-Subject"}},
        {"claim_headers": {"sub": "Authorization"}},
        {"cache_entries": 1_000_000},
    ],
    ids=str,
)
def test_impossible_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"for Introspect"):
        server(**changes)


def test_only_servers_whose_secret_is_there_are_asked() -> None:
    uses = (PolicyUse("introspect", SETTINGS), PolicyUse("ip_filter", {"deny": ["10.0.0.0/8"]}))
    snapshot = Snapshot(1, "default", (), uses)
    assert servers(snapshot) == ()
    filled = fill(Snapshot(1, "default", (), uses, secrets={"introspection": "it"}))
    assert [one.client_secret for one in servers(filled, filled)] == ["it"]
