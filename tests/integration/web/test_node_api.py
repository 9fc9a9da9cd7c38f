"""Do nodes get what they run at once, hand over what they have, and speak only for themselves?"""

import base64
import hashlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from headgate.model.access import AccessDelta
from headgate.model.codec import as_json, from_json
from headgate.model.contract import contract_from
from headgate.model.node import NODE_FIELD, EnvoyState, NodeReport
from headgate.model.snapshot import SnapshotDelta
from headgate.web.envelope import SEGMENT_BYTES_MAX
from tests.support.web_process import WebProcess
from tests.support.web_world import api_body, make_world

WAKE_SECONDS_MAX = 10.0  # far below the 20 of a wait that nothing ends


@pytest.fixture
def node(web: WebProcess) -> Iterator[httpx2.Client]:
    with web.client(web.node_token, path="/node/v1") as client:
        yield client


def report(name: str, **more: Any) -> bytes:
    values: dict[str, Any] = {
        "node": name,
        "reported_at": datetime.now(UTC),
        "agent_version": "0.1.0",
        "envoy_version": "1.40.0",
        "envoy_state": EnvoyState.SERVING,
        "envoy_restarts": 0,
        "revision_seen": 0,
        "revision_live": 0,
        "revision_error": "",
        "access_generation": "",
        "access_sequence": 0,
        "spool_segments": 0,
        "spool_bytes": 0,
        "spool_oldest_at": None,
        "log_write_failures": 0,
        "table_dropped": 0,
        "clock_steps": 0,
    }
    return as_json(NodeReport(**(values | more)))


def say(node: httpx2.Client, body: bytes) -> int:
    return node.post(
        "/report", content=body, headers={"Content-Type": "application/json"}
    ).status_code


def all_access(node: httpx2.Client) -> AccessDelta:
    """The last page: a node that has it has everything."""
    generation, after = "", 0
    while True:
        params = {"generation": generation, "after": after, "wait": 0}
        answer = node.get("/access", params=params)
        delta = from_json(AccessDelta, answer.content)
        if delta.is_complete:
            return delta
        generation, after = delta.generation, delta.upto


def test_a_new_node_gets_everything_and_then_nothing(
    api: httpx2.Client, node: httpx2.Client
) -> None:
    make_world(api, "node-new")
    delta = all_access(node)
    assert delta.credentials
    assert delta.plans
    params = {"generation": delta.generation, "after": delta.upto, "wait": 0}
    assert node.get("/access", params=params).status_code == 204


def test_a_waiting_node_learns_of_a_new_key_at_once(
    api: httpx2.Client, node: httpx2.Client
) -> None:
    world = make_world(api, "node-wait")
    delta = all_access(node)
    params = {"generation": delta.generation, "after": delta.upto, "wait": 20}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: (node.get("/access", params=params), time.monotonic()))
        time.sleep(0.3)
        assert not waiting.done()
        made = api.post("/keys", json={"application": world.application}).json()
        answered_at = time.monotonic()
        answer, woken_at = waiting.result(60)
    assert [row.id for row in from_json(AccessDelta, answer.content).credentials] == [made["id"]]
    assert woken_at - answered_at < WAKE_SECONDS_MAX


def test_a_waiting_node_learns_of_a_publication_at_once(
    api: httpx2.Client, node: httpx2.Client
) -> None:
    api.post("/apis", json=api_body("node-publish"))
    revision = api.get("/gateways/default").json()["revision"]
    with ThreadPoolExecutor(1) as pool:
        params = {"after": revision, "wait": 20, "gateway": "default"}
        waiting = pool.submit(lambda: (node.get("/snapshot", params=params), time.monotonic()))
        time.sleep(0.3)
        api.post("/apis/node-publish/publish", json={})
        answered_at = time.monotonic()
        answer, woken_at = waiting.result(60)
    delta = from_json(SnapshotDelta, answer.content)
    assert [api.name for api in delta.changed] == ["node-publish"]
    assert woken_at - answered_at < WAKE_SECONDS_MAX
    api.post("/apis/node-publish/unpublish", json={})


