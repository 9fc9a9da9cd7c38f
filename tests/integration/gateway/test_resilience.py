"""Do the policies for failing, slow and overloaded upstreams do what they say, and only there?"""

import base64
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from headgate.model.snapshot import PolicyUse, Upstream, UpstreamHost
from tests.support.control_plane import wait_until
from tests.support.peer import Peer, peer
from tests.support.proxy import Proxy, api
from tests.support.server import answering

pytestmark = pytest.mark.integration


def use(kind: str, **settings: Any) -> PolicyUse:
    return PolicyUse(kind, settings)


def serve(
    gateway: Proxy, server: Peer, *uses: PolicyUse, lines: tuple[str, ...], **upstream: Any
) -> None:
    """`/shop` with the policies on its first line, and without any on the others."""
    server.seen.clear()
    target = Upstream((UpstreamHost("127.0.0.1", server.port),), outlier_ejection=None, **upstream)
    gateway.publish(api(*lines, upstream=target, of_operation={lines[0]: uses}))


def test_a_share_of_the_calls_is_refused_as_a_problem_of_its_own_type(
    gateway: Proxy, upstream: Peer
) -> None:
    fault = use("fault", abort_percent=100, abort_status=502)
    serve(gateway, upstream, fault, lines=("GET /a", "GET /b"))
    answer = gateway.call("/shop/a")
    assert (answer.status, answer.json["type"]) == (502, "urn:headgate:problem:fault")
    line = gateway.line(answer.headers["x-request-id"])
    assert (line["flags"], line["details"]) == ("FI", "fault_filter_abort")
    assert gateway.call("/shop/b").status == 200
    assert "GET /a" not in upstream.seen


def test_only_the_calls_with_the_tests_header_are_touched(gateway: Proxy, upstream: Peer) -> None:
    fault = use("fault", abort_percent=100, when={"X-Test": "fail"})
    serve(gateway, upstream, fault, lines=("GET /a",))
    assert gateway.call("/shop/a").status == 200
    assert gateway.call("/shop/a", headers={"X-Test": "other"}).status == 200
    assert gateway.call("/shop/a", headers={"X-Test": "fail"}).status == 503


def test_half_of_the_calls_are_about_half(gateway: Proxy, upstream: Peer) -> None:
    serve(gateway, upstream, use("fault", abort_percent=50), lines=("GET /a",))
    found = Counter(gateway.call("/shop/a").status for _ in range(200))
    assert 50 < found[503] < 150  # fair coins fall outside once in 10^12 runs


def test_a_call_is_delayed_and_the_record_says_so(gateway: Proxy, upstream: Peer) -> None:
    serve(gateway, upstream, use("fault", delay_percent=100, delay_ms=300), lines=("GET /a",))
    begun = time.monotonic()
    answer = gateway.call("/shop/a")
    assert answer.status == 200
    assert time.monotonic() - begun >= 0.29  # timers count in whole milliseconds
    assert gateway.line(answer.headers["x-request-id"])["flags"] == "DI"


def test_an_operations_deadline_goes_before_the_upstreams(gateway: Proxy, upstream: Peer) -> None:
    lines = ("GET /sleep/{seconds}", "GET /sleep/{seconds}/more")
    serve(gateway, upstream, use("timeout", seconds=0.2), lines=lines, retries_max=0)
    answer = gateway.call("/shop/sleep/0.6")
    assert (answer.status, answer.json["type"]) == (504, "urn:headgate:problem:upstream-failed")
    assert gateway.call("/shop/sleep/0").status == 200
    slow = use("timeout", begin_seconds=0)
    serve(gateway, upstream, slow, lines=lines, timeout_seconds=0.2, retries_max=0)
    assert gateway.call("/shop/sleep/0.5").status == 200
    fast = use("timeout", begin_seconds=0.2)
    serve(gateway, upstream, fast, lines=lines, retries_max=0)
    assert gateway.call("/shop/sleep/0.5").status == 504


