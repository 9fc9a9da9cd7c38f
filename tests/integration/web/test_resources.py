"""Does the REST API do what the commands need, from the first organization to the last key?"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx2

from tests.support.web_process import WebProcess
from tests.support.web_world import DOCUMENT, api_body, document, make_token, make_world


def test_everything_a_caller_needs_is_made_shown_changed_and_taken_away(
    api: httpx2.Client,
) -> None:
    world = make_world(api, "life")
    organization, _, application = world.application.partition("/")

    shown = api.get(f"/applications/{organization}/{application}").json()
    assert (shown["path"], shown["state"]) == (world.application, "active")
    changed = api.patch(f"/applications/{organization}/{application}", json={"state": "suspended"})
    assert changed.json()["state"] == "suspended"

    plan = api.patch(f"/products/{world.product}/plans/free", json={"rates": ["20/second"]}).json()
    assert (plan["rates"], plan["quotas"]) == (["20/second"], ["1000/month"])

    assert api.delete(f"/subscriptions/{world.subscription}").status_code == 204
    assert api.get(f"/subscriptions/{world.subscription}").status_code == 404
    assert api.delete(f"/applications/{organization}/{application}").status_code == 204
    assert api.get(f"/keys/{world.key}").json()["state"] == "revoked"
    assert api.delete(f"/products/{world.product}").status_code == 204
    assert api.delete(f"/apis/{world.api}").status_code == 204
    assert api.delete(f"/organizations/{organization}").status_code == 204


def test_a_new_thing_says_where_it_is(api: httpx2.Client) -> None:
    answer = api.post("/organizations", json={"name": "located"})
    assert answer.headers["location"] == "/api/v1/organizations/located"
    assert api.get("/organizations/located").json() == answer.json()


def test_a_key_is_shown_once_and_its_rotation_makes_another(api: httpx2.Client) -> None:
    world = make_world(api, "rotate")
    listed = api.get("/keys", params={"application": world.application}).json()["items"]
    assert [item["id"] for item in listed] == [world.key]
    assert "key" not in listed[0]
    assert world.key_text.startswith(listed[0]["prefix"])

    replaced = api.post(f"/keys/{world.key}/rotate", json={"overlap_seconds": 60})
    assert replaced.status_code == 201
    assert replaced.json()["key"] != world.key_text
    old = api.get(f"/keys/{world.key}").json()
    assert (old["replaced_by"], old["state"]) == (replaced.json()["id"], "active")
    assert api.post(f"/keys/{world.key}/revoke").json()["state"] == "revoked"


def test_a_reimport_says_what_changed_and_keeps_the_rest(api: httpx2.Client) -> None:
    api.post("/apis", json=api_body("reimported"))
    policy = [{"kind": "cors", "settings": {"allow_origins": ["https://app.example.com"]}}]
    path = "/apis/reimported/operations/listPets/policies"
    assert api.put(path, json=policy).status_code == 200

    without_post = api_body("x")["document"]["files"]["openapi.yaml"].replace(
        'post: {operationId: addPet, responses: {"201": {description: made}}}',
        'put: {operationId: setPets, responses: {"200": {description: ok}}}',
    )
    answer = api.put("/apis/reimported/document", json={"document": document(without_post)}).json()
    found = {(change["kind"], change["operation"]) for change in answer["changes"]}
    assert found == {("removed", "addPet"), ("added", "setPets")}
    assert api.get(path).json()[0]["kind"] == "cors"
    updated = api.post("/apis?update=true", json=api_body("reimported"))
    assert updated.status_code == 200
    assert {c["kind"] for c in updated.json()["changes"]} == {"removed", "added"}


def test_an_operation_without_an_id_has_a_url_too(api: httpx2.Client) -> None:
    api.post("/apis", json=api_body("named-by-path"))
    ids = [o["id"] for o in api.get("/apis/named-by-path/operations").json()["items"]]
    assert "GET /pets/{id}" in ids
    path = "/apis/named-by-path/operations/GET%20%2Fpets%2F%7Bid%7D/policies"
    assert api.get(path).json() == []


def test_what_holds_for_an_operation_is_listed_with_where_it_comes_from(
    api: httpx2.Client,
) -> None:
    api.post("/apis", json=api_body("shaped"))
    size = {"kind": "request_size", "settings": {"body_max": "1kB"}}
    cors = {"kind": "cors", "settings": {"allow_origins": ["https://app.example.com"]}}
    assert api.put("/apis/shaped/policies", json=[size, cors]).status_code == 200
    operation = "/apis/shaped/operations/listPets"
    assert api.put(f"{operation}/policies", json=[size]).status_code == 200
    found = api.get(f"{operation}/effective-policies").json()["items"]
    assert [(one["kind"], one["place"], one["replaced_by"]) for one in found] == [
        ("cors", "API shaped@v1", ""),
        ("request_size", "operation shaped/listPets", ""),
        ("request_size", "API shaped@v1", "operation shaped/listPets"),
    ]
    assert [one["is_in_force"] for one in found] == [True, True, False]
    nowhere = api.get("/apis/shaped/operations/nothing/effective-policies")
    assert nowhere.status_code == 404
    elsewhere = api.get(f"{operation}/effective-policies", params={"gateway": "moon"})
    assert elsewhere.status_code == 404


def test_versions_have_urls_and_one_of_them_is_what_the_plain_name_means(
    api: httpx2.Client,
) -> None:
    first = api_body("versioned")
    del first["base_path"]
    assert api.post("/apis", json=first).json()["base_path"] == "/versioned"
    further = {"name": "versioned", "version": "v2", "document": document()}
    made = api.post("/apis", json=further)
    assert (made.status_code, made.headers["location"]) == (201, "/api/v1/apis/versioned%40v2")
    assert api.post("/apis", json=further).status_code == 409
    listed = api.get("/apis/versioned/versions").json()["items"]
    assert [(one["version"], one["is_default"]) for one in listed] == [("v1", True), ("v2", False)]
    assert api.get("/apis/versioned@v2").json()["version"] == "v2"
    assert api.get("/apis/versioned@v3").status_code == 404
    assert api.post("/apis/versioned@v2/default").json()["version"] == "v2"
    assert api.get("/apis/versioned").json()["version"] == "v2"
    assert api.delete("/apis/versioned@v1").status_code == 204
    missing = api.post("/apis", json={"name": "nowhere", "document": document()})
    assert missing.status_code == 422
    assert missing.json()["errors"][0]["pointer"] == "/upstream"


def test_a_document_with_mistakes_is_refused_with_their_places(api: httpx2.Client) -> None:
    broken = "openapi: 3.1.0\ninfo: {title: Broken, version: '1'}\npaths:\n  /a: [1]\n  b: {}\n"
    answer = api.post("/apis", json=api_body("broken", document=document(broken)))
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:headgate:problem:invalid-document"
    assert all({"message", "pointer"} <= error.keys() for error in problem["errors"])
    assert api.get("/apis/broken").status_code == 404


def test_an_address_inside_our_network_is_not_fetched(api: httpx2.Client) -> None:
    body = api_body("fetched", document={"url": "http://127.0.0.1:1/openapi.json"})
    answer = api.post("/apis", json=body)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:headgate:problem:refused-address"


@contextmanager
def served(text: str) -> Iterator[str]:
    """The address of a document on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the standard library's name
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/openapi.yaml"
        finally:
            server.shutdown()


