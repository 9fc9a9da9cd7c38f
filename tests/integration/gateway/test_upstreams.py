"""Does Envoy treat upstreams as the API says: retries, checks, deadlines, other names?"""

import http.client
import time
from threading import Thread
from typing import Any

import pytest

from headgate.model.snapshot import HealthCheck, OutlierEjection, Upstream, UpstreamHost
from tests.support.peer import Peer, peer
from tests.support.proxy import Proxy, api, until

pytestmark = pytest.mark.integration

DEAD_PORT = 1  # nobody listens there
NO_EJECTION: dict[str, Any] = {"outlier_ejection": None}


def at(*ports: int, **changes: Any) -> Upstream:
    return Upstream(tuple(UpstreamHost("127.0.0.1", port) for port in ports), **changes)


def active(gateway: Proxy, upstream: Peer) -> int:
    """Connections that the gateway holds to the upstream, over all its clusters."""
    lines = gateway.admin("/clusters").splitlines()
    place = f"::127.0.0.1:{upstream.port}::cx_active::"
    return sum(int(line.rpartition("::")[2]) for line in lines if place in line)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_method_is_tried_again(gateway: Proxy, upstream: Peer, method: str) -> None:
    upstream.seen.clear()
    gateway.publish(api(f"{method} /flaky/{{n}}", upstream=at(upstream.port, **NO_EJECTION)))
    answer = gateway.call(f"/shop/flaky/{method}", method)
    assert answer.status == 200
    assert upstream.seen[f"{method} /flaky/{method}"] == 2
    assert gateway.line(answer.headers["x-request-id"])["attempts"] == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_unsafe_method_is_never_tried_again(gateway: Proxy, upstream: Peer, method: str) -> None:
    upstream.seen.clear()
    gateway.publish(api(f"{method} /flaky/{{n}}", upstream=at(upstream.port, **NO_EJECTION)))
    headers = {"X-Envoy-Retry-On": "5xx", "X-Envoy-Max-Retries": "5"}
    assert gateway.call(f"/shop/flaky/{method}", method, headers).status == 503
    assert upstream.seen[f"{method} /flaky/{method}"] == 1


