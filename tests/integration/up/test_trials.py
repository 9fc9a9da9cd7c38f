"""Does a trial say what would become of a request, and leave nothing behind?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
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
        "/pets/{id}": {
            "post": {
                "operationId": "pet",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "required": ["name"]},
                        }
                    },
                },
                "responses": {"200": {"description": "ok"}},
            }
        },
    },
}
POLICIES = """
- kind: headers
  settings: {request: {set: {X-Tenant: "7"}}, response: {set: {X-Served-By: gateway}}}
- kind: ip_filter
  settings: {deny: [192.0.2.0/24]}
- kind: validate
  settings: {request: enforce}
- kind: request_size
  settings: {body_max: 1kB}
"""


@dataclass
class Place:
    """A tree with `echo`, a plan of one call and three at once, and a key of acme/demo."""

    tree: Tree
    key: str

    def tried(self, *words: str, key: str | None = None, options: tuple[str, ...] = ()) -> Any:
        header = ("-H", f"X-API-Key: {self.key if key is None else key}")
        sent = header if key != "" else ()
        ran = self.tree.do("explain", *options, "--json", "--", "curl", *sent, *words)
        return ran.json


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("trials")
    spec, policies = folder / "spec.json", folder / "policies.yaml"
    spec.write_text(json.dumps(SPEC))
    policies.write_text(POLICIES)
    with upstream() as server, tree(folder / "data") as running:
        running.do("import", str(spec), "--name", "echo", "--upstream", server.url)
        running.do("policies", "set", "echo", "-f", str(policies))
        running.do("publish", "echo")
        running.do("product", "create", "basic", "--api", "echo")
        running.do("plan", "create", "basic/free", "--rate", "1/hour+3", "--quota", "100/month")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "acme/demo", "basic/free")
        key = running.do("key", "create", "acme/demo").out.strip()
        eventually(lambda: running.call("/echo/get").status_code == 401)
        yield Place(running, key)


def steps(found: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {step["name"]: step for step in found["steps"]}


def test_a_request_that_would_pass_is_followed_to_the_upstream_that_is_not_asked(
    place: Place,
) -> None:
    found = place.tried("http://127.0.0.1:8080/echo/get?a=b")
    assert (found["verdict"], found["next_step"]) == ("allowed", "")
    told = steps(found)
    assert list(told) == [
        "route",
        "credential",
        "subscription",
        "limits",
        "policies",
        "upstream",
    ]
    assert "operation get (GET /get)" in told["route"]["detail"]
    assert "acme/demo under the plan basic/free" in told["subscription"]["detail"]
    assert told["limits"]["detail"] == (
        "Left after this call: 2 of the rate 1/hour+3, 99 of the quota 100/month."
    )
    assert told["upstream"]["outcome"] == "not asked"
    assert "Added: " in told["upstream"]["detail"]
    assert "Taken away: x-api-key." in told["upstream"]["detail"]
    names = found["upstream_request"]["header_names"]
    assert "x-tenant" in names
    assert "x-api-key" not in names
    assert found["upstream_request"]["path"] == "/get"
    answer = {field["name"]: field["value"] for field in found["answer"]["headers"]}
    assert answer["x-served-by"] == "gateway"
    assert found["answer"]["status"] is None


def test_trials_use_nothing_up_and_are_in_no_number(place: Place) -> None:
    first = [place.tried("http://gateway/echo/get") for _ in range(6)]
    assert {found["verdict"] for found in first} == {"allowed"}
    assert len({steps(found)["limits"]["detail"].partition(",")[0] for found in first}) == 1
    shown = place.tree.do("key", "list", "--json").json["items"]
    assert [one["last_used_at"] for one in shown] == [None]
    ids = {
        field["value"]
        for found in first
        for field in found["answer"]["headers"]
        if field["name"] == "x-request-id"
    }
    answer = place.tree.call("/echo/get", place.key)
    assert answer.status_code == 200
    assert answer.headers["ratelimit"].startswith('"rate";r=2')  # as if none had been before
    recorded = lambda: place.tree.cli("explain", answer.headers["x-request-id"]).code == 0  # noqa: E731  # read once
    eventually(recorded)
    logged = place.tree.do("logs", "--json").out
    assert len(ids) == 6
    assert not any(one in logged for one in ids)
    assert place.tree.do("reconcile").code == 0


@pytest.mark.parametrize(
    ("words", "key", "options", "verdict", "status", "step"),
    [
        (("http://g/echo/get",), "", (), "no_credential", 401, "credential"),
        (("http://g/echo/get",), "hg_" + "0" * 38, (), "unknown_credential", 401, "credential"),
        (("http://g/echo/none",), None, (), "no_route", 404, "route"),
        (("-X", "PUT", "http://g/echo/get"), None, (), "method_not_allowed", 405, "route"),
        (("http://g/echo/get",), None, ("--from", "192.0.2.9"), "blocked", 403, "policies"),
        (("--json", "{}", "http://g/echo/pets/1"), None, (), "invalid_request", 400, "validation"),
        (
            ("-d", "x" * 2000, "-H", "Content-Type: application/json", "http://g/echo/pets/1"),
            None,
            (),
            "too_large",
            413,
            "policies",
        ),
    ],
)
def test_a_request_that_would_be_refused_is_answered_as_its_caller_would_see_it(
    place: Place,
    words: tuple[str, ...],
    key: str | None,
    options: tuple[str, ...],
    verdict: str,
    status: int,
    step: str,
) -> None:
    found = place.tried(*words, key=key, options=options)
    assert (found["verdict"], found["answer"]["status"]) == (verdict, status)
    assert steps(found)[step]["outcome"] in {"refused", "in order"}
    assert json.loads(found["answer"]["body"])["status"] == status
    assert found["upstream_request"] is None
    assert found["summary"]
    assert found["next_step"]


def test_a_body_that_fits_passes(place: Place) -> None:
    found = place.tried("--json", '{"name": "Rex"}', "http://g/echo/pets/1")
    assert found["verdict"] == "allowed"
    assert found["upstream_request"]["method"] == "POST"


def test_what_was_sent_stays_nowhere(place: Place) -> None:
    secret = "nobody-may-see-this-word"
    place.tried("-H", f"Authorization: Bearer {secret}", f"http://g/echo/get?x={secret}")
    found = [
        path
        for path in place.tree.data.rglob("*")
        if path.is_file() and not path.is_symlink() and secret.encode() in path.read_bytes()
    ]
    assert found == []


def test_an_organization_tries_nothing(place: Place) -> None:
    made = place.tree.do("token", "create", "t", "--scope", "traffic", "--organization", "acme")
    url = f"http://127.0.0.1:{place.tree.web_port}/api/v1/trials"
    headers = {"Authorization": f"Bearer {made.out.strip().splitlines()[-1]}"}
    answer = httpx2.post(url, json={"target": "/"}, headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == 404


def test_a_curl_option_that_is_not_known_is_named(place: Place) -> None:
    ran = place.tree.cli("explain", "--", "curl", "--http3", "http://g/echo/get")
    assert ran.code == 2
    assert "--http3" in ran.err


def test_two_requests_at_once_are_a_wrong_use(place: Place) -> None:
    ran = place.tree.cli("explain", "one", "two")
    assert ran.code == 2
    assert "2 requests are named" in ran.err