def test_a_wait_that_nothing_ends_ends_by_itself(node: httpx2.Client) -> None:
    delta = all_access(node)
    params = {"generation": delta.generation, "after": delta.upto, "wait": 1}
    started = time.monotonic()
    assert node.get("/access", params=params).status_code == 204
    assert time.monotonic() - started > 0.9


def test_fifty_waiting_nodes_hold_no_thread(web: WebProcess, node: httpx2.Client) -> None:
    delta = all_access(node)
    params = {"generation": delta.generation, "after": delta.upto, "wait": 4}
    before = web.threads()
    with ThreadPoolExecutor(50) as pool, web.client(web.node_token, path="/node/v1") as client:
        waiting = [pool.submit(client.get, "/access", params=params) for _ in range(50)]
        time.sleep(1.5)
        meanwhile = web.threads()
        statuses = {future.result().status_code for future in waiting}
    assert statuses == {204}
    assert meanwhile <= before + 9  # the threads of the store at most, however many wait


def test_a_publication_is_live_when_the_node_says_so(
    api: httpx2.Client, node: httpx2.Client
) -> None:
    api.post("/apis", json=api_body("node-live"))
    revision = api.get("/gateways/default").json()["revision"]
    assert say(node, report("local", revision_seen=revision, revision_live=revision)) == 204
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.post, "/apis/node-live/publish", json={"wait_seconds": 10})
        time.sleep(0.3)
        assert not waiting.done()
        wanted = api.get("/gateways/default").json()["revision"]
        assert say(node, report("local", revision_seen=wanted, revision_live=wanted)) == 204
        answer = waiting.result(60).json()
    assert (answer["live"], answer["revision"]) == (True, wanted)
    assert [n["name"] for n in answer["nodes"]] == ["local"]

    refused = "no such cluster"
    api.patch("/apis/node-live", json={"title": "x", "base_path": "/node-live-2"})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.post, "/apis/node-live/publish", json={"wait_seconds": 10})
        time.sleep(0.3)
        state = {"revision_seen": wanted + 1, "revision_live": wanted, "revision_error": refused}
        assert say(node, report("local", **state)) == 204
        answer = waiting.result(60).json()
    assert (answer["live"], answer["nodes"][0]["error"]) == (False, refused)
    problems = [problem["detail"] for problem in api.get("/status").json()["problems"]]
    assert any(refused in problem for problem in problems)
    api.post("/apis/node-live/unpublish", json={})


