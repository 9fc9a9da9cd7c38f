"""Do translation and access filter fit together: metadata, answers, and no key in any record?"""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.access.keys import new_key
from headgate.gateway.compile import published_rows
from headgate.gateway.filter.build import build
from headgate.gateway.table import AccessTable
from headgate.model.access import AccessDelta, APIRow
from headgate.model.logline import LINE_FIELDS, SELDOM, words
from headgate.model.record import Verdict
from headgate.model.snapshot import (
    KeyLocation,
    KeySource,
    PolicyUse,
    Snapshot,
    SnapshotAPI,
    Upstream,
    UpstreamHost,
)
from headgate.traffic.record import record_from
from headgate.traffic.sums import is_error
from tests.support.peer import Peer
from tests.support.proxy import Proxy, api, proxy

pytestmark = pytest.mark.integration

KEY = new_key().text
IN_QUERY = (KeySource(KeyLocation.QUERY, "key"),)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, AccessTable]]:
    """Envoy with the filter and a table; API 1 wants a key, API 2 is open."""
    build()
    folder: Path = tmp_path_factory.mktemp("closed")
    with proxy(folder, has_filter=True) as gateway:
        table = AccessTable.open(gateway.node.table_path, generation="g")
        rows = (APIRow(1, 1, ()), APIRow(2, 2, (), is_open=True))
        table.apply(AccessDelta("g", 0, 2, is_complete=True, apis=rows))
        try:
            yield gateway, table
        finally:
            table.close()


def small(one: SnapshotAPI, **changes: object) -> SnapshotAPI:
    """`one` with rows that a table of a test holds."""
    operations = tuple(
        replace(operation, row=one.row * 10 + number)
        for number, operation in enumerate(one.operations)
    )
    return replace(one, operations=operations, key_sources=IN_QUERY, **changes)


def serve(closed: tuple[Proxy, AccessTable], *apis: SnapshotAPI) -> Proxy:
    gateway, table = closed
    table.publish(published_rows(Snapshot(1, "default", apis)))
    gateway.publish(*apis)
    return gateway


