"""Is every mistake of a snapshot named, with both places, and nothing that is right?"""

from typing import Any

import pytest

from headgate.gateway.compile import check, published_rows
from headgate.gateway.policy import policies
from headgate.model.access import LimitSubject
from headgate.model.limits import LimitKind
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from tests.support.proxy import api


def said(*apis: SnapshotAPI, of_gateway: tuple[PolicyUse, ...] = ()) -> list[tuple[str, str]]:
    found = check(Snapshot(1, "default", apis, of_gateway))
    return [(detail.pointer, detail.message) for detail in found]


def only(found: list[tuple[str, str]]) -> tuple[str, str]:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("kind", list(policies))
def test_the_example_of_every_policy_passes(kind: str) -> None:
    assert said(api("GET /x/{id}", policies=[PolicyUse(kind, policies[kind].example)])) == []


@pytest.mark.parametrize("kind", list(policies))
def test_every_policy_refuses_a_setting_that_it_does_not_have(kind: str) -> None:
    settings = policies[kind].example | {"no_such": 1}
    pointer, _ = only(said(api("GET /x", policies=[PolicyUse(kind, settings)])))
    assert pointer == "/apis/0/policies/0/settings/no_such"


@pytest.mark.parametrize("kind", list(policies))
def test_every_policy_documents_its_settings_and_its_source(kind: str) -> None:
    policy = policies[kind]
    assert "Source:" in (policy.__doc__ or "")
    assert all(field.description for field in policy.model_fields.values())


@pytest.mark.parametrize(
    ("kind", "settings", "pointer"),
    [
        ("cors", {"allow_origins": ["example.com"]}, "/allow_origins"),
        ("cors", {"allow_origins": []}, "/allow_origins"),
        ("cors", {"allow_origins": ["*"], "allow_credentials": True}, ""),
        ("ip_filter", {"deny": ["10.0.0.300"]}, "/deny/0"),
        ("ip_filter", {}, ""),
        ("headers", {"request": {"set": {"Host": "a"}}}, "/request"),
        ("headers", {"response": {"remove": ["X-Request-Id"]}}, "/response"),
        ("headers", {"request": {"set": {"X-Forwarded-For": "1"}}}, "/request"),
        ("headers", {"request": {"set": {"X A": "1"}}}, "/request"),
        ("headers", {"request": {"set": {"X-A": "1\r\nX-B: 2"}}}, "/request"),
        ("request_size", {"body_max": "large"}, "/body_max"),
        ("request_size", {"body_max": 0}, "/body_max"),
        ("rate_limit", {"rates": ["10/month"]}, "/rates"),
        ("rate_limit", {"quotas": ["10/second"]}, "/quotas"),
        ("rate_limit", {}, ""),
        ("rate_limit", {"rates": ["1/s"] * 5}, ""),
        ("rate_limit", {"rates": ["1/s"], "per": "moon"}, "/per"),
        ("compression", {"algorithms": ["lzma"]}, "/algorithms/0"),
    ],
)
def test_settings_that_cannot_be_are_refused_where_they_stand(
    kind: str, settings: dict[str, Any], pointer: str
) -> None:
    attached = {"GET /x": (PolicyUse(kind, settings),)}
    found, message = only(said(api("GET /x", of_operation=attached)))
    assert found == f"/apis/0/operations/0/policies/0/settings{pointer}"
    assert kind in message


def test_an_unknown_kind_is_refused_and_the_known_are_named() -> None:
    pointer, message = only(said(api("GET /x", policies=[PolicyUse("cros")])))
    assert pointer == "/apis/0/policies/0/kind"
    assert "cors" in message


def test_one_kind_twice_at_one_place_is_refused_with_both_places() -> None:
    twice = [PolicyUse("cache"), PolicyUse("cache")]
    pointer, message = only(said(api("GET /x", policies=twice)))
    assert pointer == "/apis/0/policies/1"
    assert "/apis/0/policies/0" in message


def test_a_rate_limit_is_refused_at_the_gateway_and_other_kinds_are_not() -> None:
    limit = PolicyUse("rate_limit", policies["rate_limit"].example)
    assert only(said(of_gateway=(limit,)))[0] == "/policies/0"
    assert said(of_gateway=(PolicyUse("cache"),)) == []


def test_two_apis_with_one_base_path_are_refused_with_both_names() -> None:
    pointer, message = only(said(api("GET /x"), api("GET /y", row=2)))
    assert pointer == "/apis/1/base_path"
    assert "api1" in message
    assert "api2" in message


@pytest.mark.parametrize("base_path", ["shop", "/shop/", "/a//b", "/{x}", "/a?b", "/a/../b", "/."])
def test_what_is_no_base_path_is_refused(base_path: str) -> None:
    assert only(said(api("GET /x", base_path=base_path)))[0] == "/apis/0/base_path"


@pytest.mark.parametrize("base_path", ["", "/shop", "/a/b.c/d", "/naïve"])
def test_what_is_a_base_path_is_not(base_path: str) -> None:
    assert said(api("GET /x", base_path=base_path)) == []


def test_templates_that_a_caller_cannot_tell_apart_are_refused_with_both_names() -> None:
    pointer, message = only(said(api("GET /pets/{id}", "POST /pets/{x}", "GET /pets/{name}")))
    assert pointer == "/apis/0/operations/2/path"
    assert "GET /pets/{id}" in message


@pytest.mark.parametrize(
    "line", ["GET pets", "GET /a{b", "GET /{}", "GET /{a}{b}", "GET /a?b", "GET /a/../b", "LINK /a"]
)
def test_what_cannot_be_routed_is_refused(line: str) -> None:
    assert only(said(api(line)))[0].startswith("/apis/0/operations/0/")


def test_an_operation_below_another_apis_base_path_is_refused_and_beside_it_is_not() -> None:
    inner = api("GET /x", row=2, base_path="/a/b")
    pointer, message = only(said(api("GET /b/x", "GET /bc", base_path="/a"), inner))
    assert pointer == "/apis/0/operations/0/path"
    assert "api2" in message
    assert said(api("GET /{any}", "GET /bc", base_path="/a"), inner) == []


def test_rows_carry_the_limits_of_apis_and_operations() -> None:
    of_api = PolicyUse("rate_limit", {"quotas": ["5/day"]})
    of_operation = PolicyUse("rate_limit", {"rates": ["2/second+4"], "per": "application"})
    made = api("GET /x", "GET /y", policies=[of_api], of_operation={"GET /y": (of_operation,)})
    rows = published_rows(Snapshot(1, "default", (made,)))
    (limit,) = rows.apis[0].limits
    assert (limit.limit.kind, limit.limit.amount, limit.subject) == (
        LimitKind.QUOTA,
        5,
        LimitSubject.EVERYONE,
    )
    assert rows.operations[0].limits == ()
    assert rows.operations[1].limits[0].limit.burst == 4
    assert rows.operations[1].limits[0].subject is LimitSubject.APPLICATION
    assert rows.operations[1].api == rows.apis[0].row


def test_an_operation_costs_what_the_most_specific_place_says_and_otherwise_one() -> None:
    ten, none = PolicyUse("cost", {"units": 10}), PolicyUse("cost", {"units": 0})
    made = api("GET /x", "GET /y", policies=[ten], of_operation={"GET /y": (none,)})
    plain = api("GET /z", row=2, base_path="/b")
    rows = published_rows(Snapshot(1, "default", (made, plain)))
    assert [operation.cost for operation in rows.operations] == [10, 0, 1]
