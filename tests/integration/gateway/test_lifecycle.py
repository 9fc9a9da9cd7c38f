"""Does the real Envoy tell callers of a version's end, and nobody else, and is what ended gone?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.gateway.envoy.clusters import cluster_name
from headgate.model.lifecycle import Notice
from headgate.model.snapshot import PolicyUse, SnapshotAPI, SnapshotOperation
from headgate.traffic.record import record_from
from tests.integration.gateway.test_callers import (
    FREE,
    HIDE,
    KEYS,
    World,
    of_plan,
    started_world,
)
from tests.support.peer import NEXT, Peer
from tests.support.proxy import Answer, api

pytestmark = pytest.mark.integration

LINK = "https://example.com/moving?a=1&b=%20"
SAID = Notice(
    deprecated_at=datetime(2026, 1, 1, tzinfo=UTC),
    sunset_at=datetime(2026, 6, 30, tzinfo=UTC),
    link=LINK,
    successor="shop@v2",
    successor_path="/shop-v2",
)
GONE = replace(SAID, is_retired=True)
FIELDS = {"deprecation": "@1767225600", "sunset": "Tue, 30 Jun 2026 00:00:00 GMT"}
LINKS = (
    f'<{LINK}>; rel="deprecation"; type="text/html", <{LINK}>; rel="sunset"; type="text/html", '
    '</shop-v2>; rel="successor-version"'
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("lifecycle")
    with started_world(folder) as made:
        yield made


def shop(upstream: Peer, notice: Notice | None, *policies: PolicyUse) -> SnapshotAPI:
    lines = ("GET /echo", "GET /echo/{id}", "POST /echo", "GET /linked", "GET /cached/{for}")
    made = api(*lines, port=upstream.port, policies=policies)
    return replace(made, name="shop", notice=notice)


def other(upstream: Peer) -> SnapshotAPI:
    made = api("GET /echo", row=2, base_path="/other", port=upstream.port)
    return replace(made, name="other")


def told(answer: Answer) -> dict[str, str]:
    names = ("deprecation", "sunset", "link")
    return {name: answer.headers[name] for name in names if name in answer.headers}


def test_answers_of_a_deprecated_version_say_so_and_others_do_not(
    world: World, upstream: Peer
) -> None:
    world.serve(shop(upstream, SAID), other(upstream))
    assert told(world.ask("free")) == FIELDS | {"link": LINKS}
    assert told(world.ask("free", "/shop/echo", "POST")) == FIELDS | {"link": LINKS}
    assert told(world.ask("free", "/other/echo")) == {}
    assert world.ask("free").status == 200


def test_a_version_that_is_not_deprecated_any_more_says_nothing(
    world: World, upstream: Peer
) -> None:
    world.serve(shop(upstream, SAID))
    world.serve(shop(upstream, None))
    assert told(world.ask("free")) == {}


def test_refusals_on_a_deprecated_operation_say_so_too(world: World, upstream: Peer) -> None:
    world.serve(shop(upstream, SAID))
    refused = world.ask("")
    assert refused.status == 401
    assert told(refused) == FIELDS | {"link": LINKS}


def test_links_of_the_upstream_stay_and_its_word_on_the_deprecation_does_not(
    world: World, upstream: Peer
) -> None:
    world.serve(shop(upstream, SAID))
    lines = _raw(world, "/shop/linked")
    assert [line for line in lines if line.startswith("link:")] == [
        f"link: {NEXT}",
        f"link: {LINKS}",
    ]
    assert [line for line in lines if line.startswith("deprecation:")] == [
        "deprecation: @1767225600"
    ]


def test_answers_from_the_cache_say_it_once(world: World, upstream: Peer) -> None:
    world.serve(shop(upstream, SAID, PolicyUse("cache", {})))
    first = _raw(world, "/shop/cached/max-age=60")
    again = _raw(world, "/shop/cached/max-age=60")
    assert any(line.startswith("age:") for line in again)
    for lines in (first, again):
        assert [line for line in lines if line.startswith("link:")] == [f"link: {LINKS}"]
        assert sum(line.startswith("sunset:") for line in lines) == 1


def test_what_was_stored_before_a_deprecation_says_it_and_not_any_more_after_it(
    world: World, upstream: Peer
) -> None:
    cache = PolicyUse("cache", {})
    target = "/shop/cached/max-age=70"
    for notice, links in ((None, []), (SAID, [f"link: {LINKS}"]), (None, [])):
        world.serve(shop(upstream, notice, cache))
        lines = _raw(world, target)
        assert [line for line in lines if line.startswith("link:")] == links
        assert any(line.startswith("deprecation:") for line in lines) == bool(links)
    assert any(line.startswith("age:") for line in lines)
    assert upstream.seen["GET /cached/max-age=70"] == 1


def test_links_of_the_upstream_are_stored(world: World, upstream: Peer) -> None:
    world.serve(shop(upstream, SAID, PolicyUse("cache", {"ttl_seconds": 60})))
    for _ in range(2):
        lines = _raw(world, "/shop/linked?stored")
        found = sorted(line for line in lines if line.startswith("link:"))
        assert found == [f"link: {NEXT}", f"link: {LINKS}"]
    assert any(line.startswith("age:") for line in lines)


def test_a_deprecated_operation_says_so_alone(world: World, upstream: Peer) -> None:
    own = Notice(datetime(2025, 1, 1, tzinfo=UTC))
    made = shop(upstream, None)
    world.serve(replace(made, operations=tuple(_ending(one, own) for one in made.operations)))
    assert told(world.ask("free", "/shop/echo/7")) == {"deprecation": "@1735689600"}
    assert told(world.ask("free", "/shop/echo")) == {}


def _ending(one: SnapshotOperation, notice: Notice) -> SnapshotOperation:
    return replace(one, notice=notice) if one.id == "GET /echo/{id}" else one


def test_callers_with_policies_of_their_own_are_told_as_well(world: World, upstream: Peer) -> None:
    world.serve(shop(upstream, SAID), callers=(of_plan(FREE, HIDE),))
    for who in ("free", "gold"):
        assert told(world.ask(who)) == FIELDS | {"link": LINKS}


@pytest.mark.parametrize(
    ("target", "method", "operation"),
    [
        ("/shop/echo", "GET", "GET /echo"),
        ("/shop/echo?x=1", "POST", "POST /echo"),
        ("/shop/echo/7", "GET", "GET /echo/{id}"),
        ("/shop/echo", "DELETE", ""),
        ("/shop/nothing", "GET", ""),
        ("/shop", "GET", ""),
    ],
)
def test_everything_below_a_retired_version_is_gone_with_where_to_go(
    world: World, upstream: Peer, target: str, method: str, operation: str
) -> None:
    world.serve(shop(upstream, GONE), other(upstream))
    answer = world.ask("free", target, method)
    assert answer.status == 410
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json
    assert body["type"] == "urn:headgate:problem:retired"
    assert body["status"] == 410
    assert body["next_step"] == f"Use shop@v2 at /shop-v2. More: {LINK}"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert told(answer) == FIELDS | {"link": LINKS}
    record = record_from(world.line(answer), node="", gateway="")
    assert (record.verdict, record.api, record.version) == ("retired", "shop", "v1")
    assert record.operation == operation


def test_what_is_beside_a_retired_version_answers_as_ever(world: World, upstream: Peer) -> None:
    world.serve(shop(upstream, GONE), other(upstream))
    assert world.ask("free", "/other/echo").status == 200
    assert world.ask("free", "/nowhere").status == 404
    assert world.ask("free", "/shop-v2/echo").status == 404


def test_nobody_asks_the_upstream_of_a_retired_version_any_more(
    world: World, upstream: Peer
) -> None:
    made = shop(upstream, GONE)
    world.serve(made)
    upstream.seen.clear()
    assert world.ask("free").status == 410
    assert not upstream.seen
    name = cluster_name(made.upstream)
    assert name not in world.gateway.admin("/clusters")
    world.serve(shop(upstream, None))
    assert world.ask("free").status == 200
    assert name in world.gateway.admin("/clusters")


def test_a_retired_version_with_texts_of_its_own_says_where_in_them(
    world: World, upstream: Peer
) -> None:
    bodies = [
        {
            "problems": ["retired"],
            "content_type": "application/xml",
            "body": "<error><code>{{status}}</code><do>{{next_step}}</do></error>",
        }
    ]
    world.serve(shop(upstream, GONE, PolicyUse("error_bodies", {"bodies": bodies})))
    answer = world.ask("free")
    where = f"Use shop@v2 at /shop-v2. More: {LINK.replace('&', '&amp;')}"
    assert answer.body.decode() == f"<error><code>410</code><do>{where}</do></error>"


def test_a_page_of_an_admitted_origin_may_read_that_a_version_is_gone(
    world: World, upstream: Peer
) -> None:
    cors = PolicyUse("cors", {"allow_origins": ["https://app.example.com"]})
    world.serve(shop(upstream, GONE, cors))
    answer = world.ask("free", origin="https://app.example.com")
    assert answer.status == 410
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


def _raw(world: World, target: str) -> list[str]:
    head = f"GET {target} HTTP/1.1\r\nhost: g\r\nx-api-key: {KEYS['free']}\r\nconnection: close\r\n"
    return world.gateway.raw(f"{head}\r\n".encode()).decode().split("\r\n\r\n")[0].split("\r\n")