def test_a_failed_call_is_tried_as_often_as_the_policy_says(gateway: Proxy, upstream: Peer) -> None:
    lines = ("GET /status/503", "GET /status/{code}")
    serve(gateway, upstream, use("retry", retries=2, backoff_ms=1), lines=lines, retries_max=0)
    assert gateway.call("/shop/status/503").status == 503
    assert upstream.seen["GET /status/503"] == 3
    assert gateway.call("/shop/status/502").status == 502
    assert upstream.seen["GET /status/502"] == 1
    serve(gateway, upstream, use("retry", retries=0), lines=lines, retries_max=2)
    assert gateway.call("/shop/status/503").status == 503
    assert upstream.seen["GET /status/503"] == 1


def test_a_status_that_is_listed_is_tried_again_and_another_is_not(
    gateway: Proxy, upstream: Peer
) -> None:
    policy = use("retry", retries=1, on=["connect_failure"], on_statuses=[429], backoff_ms=1)
    serve(gateway, upstream, policy, lines=("GET /status/{code}",))
    for status, calls in ((429, 2), (503, 1)):
        assert gateway.call(f"/shop/status/{status}").status == status
        assert upstream.seen[f"GET /status/{status}"] == calls


def test_a_change_is_tried_again_only_where_it_may_come_twice(
    gateway: Proxy, upstream: Peer
) -> None:
    for is_repeatable, calls in ((False, 1), (True, 2)):
        policy = use("retry", retries=1, backoff_ms=1, is_repeatable=is_repeatable)
        serve(gateway, upstream, policy, lines=("POST /status/{code}",), retries_max=1)
        assert gateway.call("/shop/status/503", "POST", body=b"x").status == 503
        assert upstream.seen["POST /status/503"] == calls


class Failing:
    """An upstream that holds its first `together` calls until all are there, then fails them.

    Every further call waits for `go_on` before it fails.
    """

    def __init__(self, together: int) -> None:
        self.calls = 0
        self.go_on = threading.Event()
        self._together = together
        self._are_there = threading.Event()
        self._lock = threading.Lock()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                upstream.wait_for_turn()
                self.send_response(503)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def wait_for_turn(self) -> None:
        with self._lock:
            self.calls += 1
            is_first = self.calls <= self._together
            if self.calls == self._together:
                self._are_there.set()
        assert (self._are_there if is_first else self.go_on).wait(60)


def test_at_most_a_fifth_of_the_calls_under_way_are_tries_again(gateway: Proxy) -> None:
    failing = Failing(together=20)
    done: list[int] = []
    with answering(failing.handler()) as port, ThreadPoolExecutor(20) as pool:
        target = Upstream((UpstreamHost("127.0.0.1", port),), outlier_ejection=None, retries_max=1)
        gateway.publish(api("GET /a", upstream=target))
        for _ in range(20):
            pool.submit(lambda: done.append(gateway.call("/shop/a").status))
        # each of the twenty has failed, or is tried again
        wait_until(lambda: len(done) + failing.calls - 20 == 20)
        assert 3 <= failing.calls - 20 <= 4  # a fifth of those under way, but three always
        failing.go_on.set()
    assert done == [503] * 20
    assert failing.calls <= 24


def test_a_slow_try_is_hedged_by_a_second_one(gateway: Proxy, upstream: Peer) -> None:
    policy = use("retry", retries=1, per_try_seconds=0.2, hedge=True)
    serve(gateway, upstream, policy, lines=("GET /sleep/{seconds}",))
    answer = gateway.call("/shop/sleep/0.6")
    assert answer.status == 200  # without hedging both tries would have been cut off
    assert upstream.seen["GET /sleep/0.6"] == 2
    serve(
        gateway, upstream, use("retry", retries=1, per_try_seconds=0.2), lines=("GET /sleep/{s}",)
    )
    assert gateway.call("/shop/sleep/0.6").status == 504


