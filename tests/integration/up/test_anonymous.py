"""Is an open API limited for each address behind our proxy, and does `explain` say with what?"""

import json
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
    },
}
ADDRESS, OTHER = "198.51.100.7", "198.51.100.8"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """`echo` is open with three calls a month for each address; acme/demo has a plan."""
    folder = tmp_path_factory.mktemp("anonymous")
    spec, policies = folder / "spec.json", folder / "policies.yaml"
    spec.write_text(json.dumps(SPEC))
    policies.write_text("- kind: anonymous\n  settings: {quotas: [3/month]}\n")
    proxies = ("--trusted-proxy", "127.0.0.0/8")
    with upstream() as server, tree(folder / "data", *proxies) as running:
        running.do("import", str(spec), "--name", "echo", "--upstream", server.url, "--open")
        running.do("policies", "set", "echo", "-f", str(policies))
        running.do("publish", "echo")
        running.do("product", "create", "basic", "--api", "echo")
        running.do("plan", "create", "basic/free", "--quota", "1000/month")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "acme/demo", "basic/free")
        yield running


def call(up: Tree, address: str, key: str = "") -> httpx2.Response:
    headers = {"x-forwarded-for": address} | ({"x-api-key": key} if key else {})
    return httpx2.get(f"{up.gateway}/echo/get", headers=headers, trust_env=False, timeout=60)


def limits(up: Tree, answer: httpx2.Response) -> dict[str, Any]:
    """The step of the explanation that speaks of them."""
    request_id = answer.headers["x-request-id"]
    eventually(lambda: up.cli("explain", request_id).code == 0, 60)
    steps = up.do("explain", request_id, "--json").json["steps"]
    [found] = [step for step in steps if step["name"] == "limits"]
    return dict(found)


def test_each_address_has_its_own_and_who_has_a_plan_has_that(up: Tree) -> None:
    answers = [call(up, ADDRESS) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit"].startswith('"api-quota";r=2;t=')
    assert call(up, OTHER).status_code == 200
    planned = call(up, ADDRESS, up.do("key", "create", "acme/demo").out.strip())
    assert planned.headers["ratelimit"].startswith('"quota";r=999;t=')

    passed, refused = limits(up, answers[0]), limits(up, answers[3])
    assert passed["outcome"] == "passed"
    assert "3/month for each address" in passed["detail"]
    assert "Left after this call: 2 of the API's quota 3/month." in passed["detail"]
    assert refused["outcome"] == "refused"
    assert "3/month for each address" in refused["detail"]
    assert "The API's quota 3/month was reached; it is free again in" in refused["detail"]
    assert "1000/month" in limits(up, planned)["detail"]
    records = up.do("logs", "--json").out.split("\n")
    seen = {json.loads(one)["client_ip"] for one in records if one.startswith("{")}
    assert {ADDRESS, OTHER} <= seen


def test_a_trial_says_what_a_stranger_has_left(up: Tree) -> None:
    steps = up.do("explain", "--json", "--", "curl", f"{up.gateway}/echo/get").json["steps"]
    [told] = [step["detail"] for step in steps if step["name"] == "limits"]
    assert "Left after this call: 2 of the API's quota 3/month." in told


def test_a_trusted_proxy_that_is_no_network_keeps_it_from_starting(up: Tree) -> None:
    ran = up.cli("up", "--data", f"{up.data}-other", "--trusted-proxy", "our-balancer")
    assert ran.code == 2
    assert "'our-balancer' is no address or network of a trusted proxy" in ran.err
