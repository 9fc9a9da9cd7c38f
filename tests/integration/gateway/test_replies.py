"""Do `maintenance`, `mock` and `rewrite` answer and ask what they say, whatever a caller sends?"""

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from headgate.model.snapshot import PolicyUse, Upstream, UpstreamHost
from tests.support.peer import Peer
from tests.support.proxy import Answer, Proxy, api

pytestmark = pytest.mark.integration
NASTY = "a\"b\\c\n\r\t\x00\x7f</script>&'é"


def use(kind: str, **settings: Any) -> PolicyUse:
    return PolicyUse(kind, settings)


def mock(gateway: Proxy, line: str, **settings: Any) -> None:
    made = api(line, "GET /real", port=9, of_operation={line: (use("mock", **settings),)})
    gateway.publish(made)


def test_maintenance_answers_everything_below_the_api_and_nothing_beside_it(
    gateway: Proxy, upstream: Peer
) -> None:
    policy = use("maintenance", message='Moving "house".', retry_after_seconds=90)
    gateway.publish(
        api("GET /echo", port=upstream.port, policies=[policy]),
        api("GET /echo", row=2, base_path="/other", port=upstream.port),
    )
    upstream.seen.clear()
    for target, method in (("/shop/echo", "GET"), ("/shop/echo", "PUT"), ("/shop/nowhere", "GET")):
        answer = gateway.call(target, method)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "90"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["type"] == "urn:headgate:problem:maintenance"
        assert answer.json["detail"] == 'Moving "house".'
        assert answer.json["request_id"] == answer.headers["x-request-id"]
        assert gateway.line(answer.headers["x-request-id"])["details"] == "lua_response"
    assert not upstream.seen
    assert gateway.call("/other/echo").status == 200


def test_types_lead_to_the_pages_of_the_control_plane_where_it_has_an_address(
    gateway: Proxy, upstream: Peer
) -> None:
    closed = {"GET /closed": (use("maintenance"),)}
    made = api("GET /echo", "GET /closed", port=upstream.port, of_operation=closed)
    gateway.publish(made, problem_types="https://apis.example.com/problems/")
    found = {path: gateway.call(path).json["type"] for path in ("/shop/closed", "/nowhere")}
    assert found == {
        "/shop/closed": "https://apis.example.com/problems/maintenance",
        "/nowhere": "https://apis.example.com/problems/no-route",
    }
    gateway.publish(made)
    assert gateway.call("/nowhere").json["type"] == "urn:headgate:problem:no-route"


def test_maintenance_can_be_one_operations_with_another_status(
    gateway: Proxy, upstream: Peer
) -> None:
    policy = use("maintenance", status=410, message="It is gone.", retry_after_seconds=0)
    lines = ("GET /a", "GET /b")
    gateway.publish(api(*lines, port=upstream.port, of_operation={"GET /a": (policy,)}))
    answer = gateway.call("/shop/a")
    assert (answer.status, "retry-after" in answer.headers) == (410, False)
    assert gateway.call("/shop/b").status == 200


