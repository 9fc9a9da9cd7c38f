"""Does a change that was overtaken by another one find out?"""

from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.support.web_process import WebProcess
from tests.support.web_world import make_world


def test_a_change_with_the_present_tag_is_made(api: httpx2.Client) -> None:
    api.post("/organizations", json={"name": "tagged"})
    tag = api.get("/organizations/tagged").headers["etag"]
    changed = api.patch("/organizations/tagged", json={"title": "A"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] == api.get("/organizations/tagged").headers["etag"] != tag


def test_a_change_with_an_old_tag_is_not_made(api: httpx2.Client) -> None:
    api.post("/organizations", json={"name": "overtaken"})
    tag = api.get("/organizations/overtaken").headers["etag"]
    api.patch("/organizations/overtaken", json={"title": "first"})
    for method, body in (("PATCH", {"title": "second"}), ("DELETE", None)):
        answer = api.request(
            method, "/organizations/overtaken", json=body, headers={"If-Match": tag}
        )
        assert answer.status_code == 412
        assert answer.json()["type"] == "urn:headgate:problem:precondition-failed"
    assert api.get("/organizations/overtaken").json()["title"] == "first"


def test_of_many_who_saw_the_same_exactly_one_changes_it(
    web: WebProcess, api: httpx2.Client
) -> None:
    api.post("/organizations", json={"name": "contested"})
    tag = api.get("/organizations/contested").headers["etag"]

    def change(number: int) -> int:
        with web.client() as client:
            return client.patch(
                "/organizations/contested", json={"title": str(number)}, headers={"If-Match": tag}
            ).status_code

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(change, range(8)))
    assert found == [200] + [412] * 7


def test_what_has_not_changed_is_not_sent_again(api: httpx2.Client) -> None:
    api.post("/organizations", json={"name": "unchanged"})
    tag = api.get("/organizations/unchanged").headers["etag"]
    again = api.get("/organizations/unchanged", headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    api.patch("/organizations/unchanged", json={"title": "changed"})
    fresh = api.get("/organizations/unchanged", headers={"If-None-Match": tag})
    assert fresh.status_code == 200


def test_a_condition_on_what_is_not_there_is_the_usual_not_found(api: httpx2.Client) -> None:
    answer = api.delete("/organizations/nowhere", headers={"If-Match": "*"})
    assert answer.status_code == 404


def test_policies_and_documents_can_be_guarded_too(api: httpx2.Client) -> None:
    world = make_world(api, "guarded")
    bodies = {
        f"/apis/{world.api}/policies": [{"kind": "compression", "settings": {}}],
        f"/apis/{world.api}/document": {"document": api.get(f"/apis/{world.api}/document").json()},
    }
    for path, body in bodies.items():
        assert api.put(path, json=body, headers={"If-Match": '"old"'}).status_code == 412
        tag = api.get(path).headers["etag"]
        assert api.put(path, json=body, headers={"If-Match": tag}).status_code == 200


def test_head_says_what_get_would_without_saying_it(api: httpx2.Client) -> None:
    api.post("/organizations", json={"name": "headed"})
    get, head = api.get("/organizations/headed"), api.head("/organizations/headed")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-length", "content-type"):
        assert head.headers[name] == get.headers[name]
    assert api.head("/organizations/nowhere").status_code == 404
