"""Is a create that is sent twice made once?"""

from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.support.web_process import WebProcess
from tests.support.web_world import api_body, make_token, make_world


def test_the_same_create_twice_gives_one_thing_and_one_answer(api: httpx2.Client) -> None:
    world = make_world(api, "twice")
    body, headers = {"application": world.application}, {"Idempotency-Key": "order-1"}
    first = api.post("/keys", json=body, headers=headers)
    second = api.post("/keys", json=body, headers=headers)
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    listed = api.get("/keys", params={"application": world.application}).json()["items"]
    assert len(listed) == 2  # the world's own, and one

    other = api.post("/keys", json=body, headers={"Idempotency-Key": "order-2"})
    assert other.json()["id"] != first.json()["id"]


def test_the_same_key_for_something_else_is_refused(api: httpx2.Client) -> None:
    headers = {"Idempotency-Key": "reused"}
    assert api.post("/organizations", json={"name": "idem-a"}, headers=headers).status_code == 201
    answer = api.post("/organizations", json={"name": "idem-b"}, headers=headers)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]
    assert api.get("/organizations/idem-b").status_code == 404


def test_a_create_that_failed_may_be_tried_again_with_its_key(api: httpx2.Client) -> None:
    headers, body = {"Idempotency-Key": "retry"}, {"name": "app", "organization": "idem-late"}
    assert api.post("/applications", json=body, headers=headers).status_code == 404
    api.post("/organizations", json={"name": "idem-late"})
    assert api.post("/applications", json=body, headers=headers).status_code == 201


def test_many_at_once_with_one_key_make_one_thing(web: WebProcess, api: httpx2.Client) -> None:
    world = make_world(api, "at-once")

    def create(_: int) -> tuple[int, str]:
        with web.client() as client:
            answer = client.post(
                "/keys",
                json={"application": world.application, "name": "one"},
                headers={"Idempotency-Key": "at-once"},
            )
            return answer.status_code, answer.json()["key"]

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(create, range(8)))
    assert len(answers) == 1
    assert {status for status, _ in answers} == {201}


def test_keys_of_two_tokens_do_not_meet(web: WebProcess, api: httpx2.Client) -> None:
    headers = {"Idempotency-Key": "mine"}
    with web.client(make_token(api, name="administrator")) as other:
        a = api.post("/organizations", json={"name": "two-tokens-a"}, headers=headers)
        b = other.post("/organizations", json={"name": "two-tokens-b"}, headers=headers)
    assert (a.status_code, b.status_code) == (201, 201)


def test_imports_and_publications_are_made_once_too(api: httpx2.Client) -> None:
    headers = {"Idempotency-Key": "import-1"}
    first = api.post("/apis", json=api_body("imported-once"), headers=headers)
    again = api.post("/apis", json=api_body("imported-once"), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    headers = {"Idempotency-Key": "publish-1"}
    first = api.post("/apis/imported-once/publish", json={}, headers=headers)
    again = api.post("/apis/imported-once/publish", json={}, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true"


def test_no_kept_answer_shows_a_secret(web: WebProcess, api: httpx2.Client) -> None:
    world = make_world(api, "kept")
    issued = api.post(
        "/keys", json={"application": world.application}, headers={"Idempotency-Key": "kept-1"}
    ).json()["key"]
    stored = web.stored()
    assert issued.encode() not in stored
    assert b"kept-1" not in stored
    assert world.application.partition("/")[0].encode() in stored  # it is the right file


def test_a_key_must_be_a_short_printable_text(api: httpx2.Client) -> None:
    answer = api.post(
        "/organizations", json={"name": "long-key"}, headers={"Idempotency-Key": "k" * 256}
    )
    assert answer.status_code == 422