def test_a_page_of_a_listed_origin_may_read_the_maintenance_message(
    gateway: Proxy, upstream: Peer
) -> None:
    cors = use("cors", allow_origins=["https://app.example.com"])
    gateway.publish(api("GET /a", port=upstream.port, policies=[use("maintenance"), cors]))
    answer = gateway.call("/shop/a", headers={"Origin": "https://app.example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


def test_a_fixed_answer_is_given_as_it_is_written(gateway: Proxy) -> None:
    body = '[{"id": 1}, {"id": 2}]'
    mock(gateway, "GET /pets", status=201, body=body, headers={"X-Mock": "yes"})
    answer = gateway.call("/shop/pets")
    assert (answer.status, answer.body.decode()) == (201, body)
    assert answer.headers["x-mock"] == "yes"
    assert answer.headers["content-type"] == "application/json"
    assert gateway.call("/shop/real").status == 503


def test_an_error_of_a_mock_is_not_rewritten_by_the_gateway(gateway: Proxy) -> None:
    mock(gateway, "GET /pets", status=404, body='{"error": "no pets"}')
    answer = gateway.call("/shop/pets")
    assert (answer.status, answer.json) == (404, {"error": "no pets"})


def test_values_of_the_request_stand_where_the_placeholders_do(gateway: Proxy) -> None:
    body = (
        '{"id": "{{path.id}}", "name": "{{ path.name }}", "page": "{{query.page}}", '
        '"tenant": "{{header.X-Tenant}}", "method": "{{method}}", "request": "{{request_id}}"}'
    )
    line = "PUT /pets/{id}/names/{name}.json"
    mock(gateway, line, body=body, headers={"X-Page": "{{query.page}}"})
    answer = gateway.call(
        "/shop/pets/7%2F8/names/rex.json?x=1&page=2+3", "PUT", {"X-Tenant": "acme"}
    )
    assert answer.json == {
        "id": "7/8",
        "name": "rex",
        "page": "2 3",
        "tenant": "acme",
        "method": "PUT",
        "request": answer.headers["x-request-id"],
    }
    assert answer.headers["x-page"] == "2 3"
    assert gateway.call("/shop/pets/1/names/a.json", "PUT").json["page"] == ""


@pytest.mark.parametrize("name", ["path", "query"])
def test_no_value_can_break_out_of_a_json_string(gateway: Proxy, name: str) -> None:
    place = {"path": "{{path.id}}", "query": "{{query.id}}"}[name]
    mock(gateway, "GET /pets/{id}", body=f'{{"id": "{place}"}}', headers={"X-Id": place})
    text = NASTY.replace("\x00", "")  # Envoy refuses NUL in a path by itself
    encoded = quote(text, safe="")
    target = f"/shop/pets/{encoded}" if name == "path" else f"/shop/pets/1?id={encoded}"
    answer = gateway.call(target)
    assert answer.json == {"id": text}
    assert "\n" not in answer.headers["x-id"]


def test_bytes_that_are_no_text_come_out_as_question_marks(gateway: Proxy) -> None:
    mock(gateway, "GET /pets/{id}", body='{"id": "{{path.id}}"}')
    for bad in ("%FF", "%C0%AF", "%ED%A0%80", "a%E2%82", "%F5%80%80%80"):
        found = gateway.call(f"/shop/pets/{bad}").json["id"]
        assert set(found) <= {"?", "a"}
        assert "?" in found
    assert gateway.call("/shop/pets/%E2%82%AC%F0%9F%90%95").json["id"] == "€🐕"


def test_no_value_can_write_markup(gateway: Proxy) -> None:
    mock(gateway, "GET /p/{id}", content_type="text/html", body="<p title='{{path.id}}'>x</p>")
    answer = gateway.call("/shop/p/" + quote("'><script>alert(1)</script>", safe=""))
    assert b"<script>" not in answer.body
    assert b"&#39;&gt;&lt;script&gt;" in answer.body


def asked(answer: Answer) -> tuple[str, dict[str, list[str]], dict[str, str]]:
    """Path, query and headers that reached the upstream."""
    seen = json.loads(answer.body)
    url = urlsplit(seen["path"])
    return url.path, parse_qs(url.query, keep_blank_values=True), seen["headers"]


def rewrite(gateway: Proxy, upstream: Peer, line: str, prefix: str = "", **settings: Any) -> None:
    target = Upstream((UpstreamHost("127.0.0.1", upstream.port),), path_prefix=prefix)
    attached = {line: (use("rewrite", **settings),)}
    gateway.publish(api(line, "GET /plain", upstream=target, of_operation=attached))


def test_the_upstream_is_asked_for_the_rewritten_path_with_the_query_as_it_came(
    gateway: Proxy, upstream: Peer
) -> None:
    line = "GET /pets/{pet}/toys/{toy}"
    rewrite(gateway, upstream, line, prefix="/base", path="/v2/toys/{toy}/of/{pet}/a b")
    answer = gateway.call("/shop/pets/1%2F2/toys/x.y?page=3&q=%26")
    assert asked(answer)[:2] == ("/base/v2/toys/x.y/of/1%2F2/a%20b", {"page": ["3"], "q": ["&"]})
    assert asked(gateway.call("/shop/plain"))[0] == "/base/plain"


def test_query_parameters_are_removed_and_set(gateway: Proxy, upstream: Peer) -> None:
    rewrite(
        gateway,
        upstream,
        "GET /pets",
        remove_query=["debug"],
        set_query={"source": "100% ours&more=1", "tenant": "{{header.x-tenant}}"},
    )
    answer = gateway.call("/shop/pets?debug=1&a=b&source=x&debug=2", headers={"X-Tenant": "t"})
    assert asked(answer)[1] == {"a": ["b"], "source": ["100% ours&more=1"], "tenant": ["t"]}


def test_a_value_of_the_request_cannot_add_a_parameter(gateway: Proxy, upstream: Peer) -> None:
    rewrite(gateway, upstream, "GET /pets", set_query={"tenant": "{{header.x-tenant}}"})
    answer = gateway.call("/shop/pets", headers={"X-Tenant": "t&admin=1#x"})
    assert asked(answer)[1] == {"tenant": ["t&admin=1#x"]}


def test_headers_are_set_from_the_request_over_what_the_caller_sent(
    gateway: Proxy, upstream: Peer
) -> None:
    rewrite(
        gateway,
        upstream,
        "GET /pets",
        set_headers={"X-Page": "page {{query.page}} 5%", "X-Method": "{{method}}"},
    )
    answer = gateway.call("/shop/pets?page=2", headers={"X-Page": "forged"})
    headers = asked(answer)[2]
    assert (headers["x-page"], headers["x-method"]) == ("page 2 5%", "GET")
    assert asked(gateway.call("/shop/pets"))[2]["x-page"] == "page  5%"
