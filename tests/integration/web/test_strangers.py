"""Does every URL keep strangers and other organizations out, also one that is added tomorrow?

The list of URLs is the served OpenAPI document: a new URL is tested without being named here,
and a new create has to say below what a foreign body for it looks like.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from headgate.store.services.actor import Scope
from tests.support.web_process import WebProcess
from tests.support.web_world import World, api_body, make_token, make_world

OPEN = {"getHealth"}
FOR_EVERY_READER = {  # what can be subscribed to, and what policies can be set to
    "listProducts",
    "getProduct",
    "listPlans",
    "getPlan",
    "listPolicyKinds",
}
OWN = {"applications", "subscriptions", "subscription-requests", "keys", "organizations"}
OF_APPLICATIONS = {
    "access-requests",
    "applications",
    "subscriptions",
    "subscription-requests",
    "keys",
    "clients",
}
TRAFFIC = {"listRequests", "getStats"}  # its own alone: there is none

FOREIGN_BODIES: dict[str, Callable[[World], Any]] = {
    "importAPI": lambda w: api_body(f"{w.prefix}-new"),
    "publishAPI": lambda w: {},
    "unpublishAPI": lambda w: {},
    "makeDefault": lambda w: None,
    "deprecateAPI": lambda w: {"successor": "v2"},
    "undeprecateAPI": lambda w: {},
    "retireAPI": lambda w: {"confirm": w.api},
    "purgeAPICache": lambda w: {},
    "trustCertificate": lambda w: {"issuer": "CN=Acme", "name": "CN=robot"},
    "trustClient": lambda w: {"issuer": "https://login.example.com", "client_id": "robot"},
    "endTrustedClient": lambda w: None,
    "endCertificate": lambda w: None,
    "setRelease": lambda w: {"percent": 5.0},
    "promoteRelease": lambda w: {},
    "abortRelease": lambda w: {},
    "createProduct": lambda w: {"name": f"{w.prefix}-new"},
    "createPlan": lambda w: {"name": "new"},
    "createOrganization": lambda w: {"name": f"{w.prefix}-new"},
    "createApplication": lambda w: {"name": "new", "organization": w.organization},
    "createSubscription": lambda w: {"application": w.application, "plan": w.plan},
    "askForSubscription": lambda w: {"application": w.application, "plan": w.plan},
    "grantSubscriptionRequest": lambda w: {},
    "declineSubscriptionRequest": lambda w: {},
    "withdrawSubscriptionRequest": lambda w: None,
    "markSensitive": lambda w: {"api": w.api, "owner": "x@example.com", "why": "x"},
    "askForAccess": lambda w: {"application": w.application, "api": w.api, "reason": "x"},
    "grantAccess": lambda w: {},
    "refuseAccess": lambda w: {"word": "no"},
    "revokeAccess": lambda w: {},
    "withdrawAccess": lambda w: None,
    "createKey": lambda w: {"application": w.application},
    "rotateKey": lambda w: {},
    "revokeKey": lambda w: None,
    "createClient": lambda w: {},
    "rotateClientSecret": lambda w: {},
    "revokeClient": lambda w: None,
    "rotateSigningKey": lambda w: {},
    "createBlock": lambda w: {"kind": "credential", "subject": w.key, "seconds": 60},
    "createGateway": lambda w: {"name": f"{w.prefix}-new"},
    "rollBackGateway": lambda w: {"revision": 1},
    "createNode": lambda w: {"name": "new"},
    "rotateNode": lambda w: {},
    "revokeNode": lambda w: None,
    "applyConfiguration": lambda w: {"documents": []},
    "createPerson": lambda w: {"email": "x@example.com", "password": "correct horse 9"},
    "changePerson": lambda w: {"is_active": False},
    "setMember": lambda w: {"role": "owner"},
    "removeMember": lambda w: None,
    "createTeam": lambda w: {"name": "new"},
    "changeTeam": lambda w: {"title": "New"},
    "setTeamMember": lambda w: {"role": "maintainer"},
    "createToken": lambda w: {"name": "new", "scopes": ["read"]},
    "setDocument": lambda w: {"document": api_body("x")["document"]},
    "setAPIPolicies": lambda w: [],
    "setOperationPolicies": lambda w: [],
    "setGatewayPolicies": lambda w: [],
    "setProductPolicies": lambda w: [],
    "setPlanPolicies": lambda w: [],
    "eraseRecords": lambda w: {"application": w.application, "dry_run": False},
    "tryRequest": lambda w: {"target": "/"},
    "setSecret": lambda w: {"value": "x"},
    "createWebhook": lambda w: {
        "url": "https://hooks.example.com/",
        "organization": w.organization,
    },
    "rotateWebhookSecret": lambda w: {},
    "testWebhook": lambda w: None,
    "redeliver": lambda w: None,
    "settleFeedback": lambda w: None,
    "reopenFeedback": lambda w: None,
}


def _operations(web: WebProcess) -> Iterator[tuple[str, str, dict[str, Any]]]:
    with web.client("") as stranger:
        found = stranger.get("/openapi.json").json()
    for path, item in found["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path.removeprefix("/api/v1"), operation


@pytest.fixture(scope="module")
def world(web: WebProcess) -> World:
    with web.client() as api:
        return make_world(api, "acme")


@pytest.fixture(scope="module")
def foreign(web: WebProcess) -> Iterator[httpx2.Client]:
    """Somebody with every right, but in another organization."""
    with web.client() as api:
        api.post("/organizations", json={"name": "globex"})
        scopes = [scope for scope in Scope if scope is not Scope.NODE]
        token = make_token(api, scopes=scopes, organization="globex")
    with web.client(token) as client:
        yield client


def _path(path: str, world: World) -> str:
    """The path with the world's own things in the place of its parameters."""
    organization, _, application = world.application.partition("/")
    root = path.split("/")[1]
    values = {
        "organization": organization,
        "operation": "listPets",
        "team": "payments",
        "product": world.product,
        "plan": "free",
        "request_id": "req_0",
        "email": "ada@example.com",
        "delivery": "dlv_0",
        "key_id": "none",
        "file": "openapi.json",
        "id": {
            "subscriptions": world.subscription,
            "keys": world.key,
            "clients": world.client,
        }.get(root, "blk_0"),
        "name": {
            "apis": world.api,
            "products": world.product,
            "organizations": world.organization,
            "applications": application,
            "gateways": "default",
            "nodes": "local",
            "secrets": "billing",
        }.get(root, ""),
    }
    for name, value in values.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"the test does not know a parameter of {path}"
    return path


