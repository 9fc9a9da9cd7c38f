"""Does every change leave an entry in the audit log: who, what, before, after, from where?

A story that uses every URL that changes something, with success. The list of URLs is the served
OpenAPI document: one that is added tomorrow has to get its line in the story.
"""

from typing import Any

import httpx2

from tests.support.person import Person
from tests.support.web_process import WebProcess
from tests.support.web_world import DOCUMENT, World, api_body, document, make_world

CORS = [{"kind": "cors", "settings": {"allow_origins": ["https://app.example.com"]}}]
TIMEOUT = [{"kind": "timeout", "settings": {"seconds": 2}}]


QUESTIONS = {"tryRequest"}  # it changes nothing


class Story:
    """Calls that must succeed, each with the entries that it left in the audit log."""

    def __init__(self, api: httpx2.Client) -> None:
        self._api = api
        self._operations = {
            (method.upper(), path.removeprefix("/api/v1")): operation["operationId"]
            for path, item in api.get("/openapi.json").json()["paths"].items()
            for method, operation in item.items()
            if method != "get"
        }
        self.audited: set[str] = set()

    @property
    def untold(self) -> set[str]:
        """The operations that change something and are not in the story."""
        return set(self._operations.values()) - self.audited - QUESTIONS

    def tell(self, operation_id: str, method: str, path: str, body: Any = None) -> Any:
        """Make one call; it must leave an entry that names it and says what changed."""
        answer = self._api.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        request_id = answer.headers["x-request-id"]
        entries = self._api.get("/audit", params={"limit": 50}).json()["items"]
        own = [entry for entry in entries if entry["request_id"] == request_id]
        assert own, f"{operation_id} left no entry in the audit log"
        for entry in own:
            assert (entry["actor"], entry["address"]) == ("administrator", "127.0.0.1")
            assert entry["before"] != entry["after"]
        assert operation_id in self._operations.values()
        self.audited.add(operation_id)
        return answer.json() if answer.content else None


def test_every_url_that_changes_something_leaves_an_entry(
    web: WebProcess, api: httpx2.Client
) -> None:
    world = make_world(api, "audit")
    story = Story(api)
    _tell_of_apis(story, world)
    _tell_of_gateways(story)
    _tell_of_consumers(story, world)
    _tell_of_people(story, world)
    _tell_of_webhooks(story, api)
    _tell_of_feedback(story, web, api, world)
    _tell_of_the_end(story, world)
    assert story.untold == set(), "every URL that changes something needs its line in the story"


def _tell_of_apis(story: Story, w: World) -> None:
    longer = document(DOCUMENT + "tags: [{name: new}]\n")
    story.tell("importAPI", "POST", "/apis", {"name": w.api, "version": "v2", "document": longer})
    story.tell("changeAPI", "PATCH", f"/apis/{w.api}", {"title": "New"})
    story.tell("setDocument", "PUT", f"/apis/{w.api}/document", {"document": longer})
    story.tell("setAPIPolicies", "PUT", f"/apis/{w.api}/policies", CORS)
    story.tell("setOperationPolicies", "PUT", f"/apis/{w.api}/operations/addPet/policies", CORS)
    story.tell("publishAPI", "POST", f"/apis/{w.api}/publish", {})
    story.tell("purgeAPICache", "POST", f"/apis/{w.api}/purge-cache", {})
    release = f"/apis/{w.api}@v2/release"
    story.tell("setRelease", "PUT", release, {"percent": 5.0})
    story.tell("abortRelease", "POST", f"{release}/abort", {})
    story.tell("setRelease", "PUT", release, {"percent": 5.0})
    story.tell("promoteRelease", "POST", f"{release}/promote", {})
    story.tell("makeDefault", "POST", f"/apis/{w.api}@v1/default")
    ended = {"successor": "v2", "sunset_at": "2099-01-01T00:00:00Z"}
    story.tell("deprecateAPI", "POST", f"/apis/{w.api}@v1/deprecate", ended)
    story.tell("undeprecateAPI", "POST", f"/apis/{w.api}@v1/undeprecate", {})
    story.tell("deprecateAPI", "POST", f"/apis/{w.api}@v1/deprecate", {})
    story.tell("retireAPI", "POST", f"/apis/{w.api}@v1/retire", {"confirm": f"{w.api}@v1"})
    story.tell("setSecret", "PUT", "/secrets/audited", {"value": "x"})
    story.tell("deleteSecret", "DELETE", "/secrets/audited")


