"""Does the real Envoy serve the version that a call names, the default one to all others, and to
nobody another than was asked for?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.model.lifecycle import Notice
from headgate.model.snapshot import KeyLocation, KeySource, PolicyUse, SnapshotAPI
from headgate.traffic.record import record_from
from tests.integration.gateway.test_callers import (
    FREE,
    HIDE,
    KEYS,
    World,
    of_plan,
    started_world,
)
from tests.support.peer import Peer, peer
from tests.support.proxy import Answer, api

pytestmark = pytest.mark.integration

IN_QUERY = (KeySource(KeyLocation.QUERY, "key"),)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("versions")
    with started_world(folder) as made:
        yield made


@pytest.fixture(scope="module")
def newer(upstream: Peer) -> Iterator[Peer]:
    """The further version's upstream."""
    with peer() as made:
        assert made.port != upstream.port
        yield made


def versions(upstream: Peer, newer: Peer, by: str, **further: object) -> list[SnapshotAPI]:
    """`v1` is the default and has `/old`; `v2` has none, and adds `/new` and `/echo/mine`."""
    first = api("GET /echo", "GET /echo/{id}", "GET /old", "GET /cached/{x}", port=upstream.port)
    second = api(
        "GET /echo",
        "GET /echo/{id}",
        "GET /echo/mine",
        "POST /new",
        "GET /cached/{x}",
        row=2,
        port=newer.port,
    )
    return [
        replace(first, name="shop", version_by=by),
        replace(second, name="shop", version="v2", is_default=False, **further),
    ]