def test_a_stranger_is_turned_away_from_every_url(web: WebProcess, world: World) -> None:
    with web.client("") as stranger, web.client("hgt_" + "0" * 38) as liar:
        for method, path, operation in _operations(web):
            if operation["operationId"] in OPEN:
                continue
            answer = stranger.request(method, _path(path, world))
            assert answer.status_code == 401, f"{method} {path}"
            assert answer.headers["www-authenticate"] == 'Bearer realm="headgate"'
            assert liar.request(method, _path(path, world)).status_code == 401, f"{method} {path}"


@pytest.mark.parametrize("path", ["/nothing", "/apis/x/y/z", "/../node/v1/snapshot"])
def test_a_stranger_does_not_even_learn_which_urls_exist(web: WebProcess, path: str) -> None:
    with web.client("") as stranger:
        answer = stranger.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_organization_sees_and_changes_nothing_of_ours(
    web: WebProcess, world: World, foreign: httpx2.Client
) -> None:
    for method, path, operation in _operations(web):
        name = operation["operationId"]
        if name in OPEN | FOR_EVERY_READER:
            continue
        body = None
        if method in {"POST", "PUT"}:
            assert name in FOREIGN_BODIES, f"say how a foreign body for {name} looks"
            body = FOREIGN_BODIES[name](world)
        elif method == "PATCH":
            body = {}
        answer = foreign.request(method, _path(path, world), json=body)
        if answer.status_code == 200 and method == "GET" and "items" in answer.json():
            assert world.prefix not in answer.text, f"{method} {path} shows what is not theirs"
            continue
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"