def test_no_record_holds_the_key_whatever_became_of_the_request(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    deny = PolicyUse("ip_filter", {"deny": ["127.0.0.1"]})
    gateway = serve(
        closed,
        small(api("GET /echo", port=upstream.port)),
        small(api("GET /echo", row=2, base_path="/open", port=upstream.port)),
        small(api("GET /echo", row=3, base_path="/denied", port=upstream.port, policies=[deny])),
    )
    query = f"?a=1&key={KEY}&b=2"
    targets = {
        "/shop/echo": 401,
        "/shop/nothing": 404,
        "/nowhere": 404,
        "/open/echo": 401,  # a wrong key is no key, even where none is needed
        "/denied/echo": 403,
        "/shop/%00": 400,
    }
    for path, status in targets.items():
        assert gateway.call(path + query).status == status, path
    assert gateway.call("/shop/echo" + query, "PUT").status == 405
    gateway.last_line()
    assert KEY not in gateway.node.log_path.read_text()


def test_a_request_that_the_filter_saw_is_recorded_with_the_rest_of_its_query(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    gateway = serve(closed, small(api("GET /echo", row=2, base_path="/open", port=upstream.port)))
    refused = gateway.call(f"/open/echo?a=1&key={KEY}&b=2")
    line = gateway.line(refused.headers["x-request-id"])
    assert words(line["access"])[2] == "/open/echo?a=1&b=2"
    answer = gateway.call("/open/echo?a=1&b=2")
    line = gateway.line(answer.headers["x-request-id"])
    assert words(line["access"])[2] == "/open/echo?a=1&b=2"
    assert set(LINE_FIELDS) - set(SELDOM) <= set(line)
    assert words(line["access"])[0] == "allowed"
    assert isinstance(line["duration_us"], int)
    assert isinstance(line["upstream_us"], int)
    assert 0 < line["upstream_us"] <= line["duration_us"]
    assert line["started_us"].isdigit()
    assert (line["attempts"], line["status"], line["method"]) == (1, 200, "GET")


def test_refusals_of_the_filter_are_not_rewritten(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    gateway = serve(closed, small(api("GET /echo", "POST /echo", port=upstream.port)))
    wrong = gateway.call("/shop/echo", "DELETE")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, POST")
    refused = gateway.call("/shop/echo")
    assert refused.status == 401
    assert refused.json["type"] == "urn:headgate:problem:no-credential"
    assert "www-authenticate" in refused.headers


def test_a_preflight_needs_no_key_and_a_page_can_read_why_it_was_refused(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    cors = PolicyUse("cors", {"allow_origins": ["https://app.example.com"]})
    gateway = serve(closed, small(api("GET /echo", port=upstream.port, policies=[cors])))
    sent = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
    assert gateway.call("/shop/echo", "OPTIONS", sent).status == 200
    other = gateway.call("/shop/echo", "OPTIONS", sent | {"Origin": "https://evil.example"})
    assert other.status == 405
    refused = gateway.call("/shop/echo", headers={"Origin": "https://app.example.com"})
    assert refused.status == 401
    assert refused.headers["access-control-allow-origin"] == "https://app.example.com"


def test_an_upstream_that_fails_after_admission_is_a_problem_too(
    closed: tuple[Proxy, AccessTable],
) -> None:
    gateway = serve(closed, small(api("GET /echo", row=2, base_path="/open", port=9)))
    answer = gateway.call("/open/echo")
    assert answer.status == 503
    assert answer.json["type"] == "urn:headgate:problem:upstream-failed"


def test_a_cached_answer_is_still_admitted_and_recorded(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    made = api(
        "GET /cached/{how}",
        row=2,
        base_path="/open",
        port=upstream.port,
        policies=[PolicyUse("cache")],
    )
    gateway = serve(closed, small(made))
    first, second = (gateway.call("/open/cached/max-age=60") for _ in range(2))
    assert first.body == second.body
    line = gateway.line(second.headers["x-request-id"])
    assert (words(line["access"])[0], line["details"]) == (
        "allowed",
        "cache_hit",
    )


@pytest.mark.parametrize("policies", [[], [PolicyUse("cache", {})]], ids=["plain", "cache"])
def test_a_failure_of_the_upstream_is_recorded_as_its_own_behind_a_cache_too(
    closed: tuple[Proxy, AccessTable], upstream: Peer, policies: list[PolicyUse]
) -> None:
    def reach(port: int) -> Upstream:
        return Upstream((UpstreamHost("127.0.0.1", port),), timeout_seconds=0.3, retries_max=0)

    alive = small(
        api(
            "GET /sleep/{seconds}",
            "GET /status/{code}",
            "GET /echo",
            row=2,
            base_path="/open",
            upstream=reach(upstream.port),
            policies=policies,
        )
    )
    gateway = serve(closed, alive)
    # what is answered, what it is recorded as, and whether it counts as an error
    for path, status, verdict, is_failed in (
        ("/open/echo", 200, Verdict.ALLOWED, False),
        ("/open/sleep/5", 504, Verdict.UPSTREAM_FAILED, True),
        ("/open/status/503", 503, Verdict.ALLOWED, True),  # it did answer
        ("/open/status/404", 404, Verdict.ALLOWED, False),
    ):
        answer = gateway.call(path)
        line = gateway.line(answer.headers["x-request-id"])
        record = record_from(line, node="n", gateway="g")
        assert (answer.status, record.status, record.verdict) == (status, status, verdict), path
        assert is_error(record.status, record.verdict) == is_failed
        assert record.upstream_host == f"127.0.0.1:{upstream.port}"
        assert record.attempts == 1
        assert not record.cache
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    gateway = serve(closed, replace(alive, upstream=reach(port)))
    answer = gateway.call("/open/echo?again")
    record = record_from(gateway.line(answer.headers["x-request-id"]), node="n", gateway="g")
    assert (answer.status, record.verdict) == (503, Verdict.UPSTREAM_FAILED)
    assert record.upstream_host == f"127.0.0.1:{port}"


@pytest.mark.parametrize("bodies", [{}, {"body_max": "1kB"}])
def test_a_url_above_the_length_is_refused_before_the_key_is_looked_at(
    closed: tuple[Proxy, AccessTable], upstream: Peer, bodies: dict[str, str]
) -> None:
    bound = PolicyUse("request_size", {"url_max": 60} | bodies)
    gateway = serve(
        closed,
        small(api("GET /echo", port=upstream.port, policies=[bound])),
        small(api("GET /echo", row=2, base_path="/open", port=upstream.port, policies=[bound])),
    )
    assert gateway.call("/open/echo?" + "a" * 49).status == 200
    assert gateway.call("/shop/echo?" + "a" * 49).status == 401
    upstream.seen.clear()
    for path in (
        "/open/echo?" + "a" * 50,
        "/shop/echo?" + "a" * 50,
        f"/open/echo?{'a' * 8}&key={KEY}",
    ):
        answer = gateway.call(path)
        assert (answer.status, answer.json["title"]) == (414, "URL too long")
        assert answer.json["type"] == "urn:headgate:problem:too-large"
        line = gateway.line(answer.headers["x-request-id"])
        assert words(line["access"])[0] == "too_large"
        assert record_from(line, node="n", gateway="default").verdict is Verdict.TOO_LARGE
    assert KEY not in gateway.node.log_path.read_text()
    assert not upstream.seen


def test_a_url_is_bounded_where_the_policy_is_and_not_beside_it(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    bound = {"GET /short": (PolicyUse("request_size", {"url_max": "1kB"}),)}
    one = api(
        "GET /short", "GET /any", row=2, base_path="/open", port=upstream.port, of_operation=bound
    )
    gateway = serve(closed, small(one))
    assert gateway.call("/open/short?" + "a" * 2000).status == 414
    assert gateway.call("/open/any?" + "a" * 2000).status == 200
