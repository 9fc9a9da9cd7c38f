"""Is whatever goes wrong said as a problem, with the next step and nothing of our insides?"""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from headgate.web.envelope import BODY_BYTES_MAX
from tests.support.web_process import WebProcess
from tests.support.web_world import api_body


def problem(answer: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:headgate:problem:{kind}"
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["detail"]
    assert body["next_step"]
    return body


def test_every_mistake_of_a_body_is_listed_with_its_place(api: httpx2.Client) -> None:
    body = {
        "name": "A!",
        "base_path": 7,
        "upstream": {"hosts": [{"host": "a", "port": 0}]},
        "document": {"files": {"a": "b"}, "entry": "c"},
        "zzz": 1,
    }
    found = problem(api.post("/apis", json=body), 422, "invalid-input")
    pointers = {error["pointer"] for error in found["errors"]}
    assert {"/name", "/base_path", "/zzz"} <= pointers
    assert any(pointer.startswith("/upstream") for pointer in pointers)
    assert any(pointer.startswith("/document") for pointer in pointers)


def test_nothing_is_guessed(api: httpx2.Client) -> None:
    answer = api.post("/blocks", json={"kind": "address", "subject": "::1", "seconds": "60"})
    assert problem(answer, 422, "invalid-input")["errors"][0]["pointer"] == "/seconds"


def test_query_parameters_are_checked_and_unknown_ones_named(api: httpx2.Client) -> None:
    found = problem(api.get("/organizations?limit=0"), 422, "invalid-input")
    assert "limit" in found["errors"][0]["message"]
    found = problem(api.get("/organizations?limitt=5"), 422, "invalid-input")
    assert "limitt" in found["detail"]
    problem(api.get("/organizations?cursor=zzz"), 422, "invalid-input")
    problem(api.get("/traffic/requests?since=yesterday"), 422, "invalid-input")
    problem(api.get("/traffic/requests?since=99999999999w"), 422, "invalid-input")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"name": NaN}', b'{"name":"a"} x'])
def test_what_is_not_json_is_malformed(api: httpx2.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    problem(api.post("/organizations", content=body, headers=headers), 400, "malformed")


def test_a_nul_character_is_refused(api: httpx2.Client) -> None:
    body = {"name": "nul", "title": "a\0b"}
    problem(api.post("/organizations", json=body), 422, "invalid-input")
    problem(api.get("/applications", params={"organization": "a\0b"}), 422, "invalid-input")
    problem(api.get("/organizations/a%00b"), 404, "not-found")


def test_another_media_type_is_not_read(api: httpx2.Client) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/xml"):
        answer = api.post("/organizations", content=b"name=a", headers={"Content-Type": kind})
        problem(answer, 415, "unsupported-media-type")


def test_a_missing_body_is_a_mistake_like_any_other(api: httpx2.Client) -> None:
    problem(api.post("/organizations"), 422, "invalid-input")


def test_a_body_beyond_the_limit_is_refused_with_the_limit(api: httpx2.Client) -> None:
    body = {"name": "large", "title": "x" * BODY_BYTES_MAX}
    found = problem(api.post("/organizations", json=body), 413, "too-large")
    assert f"{BODY_BYTES_MAX:,}" in found["detail"]

    def chunks() -> Any:
        for _ in range(BODY_BYTES_MAX // 10_000 + 2):
            yield b" " * 10_000

    headers = {"Content-Type": "application/json"}
    answer = api.post("/organizations", content=chunks(), headers=headers)
    problem(answer, 413, "too-large")


def test_an_unknown_url_and_a_wrong_method(api: httpx2.Client) -> None:
    problem(api.get("/nothing"), 404, "not-found")
    problem(api.get("/organizations/"), 404, "not-found")
    answer = api.put("/organizations", json={})
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert api.request("TRACE", "/organizations").status_code == 405


def test_the_root_is_the_portal_and_leads_to_the_documentation(web: WebProcess) -> None:
    with web.client("", path="") as stranger:
        answer = stranger.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/api/v1/docs"' in answer.text


def test_every_answer_tells_browsers_to_be_careful(web: WebProcess, api: httpx2.Client) -> None:
    with web.client("") as stranger:
        answers = [api.get("/organizations"), api.get("/nothing"), stranger.get("/organizations")]
        answers += [stranger.get("/docs"), stranger.get("/health")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert [a.headers["cache-control"] for a in answers[:3]] == ["no-store"] * 3


def test_health_needs_no_token_and_says_no_more_than_health(web: WebProcess) -> None:
    with web.client("") as stranger:
        answer = stranger.get("/health")
    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "version"}


def test_imports_that_hang_do_not_keep_others_waiting(web: WebProcess, api: httpx2.Client) -> None:
    """Eight imports from a host that accepts and never answers; short requests go on."""

    def hang(number: int, url: str) -> int:
        body = api_body(f"hang-{number}", document={"url": url, "allow_private": True})
        with web.client() as client:
            return client.post("/apis", json=body).status_code

    with socket.socket() as silent, ThreadPoolExecutor(8) as pool:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/openapi.json"
        waiting = [pool.submit(hang, number, url) for number in range(8)]
        time.sleep(0.5)
        assert api.get("/organizations").status_code == 200
        assert not any(future.done() for future in waiting)
        silent.close()  # resets the connections: the imports end
        assert {future.result() for future in waiting} == {422}
