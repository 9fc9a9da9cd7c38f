"""Limits by a claim are refused at publishing where nobody could tell the claim."""

from dataclasses import replace

from headgate.gateway.claims import CLAIMS_MAX, claims_by_api
from headgate.gateway.compile import check, published_rows
from headgate.gateway.introspection import servers
from headgate.gateway.secrets import Resolved
from headgate.model.access import LimitSubject
from headgate.model.snapshot import PolicyUse, Snapshot
from tests.support.proxy import api

JWT = PolicyUse("jwt", {"issuers": [{"issuer": "https://login.example.com"}]})
OPAQUE = PolicyUse(
    "introspect",
    {
        "issuer": "https://login.example.com",
        "endpoint": "https://login.example.com/introspect",
        "client_id": "gateway",
        "client_secret": "${secret:introspection}",
    },
)


def _by(claim: str) -> PolicyUse:
    return PolicyUse("rate_limit", {"rates": ["10/second"], "per": "claim", "claim": claim})


def _snapshot(*uses: PolicyUse, general: tuple[PolicyUse, ...] = ()) -> Snapshot:
    made = api("GET /a", "GET /b", policies=uses)
    return Snapshot(1, "default", (made,), policies=general)


def test_a_limit_by_a_claim_needs_a_policy_that_verifies_tokens() -> None:
    (found,) = check(_snapshot(_by("tenant")))
    assert "'tenant'" in found.message
    assert "`introspect` or `jwt`" in found.message
    assert found.pointer == "/apis/0/operations/0/policies"
    for teller in (JWT, OPAQUE):
        assert check(_snapshot(teller, _by("tenant"))) == []
    assert check(_snapshot(_by("tenant"), general=(JWT,))) == []


def test_an_operation_without_the_policy_is_named() -> None:
    made = api("GET /a", "GET /b", of_operation={"GET /b": (_by("tenant"),), "GET /a": (JWT,)})
    (found,) = check(Snapshot(1, "default", (made,)))
    assert "GET /b" in found.message


def test_a_limit_names_a_claim_exactly_when_it_counts_by_one() -> None:
    for settings in (
        {"per": "claim"},
        {"per": "claim", "claim": " "},
        {"per": "application", "claim": "tenant"},
        {"claim": "tenant"},
    ):
        use = PolicyUse("rate_limit", {"rates": ["10/second"]} | settings)
        (found,) = check(_snapshot(JWT, use))
        assert "name a claim" in found.message


def test_there_are_only_so_many_claims_of_one_api() -> None:
    operations = [f"GET /{n}" for n in range(CLAIMS_MAX + 1)]

    def with_claims(most: int) -> Snapshot:
        attached = {line: (_by(f"c{n}"),) for n, line in enumerate(operations[:most])}
        return Snapshot(1, "default", (api(*operations, policies=[JWT], of_operation=attached),))

    assert check(with_claims(CLAIMS_MAX)) == []
    (found,) = check(with_claims(CLAIMS_MAX + 1))
    assert f"more than {CLAIMS_MAX} claims" in found.message


def test_claims_are_numbered_by_name_over_all_versions_of_the_api() -> None:
    first = api("GET /a", policies=[JWT, _by("tenant")])
    second = api("GET /a", row=2, policies=[JWT, _by("region")])
    second = replace(second, name=first.name, version="v2", is_default=False)
    snapshot = Snapshot(1, "default", (first, second))
    assert claims_by_api(snapshot) == {first.name: ("region", "tenant")}
    rows = {one.row: one.limits[0] for one in published_rows(snapshot).apis}
    assert (rows[1].claim, rows[1].number) == ("tenant", 1)
    assert (rows[2].claim, rows[2].number, rows[2].subject) == ("region", 0, LimitSubject.CLAIM)


def test_the_introspector_is_asked_for_the_claims_where_they_count_and_nowhere_else() -> None:
    limited = api("GET /a", policies=[_by("tenant")])
    plain = api("GET /a", row=2, base_path="/plain")
    known = PolicyUse("introspect", OPAQUE.settings | {"client_secret": Resolved("x")})
    found = servers(Snapshot(1, "default", (limited, plain), policies=(known,)))
    assert sorted(tuple(one.limit_claims) for one in found) == [(), ("tenant",)]
    assert len({one.id for one in found}) == 2