def test_what_every_reader_may_see_is_still_nothing_to_change(
    world: World, foreign: httpx2.Client
) -> None:
    assert foreign.get(f"/products/{world.product}").status_code == 200
    assert foreign.patch(f"/products/{world.product}", json={}).status_code == 404
    assert foreign.delete(f"/products/{world.product}/plans/free").status_code == 404


def test_an_organization_works_with_its_own(
    api: httpx2.Client, world: World, foreign: httpx2.Client
) -> None:
    made = foreign.post("/applications", json={"name": "own", "organization": "globex"})
    assert made.status_code == 201
    body = {"application": "globex/own", "plan": world.plan}
    assert foreign.post("/subscriptions", json=body).status_code == 201
    assert foreign.post("/keys", json={"application": "own"}).status_code == 201
    assert [k["application"] for k in foreign.get("/keys").json()["items"]] == ["globex/own"]
    audited = foreign.get("/audit").json()["items"]
    assert {entry["subject_kind"] for entry in audited} >= {"application", "credential"}
    assert len(audited) < len(api.get("/audit").json()["items"])


def test_a_token_without_the_scope_is_forbidden(web: WebProcess, api: httpx2.Client) -> None:
    with web.client(make_token(api, scopes=["read"])) as reader:
        assert reader.get("/organizations").status_code == 200
        answer = reader.post("/organizations", json={"name": "forbidden"})
        assert answer.status_code == 403
        assert "admin" in answer.json()["next_step"]
        assert reader.get("/traffic/requests").status_code == 403


def test_a_token_ends_with_its_revocation_and_its_expiry(
    web: WebProcess, api: httpx2.Client
) -> None:
    made = api.post("/tokens", json={"name": "short", "scopes": ["read"]}).json()
    with web.client(made["token"]) as short:
        assert short.get("/organizations").status_code == 200
        assert api.delete(f"/tokens/{made['id']}").status_code == 204
        answer = short.get("/organizations")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    past = {"name": "past", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    assert api.post("/tokens", json=past).status_code == 422


def test_a_nodes_token_opens_nothing_here(web: WebProcess) -> None:
    with web.client(web.node_token) as node:
        assert node.get("/organizations").status_code == 403
        assert node.get("/audit").status_code == 403


def test_another_team_of_the_organization_sees_and_changes_nothing_of_an_application(
    web: WebProcess, api: httpx2.Client, world: World
) -> None:
    place = f"/organizations/{world.organization}/teams"
    for team in ("payments", "other"):
        assert api.post(place, json={"name": team}).status_code == 201
    application = f"/applications/{world.application}"
    assert api.patch(application, json={"team": "payments"}).status_code == 200
    rights = {"scopes": ["keys", "traffic", "read"], "organization": world.organization}
    with (
        web.client(make_token(api, **rights, team="other")) as other,
        web.client(make_token(api, **rights, team="payments")) as own,
    ):
        assert own.get(application).status_code == 200
        for method, path, operation in _operations(web):
            name = operation["operationId"]
            if path.split("/")[1] not in OF_APPLICATIONS or name == "createApplication":
                continue
            body = FOREIGN_BODIES[name](world) if method in {"POST", "PUT"} else None
            body = {} if method == "PATCH" else body
            answer = other.request(method, _path(path, world), json=body)
            if answer.status_code == 200 and method == "GET" and "items" in answer.json():
                assert world.application not in answer.text, f"{method} {path}"
                assert answer.json()["items"] == [], f"{method} {path}"
                continue
            assert answer.status_code == 404, f"{method} {path}: {answer.text}"
        assert other.get(f"{place}/payments").status_code == 404
        assert other.get(f"{place}/payments/members").status_code == 404
        assert [one["name"] for one in other.get(place).json()["items"]] == ["other"]
        assert own.get("/keys").json()["items"] != []
    assert api.patch(application, json={"has_no_team": True}).json()["team"] == ""