def _tell_of_gateways(story: Story) -> None:
    story.tell("createGateway", "POST", "/gateways", {"name": "audited"})
    story.tell("setGatewayPolicies", "PUT", "/gateways/audited/policies", CORS)
    story.tell("createNode", "POST", "/nodes", {"name": "audited", "gateway": "audited"})
    story.tell("rotateNode", "POST", "/nodes/audited/rotate", {})
    story.tell("revokeNode", "POST", "/nodes/audited/revoke")
    story.tell("deleteNode", "DELETE", "/nodes/audited")
    story.tell("rollBackGateway", "POST", "/gateways/default/rollback", {"revision": 1})
    story.tell("rotateSigningKey", "POST", "/issuer/rotate", {})
    former = story.tell("rotateSigningKey", "POST", "/issuer/rotate", {})["keys"][0]["key_id"]
    story.tell("retireSigningKey", "DELETE", f"/issuer/keys/{former}")
    file = {"documents": [{"kind": "organization", "name": "audited-file"}]}
    story.tell("applyConfiguration", "POST", "/configuration", file)
    token = {"name": "audited", "scopes": ["read"]}
    made = story.tell("createToken", "POST", "/tokens", token)
    story.tell("deleteToken", "DELETE", f"/tokens/{made['id']}")


def _tell_of_consumers(story: Story, w: World) -> None:
    product = {"name": "audited", "apis": [w.api]}
    story.tell("createProduct", "POST", "/products", product)
    story.tell("changeProduct", "PATCH", "/products/audited", {"title": "New"})
    story.tell("createPlan", "POST", "/products/audited/plans", {"name": "free"})
    story.tell("changePlan", "PATCH", "/products/audited/plans/free", {"rates": ["5/second"]})
    story.tell("setProductPolicies", "PUT", "/products/audited/policies", TIMEOUT)
    story.tell("setPlanPolicies", "PUT", "/products/audited/plans/free/policies", TIMEOUT)
    story.tell("createOrganization", "POST", "/organizations", {"name": "audited"})
    story.tell("changeOrganization", "PATCH", "/organizations/audited", {"title": "New"})
    application = {"name": "app", "organization": "audited"}
    story.tell("createApplication", "POST", "/applications", application)
    story.tell("changeApplication", "PATCH", "/applications/audited/app", {"description": "x"})
    subscription = {"application": "audited/app", "plan": "audited/free"}
    made = story.tell("createSubscription", "POST", "/subscriptions", subscription)
    story.tell("createPlan", "POST", "/products/audited/plans", {"name": "pro"})
    moved = {"plan": "audited/pro"}
    story.tell("changeSubscription", "PATCH", f"/subscriptions/{made['id']}", moved)
    story.tell("deleteSubscription", "DELETE", f"/subscriptions/{made['id']}")
    _tell_of_requests(story)
    _tell_of_access(story, w)
    for kind, create, change, rotate in (
        ("keys", "createKey", "changeKey", "rotateKey"),
        ("clients", "createClient", "changeClient", "rotateClientSecret"),
    ):
        end, word = (
            ("deleteKey", "revokeKey") if kind == "keys" else ("deleteClient", "revokeClient")
        )
        where = "/keys" if kind == "keys" else "/applications/audited/app/clients"
        body = {"application": "audited/app"} if kind == "keys" else {}
        made = story.tell(create, "POST", where, body)
        story.tell(change, "PATCH", f"/{kind}/{made['id']}", {"name": "other"})
        turned = story.tell(rotate, "POST", f"/{kind}/{made['id']}/rotate", {"overlap_seconds": 60})
        story.tell(word, "POST", f"/{kind}/{turned['id']}/revoke")
        other = story.tell(create, "POST", where, body | {"name": "third"})
        story.tell(end, "DELETE", f"/{kind}/{other['id']}")
    client = {"issuer": "https://login.example.com", "client_id": "robot"}
    made = story.tell("trustClient", "POST", "/applications/audited/app/trusted-clients", client)
    story.tell("endTrustedClient", "POST", f"/trusted-clients/{made['id']}/end")
    names = {"issuer": "CN=Acme", "name": "CN=robot"}
    made = story.tell("trustCertificate", "POST", "/applications/audited/app/certificates", names)
    story.tell("endCertificate", "POST", f"/certificates/{made['id']}/end")
    block = {"kind": "address", "subject": "203.0.113.9", "seconds": 60}
    made = story.tell("createBlock", "POST", "/blocks", block)
    story.tell("deleteBlock", "DELETE", f"/blocks/{made['id']}")


