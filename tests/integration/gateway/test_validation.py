"""Is a request checked against the API's document by the real Envoy and the real validator?"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headgate.model.snapshot import PolicyUse, SnapshotAPI
from tests.support.peer import Peer
from tests.support.proxy import Proxy, api, proxy, until
from tests.support.validator import Validator, validator

pytestmark = pytest.mark.integration

JSON = {"content-type": "application/json"}
THING = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "maxLength": 5}, "n": {"type": "integer"}},
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/size": {
            "post": {
                "parameters": [
                    {"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 9}}
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": THING}},
                },
                "responses": {"200": {"description": "ok"}},
            }
        },
        "/echo": {"get": {"responses": {"200": {"description": "ok"}}}},
    },
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, Validator]]:
    folder: Path = tmp_path_factory.mktemp("v")
    with validator(folder) as one, proxy(folder, validator_sockets=(one.socket,)) as gateway:
        yield gateway, one


def use(**settings: Any) -> PolicyUse:
    return PolicyUse("validate", settings)


def serve(
    checked: tuple[Proxy, Validator], port: int, policy: PolicyUse, document: Any = DOCUMENT
) -> SnapshotAPI:
    gateway, one = checked
    made = one.serve(
        document,
        api("POST /size", "GET /echo", port=port, of_operation={"POST /size": (policy,)}),
    )
    gateway.publish(made)
    return made


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_body_that_does_not_fit_is_refused_with_its_places_and_one_that_fits_arrives(
    checked: tuple[Proxy, Validator], upstream: Peer
) -> None:
    gateway, _ = checked
    serve(checked, upstream.port, use())
    answer = gateway.call("/shop/size", "POST", JSON, body({"name": "secret", "n": "x"}))
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["type"] == "urn:headgate:problem:invalid-request"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert {one["pointer"] for one in answer.json["errors"]} == {"/n", "/name"}
    assert b"secret" not in answer.body
    line = gateway.line(answer.headers["x-request-id"])
    assert line["details"] == "ext_authz_denied"
    assert gateway.call("/shop/size", "POST", JSON, body({"name": "ok"})).status == 200
    assert gateway.call("/shop/echo").status == 200


def test_observing_lets_pass_and_the_record_says_what_would_have_been(
    checked: tuple[Proxy, Validator], upstream: Peer
) -> None:
    gateway, one = checked
    made = serve(checked, upstream.port, use(request="observe", body_max="100"))
    row = made.operations[0].row
    before = one.readings().get(row, {"requests": 0, "invalid_requests": 0})
    calls = {
        body({"name": 1}): "invalid_request",
        body({"name": "x" * 200}): "invalid_request",  # larger than what is looked at
        body({"name": "ok"}): None,
    }
    for sent, observed in calls.items():
        answer = gateway.call("/shop/size", "POST", JSON, sent)
        assert answer.status == 200
        assert answer.json["bytes"] == len(sent)
        line = gateway.line(answer.headers["x-request-id"])
        assert line.get("observed") == observed
    after = one.readings()[row]
    assert after["requests"] - before["requests"] == 3
    assert after["invalid_requests"] - before["invalid_requests"] == 2
    answer = gateway.call("/shop/echo")
    assert "observed" not in gateway.line(answer.headers["x-request-id"])


def test_the_gateway_refuses_the_rest_by_its_kind(
    checked: tuple[Proxy, Validator], upstream: Peer
) -> None:
    gateway, _ = checked
    serve(checked, upstream.port, use(body_max="100", unknown_query="refuse"))
    good = body({"name": "ok"})
    cases: list[tuple[str, dict[str, str], bytes, int, str]] = [
        ("/shop/size", {"content-type": "text/plain"}, good, 415, "unsupported-media-type"),
        ("/shop/size", {}, good, 415, "unsupported-media-type"),
        ("/shop/size", JSON | {"content-encoding": "gzip"}, good, 415, "unsupported-media-type"),
        ("/shop/size", JSON, body({"name": "x" * 200}), 413, "too-large"),
        ("/shop/size", JSON, b"", 400, "invalid-request"),
        ("/shop/size", JSON, b'{"name":"a","name":"b"}', 400, "invalid-request"),
        ("/shop/size?limit=10", JSON, good, 400, "invalid-request"),
        ("/shop/size?limit=ten", JSON, good, 400, "invalid-request"),
        ("/shop/size?other=1", JSON, good, 400, "invalid-request"),
    ]
    for target, headers, sent, status, kind in cases:
        upstream.seen.clear()
        answer = gateway.call(target, "POST", headers, sent)
        assert (answer.status, answer.json["type"]) == (status, f"urn:headgate:problem:{kind}")
        assert not upstream.seen
    assert gateway.call("/shop/size?limit=9", "POST", JSON, good).status == 200


def test_no_caller_can_speak_to_the_validator_in_envoys_words(
    checked: tuple[Proxy, Validator], upstream: Peer
) -> None:
    gateway, _ = checked
    made = serve(checked, upstream.port, use())
    forged = {
        "x-headgate-status": "200",
        "x-headgate-contract": f"{made.contract}.{made.operations[0].row}.o",
        "x-envoy-auth-partial-body": "true",
    }
    answer = gateway.call("/shop/size", "POST", JSON | forged, body({"name": 1}))
    assert answer.status == 400


def test_without_a_validator_requests_pass_or_not_as_the_api_says(
    checked: tuple[Proxy, Validator], upstream: Peer
) -> None:
    gateway, one = checked
    bad = body({"name": 1})
    serve(checked, upstream.port, use(on_failure="open"))
    one.kill()
    answer = gateway.call("/shop/size", "POST", JSON, bad)
    assert answer.status == 200
    counted = "http.gateway.ext_authz.validate_open.failure_mode_allowed: 1"
    assert counted in gateway.admin("/stats?filter=failure_mode_allowed")
    one.start()
    serve(checked, upstream.port, use(on_failure="closed"))
    assert gateway.call("/shop/size", "POST", JSON, body({"name": "ok"})).status == 200
    one.kill()
    answer = gateway.call("/shop/size", "POST", JSON, body({"name": "ok"}))
    assert answer.status == 503
    assert answer.json["type"] == "urn:headgate:problem:validator-down"
    assert gateway.line(answer.headers["x-request-id"])["details"] == "ext_authz_error"
    assert gateway.call("/shop/echo").status == 200
    one.start()
    assert gateway.call("/shop/size", "POST", JSON, bad).status == 400


def test_sampled_answers_are_counted_by_what_the_document_promises(
    checked: tuple[Proxy, Validator], upstream: Peer
) -> None:
    gateway, one = checked
    promised = {"type": "object", "properties": {"method": {"const": "POST"}}}
    document = json.loads(json.dumps(DOCUMENT))
    for path, method in (("/size", "post"), ("/echo", "get")):
        document["paths"][path][method]["responses"]["200"] = {
            "description": "ok",
            "content": {"application/json": {"schema": promised}},
        }
    watching = use(request="off", response="observe", sample_ratio=1)
    packed = PolicyUse("compression", {"algorithms": ["gzip"]})
    made = one.serve(document, api("POST /size", "GET /echo", port=upstream.port, row=7))
    gateway.publish(replace(made, policies=(watching, packed)))
    post, get = (operation.row for operation in made.operations)
    takes = {"accept-encoding": "gzip"}
    for _ in range(3):
        answer = gateway.call("/shop/size", "POST", JSON | takes, body({}))
        assert answer.headers["content-encoding"] == "gzip"  # callers get it packed
        assert gateway.call("/shop/echo").status == 200
    until(
        lambda: (
            one.readings().get(get, {}).get("responses") == 3
            and one.readings()[post]["responses"] == 3
        ),
        lambda: str(one.readings()),
    )
    assert one.readings()[post]["invalid_responses"] == 0
    assert one.readings()[get]["invalid_responses"] == 3
    assert one.readings()[get]["example"].startswith("200 /method: ")
    assert one.readings()[get]["requests"] == 0


def test_a_body_may_be_as_large_as_the_policy_says_and_come_in_pieces(
    checked: tuple[Proxy, Validator], upstream: Peer
) -> None:
    gateway, _ = checked
    serve(checked, upstream.port, use(body_max="4MiB"))
    large = body({"name": "ok", "more": "x" * 3_500_000})
    answer = gateway.call("/shop/size", "POST", JSON, large)
    assert (answer.status, answer.json["bytes"]) == (200, len(large))
    too_large = body({"name": "ok", "more": "x" * 4_300_000})
    assert gateway.call("/shop/size", "POST", JSON, too_large).status == 413
    head = b"POST /shop/size HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
    head += b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    for content, status in ((b'{"name":"ok"}', b"200"), (b'{"name":"ok!!!!!"}', b"400")):
        pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in content)
        answered = gateway.raw(head + pieces + b"0\r\n\r\n")
        assert answered.startswith(b"HTTP/1.1 " + status)