def test_an_administrator_may_fetch_from_inside_and_nobody_else(
    web: WebProcess, api: httpx2.Client
) -> None:
    with served(DOCUMENT) as url, web.client(make_token(api, scopes=["write"])) as writer:
        body = api_body("from-inside", document={"url": url, "allow_private": True})
        assert writer.post("/apis", json=body).status_code == 403
        assert api.post("/apis", json=body).status_code == 201
    assert api.get("/apis/from-inside").json()["operations"] == 3


def test_publishing_waits_no_longer_than_it_is_told(api: httpx2.Client) -> None:
    api.post("/apis", json=api_body("published"))
    answer = api.post("/apis/published/publish", json={"wait_seconds": 0}).json()
    assert answer["live"] is False
    shown = api.get("/apis/published").json()
    assert shown["live_revision"] == answer["revision"]
    revisions = api.get("/gateways/default/revisions").json()["items"]
    assert revisions[0]["is_current"] is True
    assert api.delete("/apis/published").status_code == 409
    assert api.post("/apis/published/unpublish", json={}).status_code == 200
    assert api.get("/apis/published").json()["live_revision"] is None


def test_pages_hold_every_item_once(api: httpx2.Client) -> None:
    names = [f"page-{number}" for number in range(7)]
    for name in names:
        api.post("/organizations", json={"name": name})
    seen: list[str] = []
    cursor = ""
    while True:
        page = api.get("/organizations", params={"limit": 3, "cursor": cursor}).json()
        assert len(page["items"]) <= 3
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert len(seen) == len(set(seen))
    assert set(names) <= set(seen)


def test_blocks_are_made_listed_and_lifted(api: httpx2.Client) -> None:
    body = {"kind": "address", "subject": "203.0.113.0/24", "seconds": 60, "reason": "test"}
    made = api.post("/blocks", json=body).json()
    assert made["subject"] == "203.0.113.0/24"
    assert made["id"] in [block["id"] for block in api.get("/blocks").json()["items"]]
    assert api.delete(f"/blocks/{made['id']}").status_code == 204
    assert api.get(f"/blocks/{made['id']}").status_code == 404


def test_every_change_stands_in_the_audit_log(api: httpx2.Client) -> None:
    made = api.post("/organizations", json={"name": "audited"})
    entry = api.get("/audit", params={"subject": "audited"}).json()["items"][0]
    assert (entry["action"], entry["actor"]) == ("organization.created", "administrator")
    assert (entry["before"], entry["after"]["name"]) == (None, "audited")
    assert entry["address"] == "127.0.0.1"
    assert entry["request_id"] == made.headers["x-request-id"]


def test_an_export_applied_again_changes_nothing(api: httpx2.Client) -> None:
    make_world(api, "export")
    text = api.get("/configuration", headers={"Accept": "application/yaml"})
    assert text.headers["content-type"].startswith("application/yaml")
    answer = api.post("/configuration", json={"yaml": text.text, "prune": False})
    assert answer.json() == {"changes": [], "dry_run": False}
    documents = api.get("/configuration").json()["documents"]
    assert api.post("/configuration", json={"documents": documents}).json()["changes"] == []


def test_status_traffic_and_reconciliation_answer_before_there_is_any(api: httpx2.Client) -> None:
    status = api.get("/status").json()
    assert "local" in [node["name"] for node in status["nodes"]]
    assert any("local" in problem["detail"] for problem in status["problems"])
    assert api.get("/traffic/requests").json()["items"] == []
    assert api.get("/traffic/stats", params={"by": "verdict", "since": "1h"}).json()["items"] == []
    assert api.get("/reconcile").json()["items"] == []
