"""Does the cache give again what may be given again, to whom it may, and stay within its bounds?"""

import http.client
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headgate.gateway.policies import cache
from headgate.model.snapshot import PolicyUse
from tests.support.origin import Origin, origin
from tests.support.proxy import Proxy, api, proxy

pytestmark = pytest.mark.integration
FLOOD = 3000


@pytest.fixture(scope="module")
def server() -> Iterator[Origin]:
    with origin() as made:
        yield made


@pytest.fixture
def shop(gateway: Proxy, server: Origin) -> Proxy:
    """A gateway with `/shop/items/{id}` cached as the upstream says."""
    return serve(gateway, server)


def serve(gateway: Proxy, server: Origin, **settings: Any) -> Proxy:
    server.reset()
    lines = [f"{method} /items/{{id}}" for method in ("GET", "HEAD", "PUT", "DELETE")]
    uses = [PolicyUse("cache", settings)]
    gateway.publish(api(*lines, "GET /free/{id}", port=server.port, policies=uses))
    return gateway


def twice(gateway: Proxy, target: str, headers: dict[str, str] | None = None) -> bool:
    """Whether the second of two equal calls is answered without the upstream."""
    first, second = (gateway.call(target, headers=headers) for _ in range(2))
    return first.body == second.body


def test_what_the_upstream_lets_be_stored_is_given_again_and_recorded_as_a_hit(
    shop: Proxy, server: Origin
) -> None:
    server.says(cache_control="public, max-age=60")
    first, second = shop.call("/shop/items/hit"), shop.call("/shop/items/hit")
    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body
    assert "age" not in first.headers
    assert second.headers["age"] == "0"
    assert second.headers["content-type"] == first.headers["content-type"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    line = shop.line(second.headers["x-request-id"])
    assert (line["details"], line["api"]) == ("cache_hit", "api1")
    missed = shop.line(first.headers["x-request-id"])
    assert missed["upstream_host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "said",
    [
        {"cache_control": "private, max-age=60"},
        {"cache_control": "max-age=60, no-store"},
        {"cache_control": "no-cache, max-age=60"},
        {"cache_control": "max-age=0"},
        {"cache_control": "max-age=60, s-maxage=0"},
        {"cache_control": "max-age=sixty"},
        {"cache_control": "max-age=60", "age": "61"},
        {"cache_control": "max-age=60", "set_cookie": "session=mine"},
        {"cache_control": "max-age=60", "vary": "X-User"},
        {"cache_control": "max-age=60", "vary": "*"},
        {"cache_control": "max-age=60", "status": 500},
        {"cache_control": "max-age=60", "status": 206},
        {"expires": "0", "date": "Sun, 06 Nov 1994 08:49:37 GMT"},
        {},
    ],
)
def test_what_the_upstream_keeps_back_is_not_stored(
    shop: Proxy, server: Origin, said: dict[str, Any]
) -> None:
    server.says(**said)
    assert not twice(shop, "/shop/items/kept-back")


@pytest.mark.parametrize(
    "said",
    [
        {"cache_control": "s-maxage=60, max-age=0"},
        {"cache_control": "Max-Age=60"},
        {"cache_control": "max-age=60", "status": 404},
        {
            "expires": "Sun, 06 Nov 1994 08:50:37 GMT",
            "date": "Sun, 06 Nov 1994 08:49:37 GMT",
        },
    ],
)
def test_what_the_upstream_says_is_read_as_the_standard_has_it(
    shop: Proxy, server: Origin, said: dict[str, Any]
) -> None:
    server.says(**said)
    assert twice(shop, f"/shop/items/{'-'.join(said)}{said.get('status', '')}{len(str(said))}")


@pytest.mark.parametrize(
    "sent",
    [
        {"Authorization": "Bearer a"},
        {"Cookie": "session=a"},
        {"Range": "bytes=0-3"},
        {"Cache-Control": "no-cache"},
        {"Cache-Control": "no-store"},
    ],
)
def test_such_requests_are_never_answered_from_the_store(
    shop: Proxy, server: Origin, sent: dict[str, str]
) -> None:
    server.says(cache_control="max-age=60")
    stored = shop.call("/shop/items/personal").body
    assert shop.call("/shop/items/personal", headers=sent).body != stored
    assert not twice(shop, "/shop/items/personal", sent)


def test_an_answer_to_a_request_with_a_cookie_is_not_given_to_others(
    shop: Proxy, server: Origin
) -> None:
    server.says(cache_control="max-age=60")
    mine = shop.call("/shop/items/mine", headers={"Cookie": "session=a"}).body
    assert shop.call("/shop/items/mine").body != mine


def test_the_cache_is_off_where_no_policy_asks_for_it(gateway: Proxy, server: Origin) -> None:
    server.reset()
    server.says(cache_control="max-age=60")
    attached = {"GET /items/{id}": (PolicyUse("cache"),)}
    lines = ("GET /items/{id}", "GET /free/{id}")
    gateway.publish(api(*lines, port=server.port, of_operation=attached))
    assert twice(gateway, "/shop/items/attached")
    assert not twice(gateway, "/shop/free/attached")


def test_variants_are_told_apart_by_what_the_upstream_names(shop: Proxy, server: Origin) -> None:
    server.says(cache_control="max-age=60", vary="Accept-Language, Accept")
    german, english = {"Accept-Language": "de"}, {"Accept-Language": "en"}
    first = shop.call("/shop/items/varied", headers=german).body
    other = shop.call("/shop/items/varied", headers=english).body
    assert first != other
    assert shop.call("/shop/items/varied", headers=german).body == first
    assert shop.call("/shop/items/varied", headers=english).body == other
    assert shop.call("/shop/items/varied", headers=german | {"Accept": "a/b"}).body != first


def test_addresses_hosts_and_queries_are_told_apart(shop: Proxy, server: Origin) -> None:
    server.says(cache_control="max-age=60")
    calls = [("a", "x.test"), ("a", "y.test"), ("a?q=1", "x.test"), ("a?q=2", "x.test")]
    answers = [shop.call(f"/shop/items/{at}", headers={"Host": host}).body for at, host in calls]
    assert len(set(answers)) == len(calls)


def test_with_declared_parameters_others_neither_count_nor_reach_the_upstream(
    gateway: Proxy, server: Origin
) -> None:
    shop = serve(gateway, server, query=["page", "limit"])
    server.says(cache_control="max-age=60")
    first = shop.call("/shop/items/declared?limit=5&page=1").body
    assert shop.call("/shop/items/declared?page=1&evil=<script>&limit=5").body == first
    assert shop.call("/shop/items/declared?page=1&limit=6").body != first
    assert server.last_target == "/items/declared?page=1&limit=6"
    shop.call("/shop/items/declared2?evil=1")
    assert server.last_target == "/items/declared2"


def test_an_own_time_goes_before_the_upstreams_but_not_before_its_privacy(
    gateway: Proxy, server: Origin
) -> None:
    shop = serve(gateway, server, ttl_seconds=60)
    assert twice(shop, "/shop/items/silent")
    server.says(cache_control="no-cache")
    assert twice(shop, "/shop/items/no-cache")
    server.says(cache_control="max-age=0")
    assert twice(shop, "/shop/items/zero")
    for said in ({"cache_control": "private"}, {"set_cookie": "a=b"}, {"status": 404}):
        server.says(**said)
        assert not twice(shop, "/shop/items/private")


def test_what_has_gone_stale_is_fetched_anew(shop: Proxy, server: Origin) -> None:
    server.says(cache_control="max-age=60", age="59")
    first = shop.call("/shop/items/stale").body
    server.wait(1.1)
    assert shop.call("/shop/items/stale").body != first


def test_while_one_caller_fetches_the_fresh_answer_others_get_the_stale_one(
    shop: Proxy, server: Origin
) -> None:
    server.says(cache_control="max-age=60, stale-while-revalidate=60", age="59")
    stale = shop.call("/shop/items/swr").body
    server.wait(1.1)
    server.says(cache_control="max-age=60")
    with server.held(), closing(http.client.HTTPConnection("127.0.0.1", shop.port)) as fetching:
        fetching.request("GET", "/shop/items/swr")
        server.wait_for_held()
        assert shop.call("/shop/items/swr").body == stale
        server.let_go()
        fresh = fetching.getresponse().read()
    assert fresh != stale
    assert shop.call("/shop/items/swr").body == fresh


def test_a_caller_who_has_it_already_is_told_so_without_the_upstream(
    shop: Proxy, server: Origin
) -> None:
    server.says(cache_control="max-age=60", etag='W/"v1"')
    shop.call("/shop/items/tagged")
    count = server.count
    known = shop.call("/shop/items/tagged", headers={"If-None-Match": '"v0", "v1"'})
    assert (known.status, known.body, known.headers["etag"]) == (304, b"", 'W/"v1"')
    assert shop.call("/shop/items/tagged", headers={"If-None-Match": '"v2"'}).status == 200
    assert server.count == count


def test_head_is_answered_from_a_stored_get_and_stores_nothing(shop: Proxy, server: Origin) -> None:
    server.says(cache_control="max-age=60")
    shop.call("/shop/items/head", "HEAD")
    body = shop.call("/shop/items/head").body
    count = server.count
    answer = shop.call("/shop/items/head", "HEAD")
    assert (answer.body, answer.headers["content-length"]) == (b"", str(len(body)))
    assert server.count == count


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_change_removes_what_was_stored_and_a_failed_one_does_not(
    shop: Proxy, server: Origin, method: str
) -> None:
    server.says(cache_control="max-age=60")
    target = f"/shop/items/{method}"
    first = shop.call(target).body
    server.says(status=409)
    shop.call(target, method)
    assert shop.call(target).body == first
    server.says(cache_control="max-age=60")
    shop.call(target, method)
    assert shop.call(target).body != first


@pytest.mark.parametrize("said", [{"vary": "X-User"}, {"set_cookie": "a=b"}, {"status": 302}])
def test_a_change_removes_what_was_stored_whatever_its_own_answer_varies_by(
    shop: Proxy, server: Origin, said: dict[str, Any]
) -> None:
    """An answer that is not stored itself, and how it differs, say nothing of the change."""
    server.says(cache_control="max-age=60")
    target = f"/shop/items/changed-{'-'.join(said)}"
    first = shop.call(target).body
    server.says(**said)
    shop.call(target, "PUT")
    assert shop.call(target).body != first


def test_a_stored_refusal_of_the_upstream_is_given_as_it_came(shop: Proxy, server: Origin) -> None:
    server.says(cache_control="max-age=60", status=410)
    first, second = shop.call("/shop/items/gone"), shop.call("/shop/items/gone")
    assert (second.status, second.body) == (410, first.body)
    assert second.headers["content-type"] == first.headers["content-type"]


def test_the_gateways_own_refusals_are_not_stored(gateway: Proxy, server: Origin) -> None:
    uses = [PolicyUse("cache", {"ttl_seconds": 60})]
    gateway.publish(api("GET /items/{id}", port=9, policies=uses))
    assert gateway.call("/shop/items/down").status == 503
    serve(gateway, server, ttl_seconds=60)
    assert gateway.call("/shop/items/down").status == 200


def test_a_body_above_the_limit_passes_whole_and_is_not_stored(
    gateway: Proxy, server: Origin
) -> None:
    shop = serve(gateway, server, body_max="100kB")
    server.says(cache_control="max-age=60", size=99_000)
    assert twice(shop, "/shop/items/small")
    server.says(cache_control="max-age=60", size=101_000)
    assert len(shop.call("/shop/items/large").body) > 100_000
    assert not twice(shop, "/shop/items/large")


def test_an_answer_that_breaks_off_is_not_stored(shop: Proxy, server: Origin) -> None:
    server.says(cache_control="max-age=60", size=5000, is_broken=True)
    with pytest.raises(http.client.IncompleteRead):
        shop.call("/shop/items/broken")
    server.says(cache_control="max-age=60", size=5000)
    assert len(shop.call("/shop/items/broken").body) >= 5000


def test_headers_that_a_policy_appends_are_appended_once_to_a_hit(
    gateway: Proxy, server: Origin
) -> None:
    server.reset()
    server.says(cache_control="max-age=60")
    tag = PolicyUse("headers", {"response": {"append": {"X-Tag": "once"}}})
    gateway.publish(api("GET /items/{id}", port=server.port, policies=[PolicyUse("cache"), tag]))
    answers = [gateway.call("/shop/items/appended") for _ in range(2)]
    assert [answer.headers["x-tag"] for answer in answers] == ["once", "once"]


def test_what_was_stored_before_a_purge_is_not_given_after_it(
    gateway: Proxy, server: Origin
) -> None:
    server.reset()
    server.says(cache_control="max-age=60", vary="Accept")
    made = api("GET /items/{id}", "GET /free/{id}", port=server.port, policies=[PolicyUse("cache")])

    def publish(purged: int) -> None:
        first = replace(made.operations[0], purged=purged)
        gateway.publish(replace(made, operations=(first, made.operations[1])))

    publish(0)
    stored, other = gateway.call("/shop/items/purged"), gateway.call("/shop/free/purged")
    publish(1)
    fresh = gateway.call("/shop/items/purged")
    assert fresh.body != stored.body
    assert gateway.call("/shop/items/purged").body == fresh.body
    assert gateway.call("/shop/free/purged").body == other.body


def test_a_caller_who_varies_the_address_fills_neither_memory_nor_disk(
    tmp_path: Path, server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "STORE_BYTES_MAX", 4 * 1024**2)
    with proxy(tmp_path) as gateway:
        shop = serve(gateway, server)
        server.says(cache_control="max-age=600", size=50_000)
        flood(shop, 300)
        before, files = heap_bytes(shop), open_files(shop)
        flood(shop, FLOOD)
        assert heap_bytes(shop) - before < 8 * 1024**2  # of 150 MB that went through
        assert open_files(shop) <= files + 5
        assert twice(shop, "/shop/items/after")


def flood(gateway: Proxy, count: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port)) as connection:
        for number in range(count):
            connection.request("GET", f"/shop/items/flood?x={number}&{count}")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200


def heap_bytes(gateway: Proxy) -> int:
    text = Path(f"/proc/{gateway.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def open_files(gateway: Proxy) -> int:
    return len(os.listdir(f"/proc/{gateway.pid}/fd"))  # noqa: PTH208  # names of a moment
