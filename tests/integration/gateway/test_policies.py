"""Does each policy do at the real Envoy what its settings say, and nothing where it is not?"""

import gzip
from typing import Any

import pytest

from headgate.model.snapshot import PolicyUse
from tests.support.peer import Peer
from tests.support.proxy import Proxy, api

pytestmark = pytest.mark.integration

ORIGIN = "https://app.example.com"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
REFUSED = (404, 405)  # 405 comes from the access filter, which these tests leave out
CORS = PolicyUse("cors", {"allow_origins": [ORIGIN, "https://*.partner.example"]})


def use(kind: str, **settings: Any) -> PolicyUse:
    return PolicyUse(kind, settings)


def test_cors_answers_a_preflight_of_a_listed_origin(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(api("POST /echo", port=upstream.port, policies=[CORS]))
    answer = gateway.call("/shop/echo", "OPTIONS", PREFLIGHT)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "600"
    assert "OPTIONS /echo" not in upstream.seen


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.com.evil.example"])
def test_cors_does_not_answer_a_preflight_of_another_origin(
    gateway: Proxy, upstream: Peer, origin: str
) -> None:
    gateway.publish(api("POST /echo", port=upstream.port, policies=[CORS]))
    answer = gateway.call("/shop/echo", "OPTIONS", PREFLIGHT | {"Origin": origin})
    assert answer.status in REFUSED
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", [ORIGIN, "https://a.partner.example"])
def test_cors_lets_a_page_read_answers_and_refusals(
    gateway: Proxy, upstream: Peer, origin: str
) -> None:
    gateway.publish(api("GET /echo", port=upstream.port, policies=[CORS]))
    for target in ("/shop/echo", "/shop/nothing"):
        answer = gateway.call(target, headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert "RateLimit" in answer.headers["access-control-expose-headers"]


def test_cors_of_one_operation_answers_its_preflight_and_not_its_neighbours(
    gateway: Proxy, upstream: Peer
) -> None:
    attached = {"POST /echo": (CORS,)}
    gateway.publish(api("POST /echo", "PUT /echo", port=upstream.port, of_operation=attached))
    assert gateway.call("/shop/echo", "OPTIONS", PREFLIGHT).status == 200
    other = PREFLIGHT | {"Access-Control-Request-Method": "PUT"}
    assert gateway.call("/shop/echo", "OPTIONS", other).status in REFUSED


def test_ip_filter_refuses_with_a_problem_and_says_so_in_the_record(
    gateway: Proxy, upstream: Peer
) -> None:
    gateway.publish(
        api("GET /echo", port=upstream.port, policies=[use("ip_filter", deny=["127.0.0.0/8"])])
    )
    answer = gateway.call("/shop/echo?x-api-key=secret")
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["type"] == "urn:headgate:problem:blocked"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    line = gateway.line(answer.headers["x-request-id"])
    assert line["details"].startswith("rbac_access_denied")
    assert line["path"] == "/shop/echo"
    assert gateway.call("/shop/unknown").status == 403


def test_ip_filter_admits_who_is_allowed_and_not_denied(gateway: Proxy, upstream: Peer) -> None:
    policy = use("ip_filter", allow=["127.0.0.1"], deny=["10.0.0.0/8"])
    gateway.publish(api("GET /echo", port=upstream.port, policies=[policy]))
    assert gateway.call("/shop/echo").status == 200


def test_ip_filter_believes_no_forwarded_address(gateway: Proxy, upstream: Peer) -> None:
    policy = use("ip_filter", allow=["10.0.0.0/8"])
    gateway.publish(api("GET /echo", port=upstream.port, policies=[policy]))
    assert gateway.call("/shop/echo", headers={"X-Forwarded-For": "10.1.1.1"}).status == 403


def test_the_most_specific_attachment_wins_whole(gateway: Proxy, upstream: Peer) -> None:
    refuse, admit = use("ip_filter", deny=["127.0.0.1"]), use("ip_filter", allow=["127.0.0.1"])
    gateway.publish(
        api("GET /echo", "GET /x", port=upstream.port, of_operation={"GET /echo": (admit,)}),
        api("GET /echo", row=2, base_path="/other", port=upstream.port, policies=[admit]),
        policies=(refuse,),
    )
    assert gateway.call("/shop/echo").status == 200
    assert gateway.call("/other/echo").status == 200
    assert gateway.call("/shop/x").status == 403
    assert gateway.call("/nowhere").status == 403


def test_headers_are_set_appended_and_removed_both_ways(gateway: Proxy, upstream: Peer) -> None:
    policy = use(
        "headers",
        request={"set": {"X-Source": "100%"}, "append": {"X-Tag": "b"}, "remove": ["X-Secret"]},
        response={"set": {"X-Frame-Options": "DENY"}, "remove": ["X-Powered-By"]},
    )
    gateway.publish(api("GET /echo", port=upstream.port, policies=[policy]))
    sent = {"X-Source": "forged", "X-Tag": "a", "X-Secret": "s"}
    answer = gateway.call("/shop/echo", headers=sent)
    seen = answer.json["headers"]
    assert seen["x-source"] == "100%"
    assert "x-secret" not in seen
    assert answer.headers["x-frame-options"] == "DENY"
    assert "x-powered-by" not in answer.headers


def test_a_body_above_the_size_is_refused_before_the_upstream(
    gateway: Proxy, upstream: Peer
) -> None:
    policy = use("request_size", body_max="1kB")
    gateway.publish(api("POST /size", port=upstream.port, policies=[policy]))
    assert gateway.call("/shop/size", "POST", body=b"x" * 1000).status == 200
    upstream.seen.clear()
    answer = gateway.call("/shop/size", "POST", body=b"x" * 1001)
    assert answer.status == 413
    assert answer.json["type"] == "urn:headgate:problem:too-large"
    assert not upstream.seen


def test_a_body_without_a_length_is_cut_off_at_the_size(gateway: Proxy, upstream: Peer) -> None:
    policy = use("request_size", body_max="1kB")
    gateway.publish(api("POST /size", port=upstream.port, policies=[policy]))
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    head = b"POST /shop/size HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
    head += b"transfer-encoding: chunked\r\n\r\n"
    assert gateway.raw(head + chunk + chunk + b"0\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_operations_have_sizes_of_their_own(gateway: Proxy, upstream: Peer) -> None:
    attached = {"POST /large": (use("request_size", body_max="10kB"),)}
    gateway.publish(
        api(
            "POST /large",
            "POST /small",
            port=upstream.port,
            policies=[use("request_size", body_max="1kB")],
            of_operation=attached,
        )
    )
    assert gateway.call("/shop/large", "POST", body=b"x" * 5000).status == 200
    assert gateway.call("/shop/small", "POST", body=b"x" * 5000).status == 413


@pytest.mark.parametrize(
    ("accepted", "used"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, br, zstd", "zstd"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("identity", None),
    ],
)
def test_answers_are_compressed_as_the_caller_takes_them(
    gateway: Proxy, upstream: Peer, accepted: str, used: str | None
) -> None:
    gateway.publish(api("GET /text", port=upstream.port, policies=[use("compression")]))
    answer = gateway.call("/shop/text", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == used
    assert (len(answer.body) < 1000) == (used is not None)


def test_answers_are_not_compressed_twice_nor_without_the_policy(
    gateway: Proxy, upstream: Peer
) -> None:
    sent = {"Accept-Encoding": "gzip"}
    gateway.publish(
        api("GET /zipped", port=upstream.port, policies=[use("compression")]),
        api("GET /text", row=2, base_path="/plain", port=upstream.port),
    )
    assert gzip.decompress(gateway.call("/shop/zipped", headers=sent).body) == b"x" * 5000
    assert "content-encoding" not in gateway.call("/plain/text", headers=sent).headers
