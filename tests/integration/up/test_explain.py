"""Is every answer of the gateway explained, and to whom it concerns alone?"""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        "/get": {"get": {"operationId": "get", "responses": {"200": {"description": "ok"}}}},
        "/dead": {"get": {"operationId": "dead", "responses": {"200": {"description": "ok"}}}},
    },
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """`echo` with a cached operation, `dead` whose upstream is never there; acme/demo has a key."""
    folder = tmp_path_factory.mktemp("explain")
    spec, policies = folder / "spec.json", folder / "policies.yaml"
    spec.write_text(json.dumps(SPEC))
    policies.write_text("- kind: request_size\n  settings: {body_max: 1kB}\n")
    with upstream() as server, tree(folder / "data") as running:
        running.do("import", str(spec), "--name", "echo", "--upstream", server.url)
        running.do("import", str(spec), "--name", "dead", "--upstream", "http://127.0.0.1:1")
        running.do("policies", "set", "echo", "-f", str(policies))
        running.do("publish", "echo")
        running.do("publish", "dead")
        running.do("product", "create", "basic", "--api", "echo", "--api", "dead")
        running.do("plan", "create", "basic/free", "--rate", "1/hour+3")
        running.do("plan", "create", "basic/wide", "--rate", "1000/second")
        for name, plan in (("demo", "wide"), ("slow", "free")):
            running.do("app", "create", name, "--organization", "acme")
            running.do("subscribe", f"acme/{name}", f"basic/{plan}")
        running.do("app", "create", "lonely", "--organization", "acme")
        yield running


@pytest.fixture(scope="module")
def keys(up: Tree) -> dict[str, str]:
    names = ("demo", "slow", "lonely")
    return {name: up.do("key", "create", f"acme/{name}").out.strip() for name in names}


def explained(up: Tree, answer: httpx2.Response) -> dict[str, Any]:
    request_id = answer.headers["x-request-id"]
    eventually(lambda: up.cli("explain", request_id).code == 0)
    found: dict[str, Any] = up.do("explain", request_id, "--json").json
    assert found["status"] == answer.status_code
    return found


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["outcome"] for step in found["steps"]}


def test_a_request_that_passed_is_followed_from_route_to_answer(
    up: Tree, keys: dict[str, str]
) -> None:
    found = explained(up, up.call("/echo/get", keys["demo"]))
    assert list(outcomes(found)) == [
        *("route", "credential", "subscription", "limits", "policies", "upstream", "answer")
    ]
    details = {step["name"]: step["detail"] for step in found["steps"]}
    assert "operation get (GET /get)" in details["route"]
    assert "acme/demo under the plan basic/wide" in details["subscription"]
    assert re.fullmatch(r"Left after this call: 99\d of the rate 1000/second\.", details["limits"])
    assert "request_size (API echo@v1)" in details["policies"]
    assert "127.0.0.1:" in details["upstream"]
    assert found["next_step"] == ""


@pytest.mark.parametrize(
    ("path", "who", "verdict", "step"),
    [
        ("/echo/get", "", "no_credential", "credential"),
        ("/echo/get", "hg_" + "0" * 38, "unknown_credential", "credential"),
        ("/echo/get", "lonely", "not_subscribed", "subscription"),
        ("/echo/nowhere", "demo", "no_route", "route"),
        ("/elsewhere", "demo", "no_route", "route"),
        ("/dead/dead", "demo", "upstream_failed", "upstream"),
    ],
)
def test_a_refusal_names_the_step_that_refused_and_what_to_do(
    up: Tree, keys: dict[str, str], path: str, who: str, verdict: str, step: str
) -> None:
    found = explained(up, up.call(path, keys.get(who, who)))
    assert found["verdict"] == verdict
    assert outcomes(found)[step] in {"refused", "skipped"}
    assert found["summary"]
    assert found["next_step"]


def test_a_limit_that_was_reached_is_named(up: Tree, keys: dict[str, str]) -> None:
    answers = [up.call("/echo/get", keys["slow"]) for _ in range(5)]
    assert answers[-1].status_code == 429
    found = explained(up, answers[-1])
    assert (found["verdict"], outcomes(found)["limits"]) == ("rate_limited", "refused")
    told = next(s["detail"] for s in found["steps"] if s["name"] == "limits")
    assert re.fullmatch(
        r"The rate 1/hour\+3 was reached; it is free again in 3,[56]\d\d s. Nothing was used up.",
        told,
    )


def test_an_organization_sees_its_own_requests_and_not_the_providers_side(
    up: Tree, keys: dict[str, str]
) -> None:
    answer = up.call("/echo/get", keys["demo"])
    explained(up, answer)
    seen = {}
    for name in ("acme", "other"):
        up.cli("app", "create", "any", "--organization", name)  # makes the organization
        made = up.do("token", "create", name, "--scope", "traffic", "--organization", name)
        request_id = answer.headers["x-request-id"]
        url = f"http://127.0.0.1:{up.web_port}/api/v1/traffic/requests/{request_id}/explanation"
        headers = {"Authorization": f"Bearer {made.out.strip().splitlines()[-1]}"}
        seen[name] = httpx2.get(url, headers=headers, trust_env=False, timeout=60)
    assert seen["other"].status_code == 404
    assert {"policies", "upstream"}.isdisjoint(outcomes(seen["acme"].json()))
    assert outcomes(seen["acme"].json())["subscription"] == "passed"


def test_a_request_that_nobody_made_is_not_found(up: Tree) -> None:
    ran = up.cli("explain", "no-such-request")
    assert ran.code == 1
    assert "no request 'no-such-request'" in ran.err
