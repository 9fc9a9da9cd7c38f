"""Do the subscribers of a product or plan get its policies from the real Envoy, and nobody else?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from headgate.access.keys import new_key
from headgate.gateway.callers import HEADER
from headgate.gateway.compile import published_rows
from headgate.gateway.filter.build import build
from headgate.gateway.table import AccessTable
from headgate.model.access import (
    AccessDelta,
    APIRow,
    ApplicationRow,
    CredentialRow,
    PlanRow,
    RowState,
    SubscriptionRow,
)
from headgate.model.release import Release
from headgate.model.snapshot import CallerPolicies, PolicyUse, Snapshot, SnapshotAPI
from tests.support.peer import Peer, peer
from tests.support.proxy import Answer, Proxy, api, proxy

pytestmark = pytest.mark.integration

BASIC, PARTNER = 5, 6
FREE, GOLD, ONLY = 17, 18, 19
KEYS = {"free": new_key().text, "gold": new_key().text, "partner": new_key().text}
PLANS = {"free": (BASIC, FREE), "gold": (BASIC, GOLD), "partner": (PARTNER, ONLY)}
HIDE = PolicyUse("json_body", {"response": {"remove": ["/bytes"]}})


@dataclass
class World:
    """A gateway with the filter, and a table with a subscriber of each plan."""

    gateway: Proxy
    table: AccessTable

    def serve(
        self,
        *apis: SnapshotAPI,
        callers: tuple[CallerPolicies, ...] = (),
        releases: tuple[Release, ...] = (),
        policies: tuple[PolicyUse, ...] = (),
    ) -> None:
        snapshot = Snapshot(1, "default", apis, policies, releases=releases, callers=callers)
        self.table.publish(published_rows(snapshot))
        self.gateway.publish(*apis, callers=callers, releases=releases, policies=policies)

    def ask(
        self, who: str, target: str = "/shop/echo", method: str = "GET", **headers: str
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if who:
            given["x-api-key"] = KEYS[who]
        return self.gateway.call(target, method, headers=given)

    def line(self, answer: Answer) -> dict[str, Any]:
        return self.gateway.line(answer.headers["x-request-id"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with started_world(tmp_path_factory.mktemp("callers")) as made:
        yield made


@contextmanager
def started_world(folder: Path) -> Iterator[World]:
    """APIs 1 and 2 (and 3, which anybody may call) stand in both products."""
    build()
    both = (BASIC, PARTNER)
    delta = AccessDelta(
        "g",
        0,
        2,
        is_complete=True,
        applications=tuple(
            ApplicationRow(row, 1, f"app_{row:012d}", "org_000000000001", RowState.ACTIVE)
            for row in range(1, 4)
        ),
        plans=tuple(PlanRow(row, 1, f"pln_{row:012d}", ()) for row in (FREE, GOLD, ONLY)),
        apis=(APIRow(1, 1, both), APIRow(2, 1, both), APIRow(3, 1, both, is_open=True)),
        credentials=tuple(
            CredentialRow(
                row,
                1,
                f"crd_{row:012d}",
                row,
                sha256(key.encode()).hexdigest(),
                RowState.ACTIVE,
            )
            for row, key in enumerate(KEYS.values(), start=1)
        ),
        subscriptions=tuple(
            SubscriptionRow(row, 1, f"sub_{row:012d}", row, product, plan, RowState.ACTIVE)
            for row, (product, plan) in enumerate(PLANS.values(), start=1)
        ),
    )
    with proxy(folder, has_filter=True) as gateway:
        table = AccessTable.open(gateway.node.table_path, generation="g")
        table.apply(delta)
        try:
            yield World(gateway, table)
        finally:
            table.close()


def shop(*operations: str, port: int, **changes: Any) -> SnapshotAPI:
    return replace(api(*(operations or ("GET /echo",)), port=port), **changes)


def of_plan(plan: int, *uses: PolicyUse, apis: tuple[int, ...] = (1,)) -> CallerPolicies:
    name = {FREE: "basic/free", GOLD: "basic/gold", ONLY: "partner/only"}[plan]
    return CallerPolicies(BASIC if plan != ONLY else PARTNER, plan, name, apis, uses)


def of_product(*uses: PolicyUse, apis: tuple[int, ...] = (1,)) -> CallerPolicies:
    return CallerPolicies(BASIC, 0, "basic", apis, uses)


def test_one_plan_hides_a_field_and_another_shows_it(world: World, upstream: Peer) -> None:
    world.serve(shop(port=upstream.port), callers=(of_plan(FREE, HIDE),))
    hidden, shown = world.ask("free"), world.ask("gold")
    assert "path" in hidden.json
    assert "bytes" not in hidden.json
    assert "bytes" in shown.json
    assert "bytes" in world.ask("partner").json
    assert {world.line(one)["operation"] for one in (hidden, shown)} == {"GET /echo"}
    assert f"pln_{FREE:012d}" in str(world.line(hidden))


@pytest.mark.parametrize("forged", [f"1.{BASIC}.{GOLD}.", f"1.{BASIC}.", "1.", "x"])
def test_a_header_that_a_caller_wrote_changes_nothing(
    world: World, upstream: Peer, forged: str
) -> None:
    reveal = PolicyUse("json_body", {"response": {"remove": ["/method"]}})
    world.serve(shop(port=upstream.port), callers=(of_plan(FREE, HIDE), of_plan(GOLD, reveal)))
    found = world.gateway.call("/shop/echo", headers={"X-API-Key": KEYS["free"], HEADER: forged})
    assert "bytes" not in found.json
    assert "method" in found.json
    assert HEADER not in found.json["headers"]
    other = {"X-API-Key": KEYS["partner"], HEADER: f"1.{BASIC}.{FREE}."}
    assert {"bytes", "method"} <= set(world.gateway.call("/shop/echo", headers=other).json)
    assert world.gateway.call("/shop/echo", headers={HEADER: forged}).status == 401


def test_an_open_api_shows_strangers_what_it_shows_everybody(world: World, upstream: Peer) -> None:
    one = replace(api("GET /echo", row=3, port=upstream.port), name="open")
    world.serve(one, callers=(of_plan(FREE, HIDE, apis=(3,)),))
    assert "bytes" in world.ask("").json
    forged = world.gateway.call("/shop/echo", headers={HEADER: f"3.{BASIC}.{FREE}."})
    assert "bytes" in forged.json
    assert "bytes" not in world.ask("free").json


def test_a_plan_goes_before_its_product_and_both_before_the_operation(
    world: World, upstream: Peer
) -> None:
    def says(text: str) -> PolicyUse:
        return PolicyUse("headers", {"response": {"set": {"X-From": text}}})

    one = replace(
        api(
            "GET /echo",
            "GET /echo/{id}",
            port=upstream.port,
            policies=[says("api")],
            of_operation={"GET /echo/{id}": (says("operation"),)},
        )
    )
    callers = (of_product(says("product")), of_plan(GOLD, says("plan")))
    world.serve(one, callers=callers)
    for target, everybody in (("/shop/echo", "api"), ("/shop/echo/7?a=b", "operation")):
        assert world.ask("partner", target).headers["x-from"] == everybody
        assert world.ask("free", target).headers["x-from"] == "product"
        assert world.ask("gold", target).headers["x-from"] == "plan"


def test_what_one_plan_may_not_see_is_kept_apart_in_the_cache(world: World, upstream: Peer) -> None:
    cached = PolicyUse("cache", {"ttl_seconds": 60})
    one = shop("GET /v2/{id}", "GET /{id}", port=upstream.port, policies=(cached,))
    other = PolicyUse("rewrite", {"path": "/v2/{id}"})
    world.serve(one, callers=(of_plan(GOLD, other),))
    upstream.seen.clear()
    plain = [world.ask(who, "/shop/a").json["path"] for who in ("free", "partner")]
    assert plain == ["/a", "/a"]
    assert world.ask("gold", "/shop/a").json["path"] == "/v2/a"
    assert world.ask("free", "/shop/a").json["path"] == "/a"
    assert world.ask("gold", "/shop/a").json["path"] == "/v2/a"
    assert upstream.seen == {"GET /a": 1, "GET /v2/a": 1}


def test_a_retried_call_keeps_the_route_of_its_plan(world: World, upstream: Peer) -> None:
    tries = PolicyUse("retry", {"retries": 1, "on": ["gateway_error"], "backoff_ms": 1})
    none = PolicyUse("retry", {"retries": 0})
    marked = PolicyUse("headers", {"response": {"set": {"X-Plan": "gold"}}})
    one = shop("GET /flaky/{id}", port=upstream.port, policies=(none,))
    world.serve(one, callers=(of_plan(GOLD, tries, marked),))
    upstream.seen.clear()
    found = world.ask("gold", "/shop/flaky/1")
    assert (found.status, found.headers["x-plan"]) == (200, "gold")
    assert upstream.seen["GET /flaky/1"] == 2
    assert world.ask("free", "/shop/flaky/2").status == 503


def test_filters_of_one_plan_do_nothing_for_the_others(world: World, upstream: Peer) -> None:
    uses = (
        PolicyUse("mock", {"status": 299, "body": "mocked", "content_type": "text/plain"}),
        PolicyUse("compression", {}),
        PolicyUse("fault", {"abort_percent": 100, "abort_status": 418}),
        PolicyUse("affinity", {}),
    )
    for use in uses:
        world.serve(shop("GET /text", port=upstream.port), callers=(of_plan(GOLD, use),))
        plain = world.ask("free", "/shop/text", accept_encoding="gzip")
        assert (plain.status, len(plain.body)) == (200, 5000)
        assert not {"set-cookie", "content-encoding"} & set(plain.headers)
        special = world.ask("gold", "/shop/text", accept_encoding="gzip")
        seen = (special.status, special.body, set(special.headers))
        assert {
            "mock": special.status == 299,
            "compression": special.headers.get("content-encoding") == "gzip",
            "fault": special.status == 418,
            "affinity": "set-cookie" in special.headers,
        }[use.kind], seen


def test_a_plan_may_put_out_of_force_what_the_api_does(world: World, upstream: Peer) -> None:
    nothing = PolicyUse("json_body", {})
    world.serve(shop(port=upstream.port, policies=(HIDE,)), callers=(of_plan(GOLD, nothing),))
    assert "bytes" not in world.ask("free").json
    assert "bytes" in world.ask("gold").json


def test_wrong_methods_and_unknown_paths_are_answered_as_ever(world: World, upstream: Peer) -> None:
    world.serve(shop(port=upstream.port), callers=(of_plan(FREE, HIDE),))
    wrong = world.ask("free", method="DELETE")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET")
    assert world.ask("free", "/shop/nothing").status == 404
    forged = {"X-API-Key": KEYS["gold"], HEADER: f"1.{BASIC}.{FREE}."}
    assert world.gateway.call("/shop/echo", "DELETE", headers=forged).status == 405


def test_a_released_version_keeps_its_callers_although_their_key_is_gone(
    world: World, upstream: Peer
) -> None:
    with peer() as other:
        first = replace(shop(port=upstream.port), name="shop")
        further = replace(api("GET /echo", row=2, port=other.port), name="shop", version="v2")
        versions = [first, replace(further, is_default=False)]
        share = Release(1, 2, percent=100.0)
        world.serve(*versions, callers=(of_plan(FREE, HIDE, apis=(1, 2)),), releases=(share,))
        found = world.ask("free")
        assert "bytes" not in found.json
        assert other.seen["GET /echo"] == 1
        assert world.line(found)["version"] == "v2"
        world.serve(
            *versions,
            callers=(of_plan(FREE, HIDE, apis=(1, 2)),),
            releases=(Release(1, 2, header="x-beta", value="1"),),
        )
        for prefix in ("2.", f"2.{BASIC}.{FREE}."):
            forged = {"X-API-Key": KEYS["free"], HEADER: prefix}
            found = world.gateway.call("/shop/echo", headers=forged)
            assert "bytes" not in found.json
            assert world.line(found)["version"] == "v1"