def asked(world: World, target: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
    """Status, version and operation of a call's record."""
    answer = world.ask("free", target, method, **headers)
    record = record_from(world.line(answer), node="", gateway="")
    assert record.api == "shop"
    return answer.status, record.version, record.operation


def test_a_header_leads_to_the_version_that_it_names(
    world: World, upstream: Peer, newer: Peer
) -> None:
    world.serve(*versions(upstream, newer, "header:x-api-version"))
    assert asked(world, "/shop/echo", x_api_version="v2") == (200, "v2", "GET /echo")
    assert asked(world, "/shop/echo", x_api_version="v1") == (200, "v1", "GET /echo")
    assert asked(world, "/shop/echo") == (200, "v1", "GET /echo")
    assert asked(world, "/shop/echo?version=v2") == (200, "v1", "GET /echo")


def test_a_query_leads_to_the_version_that_it_names(
    world: World, upstream: Peer, newer: Peer
) -> None:
    world.serve(*versions(upstream, newer, "query:version"))
    for target in ("/shop/echo?version=v2", "/shop/echo?a=b&version=v2", "/shop/echo?version=v2&c"):
        assert asked(world, target) == (200, "v2", "GET /echo")
    others = ("?version=v1", "", "?a=version=v2", "?subversion=v2", "?VERSION=v2", "?version=")
    for query in others:
        assert asked(world, f"/shop/echo{query}") == (200, "v1", "GET /echo"), query
    assert asked(world, "/shop/echo", x_api_version="v2") == (200, "v1", "GET /echo")


@pytest.mark.parametrize("by", ["header:x-api-version", "query:version"])
def test_each_version_has_its_own_paths_and_nothing_of_the_other(
    world: World, upstream: Peer, newer: Peer, by: str
) -> None:
    world.serve(*versions(upstream, newer, by))

    def of(version: str, path: str, method: str = "GET") -> tuple[int, str, str]:
        if by.startswith("header"):
            return asked(world, path, method, x_api_version=version)
        return asked(world, f"{path}?version={version}", method)

    assert of("v2", "/shop/old") == (404, "v2", "")
    assert of("v1", "/shop/old") == (200, "v1", "GET /old")
    assert of("v1", "/shop/new", "POST") == (404, "v1", "")
    assert of("v2", "/shop/new", "POST") == (200, "v2", "POST /new")
    assert of("v2", "/shop/new") == (405, "v2", "")
    assert of("v2", "/shop/echo/mine") == (200, "v2", "GET /echo/mine")
    assert of("v1", "/shop/echo/mine") == (200, "v1", "GET /echo/{id}")
    assert of("v2", "/shop/a/b/c/d") == (404, "v2", "")


@pytest.mark.parametrize(
    ("by", "target", "headers"),
    [
        ("header:x-api-version", "/shop/echo", {"x_api_version": "v3"}),
        ("header:x-api-version", "/shop/echo", {"x_api_version": "V2"}),
        ("header:x-api-version", "/shop/echo", {"x_api_version": "v1, v2"}),
        ("query:version", "/shop/echo?version=v3", {}),
        ("query:version", "/shop/echo?version=v%32", {}),
        ("query:version", "/shop/echo?version=v1&version=v2", {}),
        ("query:version", "/shop/echo?version=v2&x&version", {}),
    ],
)
def test_who_names_a_version_that_is_not_there_gets_none(
    world: World,
    upstream: Peer,
    newer: Peer,
    by: str,
    target: str,
    headers: dict[str, str],
) -> None:
    world.serve(*versions(upstream, newer, by))
    assert asked(world, target, **headers) == (404, "", "")
    answer = world.ask("free", target, **headers)
    assert answer.json["type"] == "urn:headgate:problem:no-route"
    assert answer.json["title"] == "No such version"


def test_other_apis_do_not_look_at_it(world: World, upstream: Peer, newer: Peer) -> None:
    other = replace(api("GET /echo", row=3, base_path="/shops", port=upstream.port), name="other")
    around = replace(api("GET /echo", row=4, base_path="", port=upstream.port), name="around")
    made = versions(upstream, newer, "header:x-api-version")
    world.serve(*made, other, replace(around, key_sources=other.key_sources))
    for target, name in (("/shops/echo", "other"), ("/echo", "around")):
        line = world.line(world.ask("free", target, x_api_version="v9"))
        assert line["api"] == name


def test_a_version_that_is_not_at_the_same_path_is_not_chosen(
    world: World, upstream: Peer, newer: Peer
) -> None:
    world.serve(*versions(upstream, newer, "header:x-api-version", base_path="/shop-v2"))
    assert asked(world, "/shop/echo", x_api_version="v2") == (404, "", "")
    assert asked(world, "/shop-v2/echo") == (200, "v2", "GET /echo")


def test_a_key_in_the_query_is_cut_and_the_version_stays(
    world: World, upstream: Peer, newer: Peer
) -> None:
    made = versions(upstream, newer, "query:version")
    world.serve(*(replace(one, key_sources=IN_QUERY) for one in made))
    answer = world.gateway.call(f"/shop/echo?version=v2&key={KEYS['free']}")
    assert answer.status == 200
    assert world.line(answer)["version"] == "v2"
    assert newer.last["path"] == "/echo?version=v2"


def test_subscribers_with_policies_of_their_own_stay_at_their_version(
    world: World, upstream: Peer, newer: Peer
) -> None:
    for by, given in (("header:x-api-version", {"x_api_version": "v2"}), ("query:version", {})):
        target = "/shop/echo" if given else "/shop/echo?version=v2"
        world.serve(*versions(upstream, newer, by), callers=(of_plan(FREE, HIDE, apis=(1, 2)),))
        for who, hidden in (("free", True), ("gold", False)):
            answer = world.ask(who, target, **given)
            assert world.line(answer)["version"] == "v2"
            assert ("bytes" not in answer.json) == hidden


def test_versions_share_no_answers_in_the_cache(world: World, upstream: Peer, newer: Peer) -> None:
    cache = PolicyUse("cache", {"ttl_seconds": 60})
    made = versions(upstream, newer, "header:x-api-version")
    world.serve(*(replace(one, policies=(cache,)) for one in made))
    first, second = (_body(world, version) for version in ("v1", "v2"))
    assert first != second
    assert _body(world, "v1") == first
    assert _body(world, "v2") == second


def _body(world: World, version: str) -> bytes:
    answer: Answer = world.ask("free", "/shop/cached/max-age=60", x_api_version=version)
    assert answer.status == 200
    return answer.body


def test_a_retired_version_is_gone_for_those_who_name_it_alone(
    world: World, upstream: Peer, newer: Peer
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    gone = Notice(at, at, "", "shop@v2", "/shop", "x-api-version: v2", is_retired=True)
    first, second = versions(upstream, newer, "header:x-api-version")
    world.serve(replace(first, notice=gone), second)
    assert asked(world, "/shop/echo") == (410, "v1", "GET /echo")
    assert asked(world, "/shop/echo", x_api_version="v2") == (200, "v2", "GET /echo")
    where = world.ask("free").json["next_step"]
    assert where == "Use shop@v2 at /shop with x-api-version: v2."
    world.serve(first, replace(second, notice=gone))
    assert asked(world, "/shop/echo") == (200, "v1", "GET /echo")
    assert asked(world, "/shop/echo", x_api_version="v2") == (410, "v2", "GET /echo")