@pytest.fixture
def hosts() -> Iterator[list[Peer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(peer()) for _ in range(3)]


def spread(gateway: Proxy, hosts: list[Peer], *uses: PolicyUse) -> None:
    target = Upstream(tuple(UpstreamHost("127.0.0.1", host.port) for host in hosts))
    gateway.publish(api("GET /echo", upstream=target, policies=uses))


def test_a_caller_with_the_cookie_stays_at_one_host_and_others_do_not(
    gateway: Proxy, hosts: list[Peer]
) -> None:
    spread(gateway, hosts, use("affinity", cookie="at", ttl_seconds=60))
    cookie = gateway.call("/shop/echo").headers["set-cookie"]
    assert cookie.startswith("at=")
    assert "HttpOnly" in cookie
    for host in hosts:
        host.seen.clear()
    for _ in range(30):
        sent = {"Cookie": cookie.partition(";")[0]}
        assert "set-cookie" not in gateway.call("/shop/echo", headers=sent).headers
    assert sorted(host.seen.total() for host in hosts) == [0, 0, 30]
    for _ in range(60):
        gateway.call("/shop/echo")
    assert all(host.seen.total() for host in hosts)


def test_a_forged_name_of_a_host_leads_to_no_other_machine(
    gateway: Proxy, hosts: list[Peer], upstream: Peer
) -> None:
    spread(gateway, hosts, use("affinity", header="x-host"))
    named = gateway.call("/shop/echo").headers["x-host"]
    assert gateway.call("/shop/echo", headers={"x-host": named}).status == 200
    upstream.seen.clear()
    forged = base64.b64encode(f"127.0.0.1:{upstream.port}".encode()).decode()
    assert gateway.call("/shop/echo", headers={"x-host": forged}).status == 200
    assert not upstream.seen


def test_a_shielded_upstream_is_spared_what_is_too_much(gateway: Proxy, upstream: Peer) -> None:
    shield = use("shield", name="slow", concurrency_min=1, concurrency_max=1)
    lines = ("GET /sleep/{seconds}", "GET /echo")
    serve(gateway, upstream, shield, lines=lines)
    with ThreadPoolExecutor(8) as pool:
        found = Counter(pool.map(lambda _: gateway.call("/shop/sleep/0.5").status, range(8)))
    assert found[200] >= 1
    assert found[503] >= 5
    answers = [gateway.call("/shop/echo").status for _ in range(8)]
    assert answers == [200] * 8


def test_breakers_of_the_upstream_hold_and_say_so(gateway: Proxy, upstream: Peer) -> None:
    serve(
        gateway,
        upstream,
        lines=("GET /sleep/{seconds}",),
        connections_max=1,
        pending_requests_max=1,
    )
    gate = threading.Barrier(8)

    def call(_: int) -> tuple[int, str]:
        gate.wait()
        answer = gateway.call("/shop/sleep/0.4")
        return answer.status, answer.json["title"] if answer.status == 503 else ""

    with ThreadPoolExecutor(8) as pool:
        found = Counter(pool.map(call, range(8)))
    assert found[503, "Upstream overloaded"] >= 5
    assert found[200, ""] >= 1


CHANGE = {"Host": "api.example.com", "Origin": "https://evil.example"}


def test_a_change_from_another_origin_is_refused_before_the_upstream(
    gateway: Proxy, upstream: Peer
) -> None:
    csrf = use("csrf", allow_hosts=["app.example.com"])
    serve(gateway, upstream, csrf, lines=("POST /echo", "GET /echo", "POST /free"))
    answer = gateway.call("/shop/echo", "POST", CHANGE)
    assert (answer.status, answer.json["type"]) == (403, "urn:headgate:problem:blocked")
    assert gateway.line(answer.headers["x-request-id"])["details"] == "csrf_origin_mismatch"
    assert gateway.call("/shop/echo", "POST", {"Host": "api.example.com"}).status == 403
    assert "POST /echo" not in upstream.seen
    assert gateway.call("/shop/free", "POST", CHANGE).status == 200


@pytest.mark.parametrize(
    "origin", ["https://api.example.com", "https://app.example.com", "http://api.example.com"]
)
def test_a_change_from_an_own_or_listed_origin_passes(
    gateway: Proxy, upstream: Peer, origin: str
) -> None:
    csrf = use("csrf", allow_hosts=["app.example.com"])
    serve(gateway, upstream, csrf, lines=("POST /echo", "GET /echo"))
    assert gateway.call("/shop/echo", "POST", CHANGE | {"Origin": origin}).status == 200
    referer = {"Host": "api.example.com", "Referer": f"{origin}/page"}
    assert gateway.call("/shop/echo", "POST", referer).status == 200
    assert gateway.call("/shop/echo", "GET", CHANGE).status == 200