def _tell_of_requests(story: Story) -> None:
    partner = {"name": "partner", "needs_approval": True}
    story.tell("createPlan", "POST", "/products/audited/plans", partner)
    wanted = {"application": "audited/app", "plan": "audited/partner"}
    for step in ("decline", "withdraw", "grant"):
        made = story.tell("askForSubscription", "POST", "/subscription-requests", wanted)
        address = f"/subscription-requests/{made['id']}/{step}"
        body = None if step == "withdraw" else {"word": "so it is"}
        done = story.tell(f"{step}SubscriptionRequest", "POST", address, body)
    story.tell("deleteSubscription", "DELETE", f"/subscriptions/{done['subscription']}")
    story.tell("deletePlan", "DELETE", "/products/audited/plans/partner")


def _tell_of_access(story: Story, w: World) -> None:
    place = {"api": w.api, "operation": "listPets"}
    given = place | {"owner": "ann@example.com", "why": "Names"}
    mark = story.tell("markSensitive", "POST", "/sensitive", given)
    story.tell("changeSensitive", "PATCH", f"/sensitive/{mark['id']}", {"days_max": 7})
    wanted = place | {"application": "audited/app", "reason": "Invoices"}
    for steps in (("refuse",), ("withdraw",), ("grant", "revoke")):
        made = story.tell("askForAccess", "POST", "/access-requests", wanted)
        for step in steps:
            body = None if step == "withdraw" else {"word": "so it is"}
            story.tell(f"{step}Access", "POST", f"/access-requests/{made['id']}/{step}", body)
    story.tell("unmarkSensitive", "DELETE", f"/sensitive/{mark['id']}")


def _tell_of_people(story: Story, w: World) -> None:
    person = {"email": "audited@example.com", "password": "correct horse 9"}
    story.tell("createPerson", "POST", "/people", person)
    story.tell("changePerson", "PATCH", "/people/audited@example.com", {"role": "auditor"})
    place = f"/organizations/{w.organization}/members/"
    story.tell("setMember", "PUT", f"{place}audited@example.com", {"role": "owner"})
    other = person | {"email": "second@example.com"}
    story.tell("createPerson", "POST", "/people", other)
    story.tell("setMember", "PUT", f"{place}second@example.com", {"role": "owner"})
    story.tell("removeMember", "DELETE", f"{place}audited@example.com")
    teams = f"/organizations/{w.organization}/teams"
    story.tell("createTeam", "POST", teams, {"name": "audited"})
    story.tell("changeTeam", "PATCH", f"{teams}/audited", {"title": "New"})
    place = f"{teams}/audited/members/second@example.com"
    story.tell("setTeamMember", "PUT", place, {"role": "maintainer"})
    story.tell("removeTeamMember", "DELETE", place)
    story.tell("deleteTeam", "DELETE", f"{teams}/audited")


def _tell_of_webhooks(story: Story, api: httpx2.Client) -> None:
    made = story.tell("createWebhook", "POST", "/webhooks", {"url": "https://hooks.example.com/"})
    where = f"/webhooks/{made['id']}"
    story.tell("changeWebhook", "PATCH", where, {"description": "New"})
    story.tell("rotateWebhookSecret", "POST", f"{where}/rotate", {"overlap_seconds": 60})
    story.tell("testWebhook", "POST", f"{where}/test")
    delivery = api.get(f"{where}/deliveries").json()["items"][0]["id"]
    story.tell("redeliver", "POST", f"{where}/deliveries/{delivery}/redeliver")
    story.tell("deleteWebhook", "DELETE", where)


def _tell_of_feedback(story: Story, web: WebProcess, api: httpx2.Client, w: World) -> None:
    page = f"/products/{w.product}"
    with Person(web.url) as reader:
        given = reader.send_once(page, to="/feedback", about=page, helpful="no")
        assert given.is_redirect
    answer = api.get("/feedback", params={"page": page}).json()["items"][0]
    story.tell("settleFeedback", "POST", f"/feedback/{answer['id']}/done")
    story.tell("reopenFeedback", "POST", f"/feedback/{answer['id']}/reopen")


def _tell_of_the_end(story: Story, w: World) -> None:
    for plan in ("free", "pro"):
        story.tell("deletePlan", "DELETE", f"/products/audited/plans/{plan}")
    story.tell("deleteProduct", "DELETE", "/products/audited")
    story.tell("deleteApplication", "DELETE", "/applications/audited/app")
    erased = {"application": "audited/app", "dry_run": False}
    story.tell("eraseRecords", "POST", "/traffic/erasures", erased)
    story.tell("deleteOrganization", "DELETE", "/organizations/audited")
    story.tell("unpublishAPI", "POST", f"/apis/{w.api}/unpublish", {})
    story.tell("importAPI", "POST", "/apis", api_body("audited"))
    story.tell("deleteAPI", "DELETE", "/apis/audited")