def test_an_upstreams_own_error_is_passed_on_as_it_is(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(api("POST /status/{code}", upstream=at(upstream.port, **NO_EJECTION)))
    for status in (403, 404, 413, 500, 503):
        answer = gateway.call(f"/shop/status/{status}", "POST")
        assert (answer.status, answer.body) == (status, b"upstream says so")
        assert answer.headers["content-type"] == "text/plain"


def test_an_upstream_that_is_not_there_is_a_problem(gateway: Proxy) -> None:
    gateway.publish(api("GET /x", upstream=at(DEAD_PORT)))
    answer = gateway.call("/shop/x")
    assert answer.status == 503
    assert answer.json["type"] == "urn:headgate:problem:upstream-failed"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "UF" in gateway.line(answer.headers["x-request-id"])["flags"]


def test_an_upstream_that_is_too_slow_is_a_problem(gateway: Proxy, upstream: Peer) -> None:
    slow = at(upstream.port, timeout_seconds=0.3, retries_max=0)
    gateway.publish(api("GET /sleep/{s}", upstream=slow))
    answer = gateway.call("/shop/sleep/2")
    assert answer.status == 504
    assert answer.json["title"] == "Upstream timed out"


def test_a_safe_call_is_tried_again_when_the_answer_does_not_begin_in_time(
    gateway: Proxy, upstream: Peer
) -> None:
    upstream.seen.clear()
    slow = at(upstream.port, timeout_seconds=0.3, retries_max=1)
    gateway.publish(api("GET /sleep/{s}", "POST /sleep/{s}", upstream=slow))
    assert gateway.call("/shop/sleep/2").status == 504
    assert gateway.call("/shop/sleep/2", "POST").status == 504
    assert upstream.seen == {"GET /sleep/2": 2, "POST /sleep/2": 1}


def test_an_answer_that_has_begun_outlives_the_deadline(gateway: Proxy, upstream: Peer) -> None:
    upstream.seen.clear()
    slow = at(upstream.port, timeout_seconds=0.3)
    gateway.publish(api("GET /stall/{s}", upstream=slow))
    assert gateway.call("/shop/stall/1").body == b"begunover"
    assert upstream.seen == {"GET /stall/1": 1}


def test_an_answer_that_stands_still_is_ended(gateway: Proxy, upstream: Peer) -> None:
    idle = at(upstream.port, timeout_seconds=0.2, idle_timeout_seconds=0.3)
    gateway.publish(api("GET /stall/{s}", upstream=idle))
    with pytest.raises(http.client.IncompleteRead) as broken:
        gateway.call("/shop/stall/3")
    assert broken.value.partial == b"begun"


def test_an_unused_connection_is_closed_before_the_upstream_would(
    gateway: Proxy, upstream: Peer
) -> None:
    gateway.publish(api("POST /echo", upstream=at(upstream.port, keepalive_seconds=0.2)))
    before = upstream.connections
    for opened in (1, 2):
        assert gateway.call("/shop/echo", "POST").status == 200
        assert upstream.connections - before == opened
        until(lambda: active(gateway, upstream) == 0, lambda: "the connection stays open")


def test_a_connection_may_be_kept_for_ever(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(api("POST /echo", upstream=at(upstream.port, keepalive_seconds=0)))
    before = upstream.connections
    for _ in range(2):
        assert gateway.call("/shop/echo", "POST").status == 200
        time.sleep(0.5)
    assert upstream.connections - before == 1


def test_a_caller_cannot_set_the_deadline(gateway: Proxy, upstream: Peer) -> None:
    gateway.publish(api("GET /sleep/{s}", upstream=at(upstream.port)))
    headers = {"X-Envoy-Upstream-Rq-Timeout-Ms": "100"}
    assert gateway.call("/shop/sleep/0.5", headers=headers).status == 200


def test_a_host_that_fails_its_check_gets_no_requests(gateway: Proxy, upstream: Peer) -> None:
    check = HealthCheck("/health", interval_seconds=0.1, unhealthy_threshold=1, healthy_threshold=1)
    with peer() as other:
        both = at(upstream.port, other.port, health_check=check)
        gateway.publish(api("GET /echo", upstream=both))
        other.healthy = False
        until(
            lambda: "failed_active_hc" in gateway.admin("/clusters"), lambda: "no host was left out"
        )
        other.seen.clear()
        assert [gateway.call("/shop/echo").status for _ in range(10)] == [200] * 10
        assert other.seen["GET /echo"] == 0
        upstream.healthy = False
        until(lambda: gateway.call("/shop/echo").status == 503, lambda: "a host is left")
        assert gateway.call("/shop/echo").json["title"] == "Upstream unavailable"
    upstream.healthy = True


def test_a_host_with_errors_in_a_row_is_left_out(gateway: Proxy, upstream: Peer) -> None:
    ejection = OutlierEjection(consecutive_errors=3, base_ejection_seconds=30)
    with peer() as other:
        both = at(upstream.port, other.port, outlier_ejection=ejection, retries_max=0)
        gateway.publish(api("POST /status/{code}", "GET /echo", upstream=both))
        for _ in range(8):
            gateway.call("/shop/status/500", "POST")
        assert gateway.admin("/clusters").count("failed_outlier_check") == 1
        assert {gateway.call("/shop/echo").status for _ in range(6)} == {200}


def test_weights_share_the_load(gateway: Proxy, upstream: Peer) -> None:
    with peer() as other:
        hosts = (
            UpstreamHost("127.0.0.1", upstream.port, weight=9),
            UpstreamHost("127.0.0.1", other.port, weight=1),
        )
        gateway.publish(api("GET /echo", upstream=Upstream(hosts)))
        upstream.seen.clear()
        for _ in range(100):
            gateway.call("/shop/echo")
        assert upstream.seen["GET /echo"] > 70
        assert other.seen["GET /echo"] > 2


def test_a_name_that_does_not_resolve_leaves_the_other_apis_alone(
    gateway: Proxy, upstream: Peer
) -> None:
    lost = Upstream((UpstreamHost("nowhere.invalid", 80),))
    gateway.publish(
        api("GET /echo", port=upstream.port), api("GET /x", row=2, base_path="/lost", upstream=lost)
    )
    assert gateway.call("/shop/echo").status == 200
    assert gateway.call("/lost/x").status == 503


def test_an_upstream_is_found_by_name_and_by_ipv6_address(gateway: Proxy, upstream: Peer) -> None:
    named = Upstream((UpstreamHost("localhost", upstream.port),))
    sixth = Upstream((UpstreamHost("::1", DEAD_PORT),))
    gateway.publish(
        api("GET /echo", upstream=named),
        api("GET /x", row=2, base_path="/six", upstream=sixth),
    )
    until(lambda: gateway.call("/shop/echo").status == 200, lambda: "localhost is not found")
    assert gateway.call("/shop/echo").json["headers"]["host"] == f"localhost:{upstream.port}"
    assert gateway.call("/six/x").status == 503


def test_connections_above_the_limit_are_a_problem(gateway: Proxy, upstream: Peer) -> None:

    narrow = at(upstream.port, connections_max=1, pending_requests_max=1)
    gateway.publish(api("GET /sleep/{s}", upstream=narrow))
    statuses: list[int] = []
    calls = [
        Thread(target=lambda: statuses.append(gateway.call("/shop/sleep/1").status))
        for _ in range(4)
    ]
    for call in calls:
        call.start()
        time.sleep(0.05)
    for call in calls:
        call.join()
    assert sorted(statuses) == [200, 200, 503, 503]
