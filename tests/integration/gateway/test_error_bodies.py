"""Does a caller read the gateway's own answers in the form that the API wants, and no other?"""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from headgate.gateway.compile import check
from headgate.model.snapshot import PolicyUse, Snapshot
from tests.support.peer import Peer
from tests.support.proxy import Proxy, api

pytestmark = pytest.mark.integration
XML = (
    '<error code="{{status}}"><type>{{ type }}</type><title>{{title}}</title>'
    "<why>{{detail}}</why><do>{{next_step}}</do><id>{{request_id}}</id></error>"
)
OWN_JSON = '{"error": {"message": "{{detail}}", "share": "100%", "id": "{{request_id}}"}}'


def bodies(*given: dict[str, Any]) -> PolicyUse:
    return PolicyUse("error_bodies", {"bodies": list(given)})


def xml(**changes: Any) -> dict[str, Any]:
    return {"content_type": "application/xml", "body": XML, **changes}


def test_an_api_answers_in_xml_and_its_neighbour_with_problems(
    gateway: Proxy, upstream: Peer
) -> None:
    gateway.publish(
        api("GET /echo", port=upstream.port, policies=[bodies(xml())]),
        api("GET /echo", row=2, base_path="/other", port=upstream.port),
    )
    answer = gateway.call("/shop/nowhere?a=<&>")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/xml")
    found = ET.fromstring(answer.body)  # our own Envoy's words
    assert found.attrib == {"code": "404"}
    assert found.findtext("type") == "urn:headgate:problem:no-route"
    assert found.findtext("id") == answer.headers["x-request-id"]
    assert found.findtext("do")
    for path in ("/other/nowhere", "/elsewhere"):
        other = gateway.call(path)
        assert other.headers["content-type"] == "application/problem+json"
        assert other.json["type"] == "urn:headgate:problem:no-route"
    assert gateway.call("/shop/echo").status == 200


def test_the_first_text_that_fits_is_taken_and_a_problem_where_none_does(
    gateway: Proxy, upstream: Peer
) -> None:
    own = bodies(
        {"content_type": "text/plain", "body": "{{status}}: {{title}}", "statuses": [405]},
        {"content_type": "application/json", "body": OWN_JSON, "problems": ["upstream-failed"]},
    )
    gateway.publish(api("GET /echo", port=9, policies=[own]))
    wrong = gateway.call("/shop/echo", "PUT")
    assert (wrong.headers["content-type"], wrong.body) == ("text/plain", b"405: Method not allowed")
    failed = gateway.call("/shop/echo")
    assert (failed.status, failed.headers["content-type"]) == (503, "application/json")
    assert failed.json["error"] == {
        "message": "The connection to the API's upstream failed.",
        "share": "100%",
        "id": failed.headers["x-request-id"],
    }
    assert gateway.call("/shop/nowhere").json["type"] == "urn:headgate:problem:no-route"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/xml", "<e>{{detail}}</e>"), ("application/json", '{"e": "{{detail}}"}')],
)
def test_what_a_provider_wrote_cannot_break_the_form(
    gateway: Proxy, upstream: Peer, content_type: str, body: str
) -> None:
    message = 'Back at "8" </e> & 100% \\ %REQ(X)%\nsoon'
    closed = PolicyUse("maintenance", {"message": message})
    own = bodies({"content_type": content_type, "body": body})
    gateway.publish(api("GET /echo", port=upstream.port, policies=[closed, own]))
    answer = gateway.call("/shop/echo")
    assert answer.status == 503
    if content_type == "application/xml":
        assert ET.fromstring(answer.body).text == message  # our own Envoy's words
    else:
        assert answer.json == {"e": message}


def test_head_gets_no_body_grpc_its_status_and_mocks_stay_as_they_are(
    gateway: Proxy, upstream: Peer
) -> None:
    mock = PolicyUse("mock", {"status": 404, "body": '{"mine": 1}'})
    lines = ("GET /echo", "HEAD /echo", "GET /mock")
    made = api(*lines, port=9, policies=[bodies(xml())], of_operation={"GET /mock": (mock,)})
    gateway.publish(made)
    head = gateway.call("/shop/echo", "HEAD")
    assert (head.status, head.headers["content-type"], head.body) == (503, "application/xml", b"")
    grpc = gateway.call("/shop/echo", headers={"content-type": "application/grpc"})
    assert grpc.headers["grpc-status"] == "14"
    assert b"<" not in grpc.body
    assert (gateway.call("/shop/mock").status, gateway.call("/shop/mock").json) == (
        404,
        {"mine": 1},
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"content_type": "text/plain", "body": "{{stack}}"}, "there is no placeholder 'stack'"),
        ({"content_type": "application/json", "body": '{"a": {{detail}}'}, "is not JSON"),
        ({"content_type": "application/xml", "body": "<a>{{detail}}"}, "is not XML"),
        ({"content_type": "application/xml", "body": "<!DOCTYPE a><a/>"}, "is not XML"),
        ({"content_type": "text/plain", "body": "${secret:k}"}, "a secret cannot stand"),
        ({"content_type": "text/plain", "body": "x" * 5000}, "at most 4096"),
        ({"content_type": "text/plain\r\nx: y", "body": "x"}, "is not a content type"),
        ({"content_type": "text/plain", "body": "x", "statuses": [200]}, "200 is not the status"),
    ],
)
def test_a_text_that_cannot_be_written_is_refused_at_publishing(
    given: dict[str, Any], why: str
) -> None:
    snapshot = Snapshot(1, "default", (api("GET /echo", port=9, policies=[bodies(given)]),))
    assert why in json.dumps([one.message for one in check(snapshot)])


def test_every_api_of_a_gateway_may_have_a_text_of_its_own(gateway: Proxy) -> None:
    rows = range(1, 31)
    gateway.publish(
        *(
            api(
                "GET /x",
                row=row,
                base_path=f"/a{row}",
                policies=[bodies({"content_type": "text/plain", "body": f"number {row}"})],
            )
            for row in rows
        )
    )
    assert [gateway.call(f"/a{row}/nowhere").body for row in rows] == [
        f"number {row}".encode() for row in rows
    ]