def test_a_report_that_makes_no_sense_is_refused_with_its_place(node: httpx2.Client) -> None:
    body = report("local").replace(b'"serving"', b'"flying"')
    answer = node.post("/report", content=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/envoy_state"


def test_a_token_lets_in_one_node_of_one_gateway(
    web: WebProcess, api: httpx2.Client, node: httpx2.Client
) -> None:
    api.post("/gateways", json={"name": "staging"})
    token = add_node(api, "elsewhere", gateway="staging")
    with web.client(token, path="/node/v1") as other:
        assert say(other, report("elsewhere")) == 204
        assert say(other, report("local")) == 403
        assert say(node, report("elsewhere")) == 403
        assert say(node, report("unheard")) == 403
        assert other.get("/snapshot", params={"gateway": "default"}).status_code == 404
        assert upload(other, "local-0000000a-00000001", b"{}\n").status_code == 403
        assert upload(other, "elsewhere-0000000a-00000001", b"{}\n").status_code == 201
        for name, status in (("elsewhere", 204), ("local", 403)):
            answer = other.get("/snapshot", headers={NODE_FIELD: name})
            assert answer.status_code == status, name


def test_a_node_that_was_not_added_gets_no_token(api: httpx2.Client) -> None:
    answer = api.post("/tokens", json={"name": "x", "scopes": ["node"]})
    assert answer.status_code == 422
    assert "headgate node add" in answer.json()["detail"]
    for body, status in (
        ({"name": "with-hyphen"}, 422),
        ({"name": "local"}, 409),
        ({"name": "x", "gateway": "nowhere"}, 404),
    ):
        assert api.post("/nodes", json=body).status_code == status, body


def test_a_rotated_token_overlaps_and_a_revoked_one_ends_at_once(
    web: WebProcess, api: httpx2.Client
) -> None:
    first = add_node(api, "turning")
    second = api.post("/nodes/turning/rotate", json={"overlap_seconds": 60}).json()["token"]
    assert [may_come_in(web, token) for token in (first, second)] == [True, True]
    third = api.post("/nodes/turning/rotate", json={}).json()["token"]
    assert [may_come_in(web, token) for token in (first, second, third)] == [False, False, True]
    listed = api.get("/nodes/turning/tokens")
    assert [token["node"] for token in listed.json()["items"]] == ["turning"]
    assert third not in listed.text
    assert api.post("/nodes/turning/revoke").status_code == 204
    assert not may_come_in(web, third)
    assert api.get("/nodes/turning/tokens").json()["items"] == []
    again = api.post("/nodes/turning/rotate", json={}).json()["token"]
    assert may_come_in(web, again)
    assert api.delete("/nodes/turning").status_code == 204
    assert not may_come_in(web, again)
    entries = api.get("/audit", params={"subject": "turning"})
    assert {entry["action"] for entry in entries.json()["items"]} == {
        "node.registered",
        "node.token_rotated",
        "node.tokens_revoked",
        "node.deleted",
    }
    assert not any(text in entries.text for text in (first, second, third, again))


def test_a_node_that_waits_when_it_is_revoked_gets_nothing_new(
    web: WebProcess, api: httpx2.Client
) -> None:
    token = add_node(api, "waiting")
    with web.client(token, path="/node/v1") as waiter, ThreadPoolExecutor(1) as pool:
        delta = all_access(waiter)
        params = {"generation": delta.generation, "after": delta.upto, "wait": 20}
        waiting = pool.submit(lambda: (waiter.get("/access", params=params), time.monotonic()))
        time.sleep(0.3)
        assert not waiting.done()
        api.post("/nodes/waiting/revoke")
        revoked_at = time.monotonic()
        make_world(api, "after-revocation")
        answer, ended_at = waiting.result(60)
    assert answer.status_code == 401
    assert ended_at - revoked_at < WAKE_SECONDS_MAX


def add_node(api: httpx2.Client, name: str, gateway: str = "default") -> str:
    """The token of a new node."""
    answer = api.post("/nodes", json={"name": name, "gateway": gateway})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def may_come_in(web: WebProcess, token: str) -> bool:
    with web.client(token, path="/node/v1") as node:
        status = node.get("/access").status_code
    assert status in {200, 204, 401}
    return status != 401


def test_only_nodes_come_in(web: WebProcess, api: httpx2.Client) -> None:
    with web.client("", path="/node/v1") as stranger, web.client(path="/node/v1") as administrator:
        for method, path in (
            ("GET", "/snapshot"),
            ("GET", "/access"),
            ("POST", "/report"),
            ("POST", "/leases"),
            ("PUT", "/segments/local-0000000a-00000001"),
            ("GET", "/contracts/0123456789abcdef0123456789abcdef"),
            ("GET", "/nothing"),
        ):
            assert stranger.request(method, path).status_code == 401, path
            assert administrator.request(method, path).status_code == 403, path


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=1.5", "zzz=1", "after=" + "9" * 30])
def test_a_wrong_question_is_refused(node: httpx2.Client, query: str) -> None:
    answer = node.get(f"/access?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_told_the_right_one(node: httpx2.Client) -> None:
    answer = node.post("/snapshot")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert node.get("/nothing").status_code == 404


def test_a_node_gets_what_its_calls_are_checked_against_and_nothing_else(
    api: httpx2.Client, node: httpx2.Client
) -> None:
    api.post("/apis", json=api_body("node-contract"))
    use = [{"kind": "validate", "settings": {}}]
    assert api.put("/apis/node-contract/policies", json=use).is_success
    assert api.post("/apis/node-contract/publish", json={}).is_success
    delta = from_json(SnapshotDelta, node.get("/snapshot").content)
    contract = next(one.contract for one in delta.changed if one.name == "node-contract")
    found = contract_from(node.get(f"/contracts/{contract}").content)
    assert found.id == contract
    assert node.get(f"/contracts/{contract[:-1]}").status_code == 404
    assert node.get(f"/contracts/{contract}?x=1").status_code == 422
    assert node.post(f"/contracts/{contract}").status_code == 405
    api.post("/apis/node-contract/unpublish", json={})


def upload(
    node: httpx2.Client, name: str, body: bytes, *, digest: bytes | None = None
) -> httpx2.Response:
    found = hashlib.sha256(body).digest() if digest is None else digest
    field = f"sha-256=:{base64.b64encode(found).decode()}:"
    return node.put(f"/segments/{name}", content=body, headers={"Content-Digest": field})


def inbox(web: WebProcess) -> set[str]:
    return {path.name for path in (web.data / "inbox").iterdir()}


def test_a_segment_arrives_whole_and_once(web: WebProcess, node: httpx2.Client) -> None:
    body = b'{"request_id":"x"}\n' * 200_000
    name = "local-0000000b-00000001"
    assert upload(node, name, body).status_code == 201
    assert (web.data / "inbox" / f"{name}.jsonl").read_bytes() == body
    assert upload(node, name, body).status_code == 200
    assert {n for n in inbox(web) if n.startswith("local-0000000b")} == {f"{name}.jsonl"}


def test_a_large_segment_that_is_here_already_is_acknowledged_to_its_sender(
    node: httpx2.Client,
) -> None:
    body, name = b'{"request_id":"x"}\n' * 1_500_000, "local-0000000f-00000001"
    assert [upload(node, name, body).status_code for _ in range(3)] == [201, 200, 200]


def test_a_segment_that_arrives_damaged_leaves_nothing(
    web: WebProcess, node: httpx2.Client
) -> None:
    before = inbox(web)
    name = "local-0000000c-00000001"
    assert upload(node, name, b"{}\n", digest=b"0" * 32).status_code == 422
    assert node.put(f"/segments/{name}", content=b"{}\n").status_code == 422
    assert inbox(web) == before
    assert upload(node, name, b"{}\n").status_code == 201


def test_the_same_segment_twice_at_once_is_one_file(web: WebProcess, node: httpx2.Client) -> None:
    body, name = b"{}\n" * 300_000, "local-0000000d-00000001"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: upload(node, name, body).status_code, range(4)))
    assert set(answers) <= {200, 201}
    assert (web.data / "inbox" / f"{name}.jsonl").read_bytes() == body


def test_a_segment_beyond_the_limit_is_refused_before_it_is_sent(web: WebProcess) -> None:
    head = (
        "PUT /node/v1/segments/local-0000000e-00000001 HTTP/1.1\r\nHost: test\r\n"
        f"Authorization: Bearer {web.node_token}\r\nContent-Length: {SEGMENT_BYTES_MAX + 1}\r\n\r\n"
    )
    address = urlsplit(web.url)
    with socket.create_connection((address.hostname or "", address.port or 0), 10) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(10_000), b"")).decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert f"{SEGMENT_BYTES_MAX:,}" in answer


@pytest.mark.parametrize(
    "name",
    [
        "..%2F..%2Fadmin.token",
        "local-0000000a-1",
        "local-nothexad-00000001",
        "%00-0000000a-00000001",
        "..-0000000a-00000001",
        "local",
    ],
)
def test_a_name_that_is_no_segments_is_refused(
    web: WebProcess, node: httpx2.Client, name: str
) -> None:
    before = set(Path(web.data).rglob("*"))
    assert upload(node, name, b"{}\n").status_code == 422
    assert set(Path(web.data).rglob("*")) - before <= set((web.data).glob("headgate.db-*"))
