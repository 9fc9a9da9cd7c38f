"""What may be attached to a product or plan, and what comes of it for whom?"""

import pytest

from headgate.gateway.callers import SETS_PER_API_MAX, caller_sets
from headgate.gateway.compile import check
from headgate.gateway.envoy.resources import Translator
from headgate.gateway.policy import caller_error, policies
from headgate.gateway.secrets import fill, references
from headgate.model.snapshot import CallerPolicies, PolicyUse, Snapshot
from tests.support.proxy import api
from tests.unit.gateway.test_golden import NODE

HIDE = PolicyUse("json_body", {"response": {"remove": ["/price"]}})
CALLERS_ALLOWED = {
    "affinity",
    "cache",
    "compression",
    "fault",
    "headers",
    "json_body",
    "mock",
    "retry",
    "rewrite",
    "timeout",
    "upstream_auth",
}


def of(*uses: PolicyUse, plan: int = 17, apis: tuple[int, ...] = (1,)) -> CallerPolicies:
    return CallerPolicies(5, plan, f"basic/{plan}" if plan else "basic", apis, uses)


def snapshot(*callers: CallerPolicies) -> Snapshot:
    shop = api("GET /items", "GET /items/{id}")
    return Snapshot(1, "default", (shop, api("GET /x", row=2, base_path="/y")), callers=callers)


def test_a_plan_of_a_product_with_policies_has_those_of_both() -> None:
    product, plan = of(HIDE, plan=0), of(HIDE)
    found = caller_sets((product, plan), api("GET /items"))
    assert [(one.prefix, one.places) for one in found] == [
        ("1.5.", (product,)),
        ("1.5.17.", (product, plan)),
    ]


def test_an_api_that_is_in_no_such_product_is_left_as_it_was() -> None:
    shop = snapshot(of(HIDE)).apis[1]
    assert caller_sets((of(HIDE),), shop) == ()
    plain, told = (Translator(NODE).translate(snapshot(*one)) for one in ((), (of(HIDE),)))
    text = b"2000 api2 v1 GET /x"
    assert text in told.files()["rds.pb"]
    assert text in plain.files()["rds.pb"]
    assert b"1000p api1" in told.files()["rds.pb"]
    assert b"1000p api1" not in plain.files()["rds.pb"]


def test_a_change_of_a_plan_changes_the_routes_of_its_apis_alone() -> None:
    kept = Translator(NODE)
    kept.translate(snapshot(of(HIDE)))
    before = {row: part for (row, _), (_, part) in kept._parts.items()}
    kept.translate(snapshot(of(PolicyUse("timeout", {"seconds": 2}))))
    after = {row: part for (row, _), (_, part) in kept._parts.items()}
    assert after[1] is not before[1]
    assert after[2] is before[2]


def test_kinds_that_cannot_be_attached_say_why() -> None:
    reasons = {kind: caller_error(kind) for kind in policies}
    assert {kind for kind, reason in reasons.items() if not reason} == CALLERS_ALLOWED
    assert reasons["cors"] == reasons["jwt"] == "it acts before the caller is known"
    assert "rates and quotas of its own" in reasons["rate_limit"]


def test_every_filter_of_a_kind_for_callers_can_do_nothing() -> None:
    for kind in CALLERS_ALLOWED:
        policy = policies[kind].model_validate(policies[kind].example)
        assert all(one.idle is not None for one in policy.filters()), kind


@pytest.mark.parametrize("kind", ["ip_filter", "validate", "shield", "rate_limit"])
def test_a_kind_that_cannot_be_attached_is_refused_with_its_place_and_reason(kind: str) -> None:
    use = PolicyUse(kind, policies[kind].example)
    (found,) = check(snapshot(of(use)))
    assert found.pointer == "/callers/0/policies/0"
    assert found.message.startswith("plan basic/17: ")
    assert caller_error(kind) in found.message


def test_what_does_not_fit_an_operation_of_the_product_is_refused_with_both_named() -> None:
    (found,) = check(snapshot(of(PolicyUse("rewrite", {"path": "/v2/{id}"}))))
    assert found.pointer == "/callers/0/policies/0"
    assert "plan basic/17: rewrite: API api1, GET /items:" in found.message
    assert check(snapshot(of(PolicyUse("rewrite", {"path": "/v2"})))) == []


def test_wrong_settings_are_refused_where_they_stand() -> None:
    (found,) = check(snapshot(of(PolicyUse("timeout", {"seconds": -1}))))
    assert found.pointer.startswith("/callers/0/policies/0/settings")


def test_more_plans_with_policies_than_an_api_takes_are_refused() -> None:
    fit = [of(HIDE, plan=plan) for plan in range(1, SETS_PER_API_MAX + 1)]
    assert check(snapshot(*fit)) == []
    (found,) = check(snapshot(*fit, of(HIDE, plan=1000)))
    assert found.pointer == "/apis/0"


def test_a_secret_that_a_plan_names_is_found_and_filled() -> None:
    named = PolicyUse("headers", {"request": {"set": {"X-Key": "${secret:billing}"}}})
    made = Snapshot(1, "default", callers=(of(named),), secrets={"billing": "s3cret"})
    assert [(one.name, one.owner) for one in references(made)] == [("billing", "plan basic/17")]
    assert references(fill(made)) == []
    assert "s3cret" in str(fill(made).callers)
