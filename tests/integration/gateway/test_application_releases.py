"""Do calls of single applications, and no others, go to a released version on the real Envoy?"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.gateway.callers import HEADER
from headgate.model.release import Release
from headgate.model.snapshot import KeyLocation, KeySource, PolicyUse, SnapshotAPI
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

DEMO = f"app_{1:012d}"
TO_DEMO = Release(1, 2, applications=(DEMO,))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("releases")
    with started_world(folder) as made:
        yield made


@pytest.fixture(scope="module")
def other() -> Iterator[Peer]:
    """The released version's upstream."""
    with peer() as made:
        yield made


def versions(
    upstream: Peer,
    other: Peer,
    *,
    old: tuple[PolicyUse, ...] = (),
    new: tuple[PolicyUse, ...] = (),
) -> list[SnapshotAPI]:
    """Two versions; the further one has no `/old` and adds `/new` and a method."""
    first = api("GET /echo", "GET /echo/{id}", "GET /old", port=upstream.port, policies=old)
    further = api(
        "GET /echo",
        "GET /echo/{id}",
        "POST /echo/{id}",
        "GET /echo/new",
        "GET /new",
        row=2,
        port=other.port,
        policies=new,
    )
    return [
        replace(first, name="shop"),
        replace(further, name="shop", version="v2", is_default=False),
    ]


def version_of(world: World, answer: Answer) -> tuple[int, str]:
    return answer.status, str(world.line(answer).get("version"))


def test_the_calls_of_one_application_go_to_the_version_and_no_others(
    world: World, upstream: Peer, other: Peer
) -> None:
    world.serve(*versions(upstream, other), releases=(TO_DEMO,))
    for _ in range(3):
        assert version_of(world, world.ask("free")) == (200, "v2")
        assert version_of(world, world.ask("gold")) == (200, "v1")
    assert world.ask("").status == 401
    assert world.gateway.call("/shop/echo", headers={"X-API-Key": "nobody's"}).status == 401
    assert HEADER not in world.ask("free").json["headers"]


def test_what_the_version_adds_is_there_for_the_application_alone(
    world: World, upstream: Peer, other: Peer
) -> None:
    world.serve(*versions(upstream, other), releases=(TO_DEMO,))
    assert version_of(world, world.ask("free", "/shop/new")) == (200, "v2")
    assert world.ask("gold", "/shop/new").status == 404
    assert world.ask("", "/shop/new").status == 404
    assert version_of(world, world.ask("free", "/shop/echo/7", "POST")) == (200, "v2")
    assert world.ask("gold", "/shop/echo/7", "POST").status == 405
    assert world.line(world.ask("free", "/shop/echo/new"))["operation"] == "GET /echo/new"
    assert world.line(world.ask("gold", "/shop/echo/new"))["operation"] == "GET /echo/{id}"


def test_what_the_version_lacks_is_the_defaults(world: World, upstream: Peer, other: Peer) -> None:
    world.serve(*versions(upstream, other), releases=(TO_DEMO,))
    assert version_of(world, world.ask("free", "/shop/old")) == (200, "v1")
    assert world.ask("free", "/shop/nothing").status == 404
    assert world.ask("free", "/shop/echo", "DELETE").status == 405


@pytest.mark.parametrize("forged", [f"1.{DEMO}", f"0.{DEMO}", "2.", "2.5.17.", f"2.{DEMO}", "x"])
def test_nobody_gets_there_by_writing_the_header(
    world: World, upstream: Peer, other: Peer, forged: str
) -> None:
    world.serve(*versions(upstream, other), releases=(TO_DEMO,))
    headers = {"X-API-Key": KEYS["gold"], HEADER: forged}
    assert version_of(world, world.gateway.call("/shop/echo", headers=headers)) == (200, "v1")
    assert world.gateway.call("/shop/new", headers=headers).status == 404
    own = {"X-API-Key": KEYS["free"], HEADER: "1.-"}
    assert version_of(world, world.gateway.call("/shop/echo", headers=own)) == (200, "v2")


def test_each_version_has_its_own_policies_and_limits(
    world: World, upstream: Peer, other: Peer
) -> None:
    limit = PolicyUse("rate_limit", {"rates": ["1/hour"]})
    world.serve(*versions(upstream, other, new=(HIDE, limit)), releases=(TO_DEMO,))
    assert "bytes" in world.ask("gold").json
    assert "bytes" not in world.ask("free").json
    assert world.ask("free").status == 429
    assert world.ask("gold").status == 200
    world.serve(*versions(upstream, other, old=(HIDE,)), releases=(TO_DEMO,))
    assert "bytes" not in world.ask("gold").json


def test_a_share_and_applications_add_up_and_plans_keep_their_policies(
    world: World, upstream: Peer, other: Peer
) -> None:
    plan = (of_plan(FREE, HIDE, apis=(1, 2)),)
    everybody = replace(TO_DEMO, percent=100.0)
    world.serve(*versions(upstream, other), releases=(everybody,), callers=plan)
    found = world.ask("free")
    assert version_of(world, found) == (200, "v2")
    assert "bytes" not in found.json
    assert version_of(world, world.ask("gold")) == (200, "v2")
    header = replace(TO_DEMO, header="x-beta", value="1")
    world.serve(*versions(upstream, other), releases=(header,), callers=plan)
    assert "bytes" not in world.ask("free").json
    assert version_of(world, world.ask("gold", x_beta="1")) == (200, "v2")
    assert version_of(world, world.ask("gold")) == (200, "v1")


def test_a_key_in_the_query_leads_there_too_and_goes_no_further(
    world: World, upstream: Peer, other: Peer
) -> None:
    source = (KeySource(KeyLocation.QUERY, "k"),)
    both = [replace(one, key_sources=source) for one in versions(upstream, other)]
    share = replace(TO_DEMO, percent=1.0)
    world.serve(*both, releases=(share,))
    found = world.ask("", f"/shop/echo?a=1&k={KEYS['free']}")
    assert version_of(world, found) == (200, "v2")
    assert found.json["path"] == "/echo?a=1"


def test_without_the_release_everybody_gets_the_default(
    world: World, upstream: Peer, other: Peer
) -> None:
    world.serve(*versions(upstream, other))
    assert version_of(world, world.ask("free")) == (200, "v1")
    assert world.ask("free", "/shop/new").status == 404
