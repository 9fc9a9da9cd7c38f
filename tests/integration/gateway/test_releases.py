"""Does the real Envoy give a released version its share, and everybody else the default?"""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from headgate.model.release import Release
from headgate.model.snapshot import KeyLocation, KeySource, SnapshotAPI
from tests.support.peer import Peer, peer
from tests.support.proxy import Proxy, api, until

pytestmark = pytest.mark.integration

CALLERS = [f"key-{number}" for number in range(400)]


def versions(stable: Peer, candidate: Peer, *, more: str = "") -> tuple[SnapshotAPI, SnapshotAPI]:
    """Two versions at one path; the further one has no `/old` and, with `more`, that operation."""
    first = replace(api("GET /x", "GET /x/{id}", "GET /old", port=stable.port), name="shop")
    lines = ["GET /x", "GET /x/{id}", *([more] if more else [])]
    further = replace(api(*lines, row=2, port=candidate.port), name="shop", version="v2")
    return first, replace(further, is_default=False)


def served_by(gateway: Proxy, target: str = "/shop/x", **headers: str) -> str:
    """The version that Envoy says a request fell in."""
    answer = gateway.call(target, headers={k.replace("_", "-"): v for k, v in headers.items()})
    line: dict[str, Any] = gateway.line(answer.headers["x-request-id"])
    return str(line["version"])


def test_callers_are_divided_by_their_key_and_stay_where_they_are(
    gateway: Proxy, upstream: Peer
) -> None:
    with peer() as other:
        upstream.seen.clear()
        both = versions(upstream, other)
        gateway.publish(*both, releases=(Release(1, 2, percent=25.0, seed=7),))
        first = {key: _asked(gateway, other, key) for key in CALLERS}
        again = {key: _asked(gateway, other, key) for key in CALLERS}
        gateway.publish(*both, releases=(Release(1, 2, percent=60.0, seed=7),))
        later = {key: _asked(gateway, other, key) for key in CALLERS}
    share = sum(first.values()) / len(CALLERS)
    assert 0.15 < share < 0.35  # five standard deviations of a fair draw
    assert again == first
    assert 0.5 < sum(later.values()) / len(CALLERS) < 0.7
    assert all(later[key] for key in CALLERS if first[key])  # who is in stays in


def _asked(gateway: Proxy, other: Peer, key: str) -> bool:
    """Whether the candidate's upstream answered a caller."""
    before = other.seen["GET /x"]
    assert gateway.call("/shop/x", headers={"X-API-Key": key}).status == 200
    return other.seen["GET /x"] == before + 1


def test_nobody_goes_to_a_version_without_a_share(gateway: Proxy, upstream: Peer) -> None:
    with peer() as other:
        gateway.publish(*versions(upstream, other), releases=(Release(1, 2),))
        assert {served_by(gateway, x_api_key=key) for key in CALLERS[:20]} == {"v1"}
        gateway.publish(*versions(upstream, other))
        assert served_by(gateway, x_api_key="any") == "v1"
        assert not other.seen


def test_a_header_leads_to_the_version_and_another_value_does_not(
    gateway: Proxy, upstream: Peer
) -> None:
    with peer() as other:
        share = Release(1, 2, header="x-beta", value="yes")
        gateway.publish(*versions(upstream, other), releases=(share,))
        assert served_by(gateway, x_beta="yes") == "v2"
        assert served_by(gateway, x_beta="no") == "v1"
        assert served_by(gateway) == "v1"
        assert served_by(gateway, "/shop/x/7?a=b", x_beta="yes") == "v2"


def test_what_the_version_lacks_goes_to_the_default_and_what_it_adds_is_there(
    gateway: Proxy, upstream: Peer
) -> None:
    with peer() as other:
        share = Release(1, 2, header="x-beta", value="yes")
        both = versions(upstream, other, more="GET /new")
        gateway.publish(*both, releases=(share,))
        assert served_by(gateway, "/shop/old", x_beta="yes") == "v1"
        assert served_by(gateway, "/shop/new", x_beta="yes") == "v2"
        assert gateway.call("/shop/new").status == 404
        assert gateway.call("/shop/nothing", headers={"X-Beta": "yes"}).status == 404


@pytest.mark.parametrize(
    ("source", "target", "headers"),
    [
        (KeySource(KeyLocation.BEARER), "/shop/x", {"Authorization": "Bearer abc"}),
        (KeySource(KeyLocation.QUERY, "api_key"), "/shop/x?api_key=abc", {}),
    ],
)
def test_the_caller_is_told_by_where_the_api_wants_the_key(
    gateway: Proxy, upstream: Peer, source: KeySource, target: str, headers: dict[str, str]
) -> None:
    with peer() as other:
        first, further = versions(upstream, other)
        further = replace(further, key_sources=(source,))
        gateway.publish(first, further, releases=(Release(1, 2, percent=100.0),))
        assert gateway.call(target, headers=headers).status == 200
        assert other.seen["GET /x"] == 1


def test_a_caller_without_a_key_in_the_header_gets_the_default(
    gateway: Proxy, upstream: Peer
) -> None:
    with peer() as other:
        gateway.publish(*versions(upstream, other), releases=(Release(1, 2, percent=100.0),))
        assert served_by(gateway) == "v1"
        assert served_by(gateway, x_api_key="any") == "v2"


def test_copies_go_to_the_version_and_its_answers_to_nobody(gateway: Proxy, upstream: Peer) -> None:
    with peer() as other:
        first = replace(api("GET /status/{code}", port=upstream.port), name="shop")
        further = replace(api("GET /status/{code}", row=2, port=other.port), name="shop")
        further = replace(further, version="v2", is_default=False)
        gateway.publish(first, further, releases=(Release(1, 2, mirror_percent=100.0),))
        upstream.seen.clear()
        answers = Counter(gateway.call("/shop/status/200").status for _ in range(5))
        assert answers == {200: 5}
        until(lambda: other.seen["GET /status/200"] == 5, lambda: f"copies: {other.seen}")
        assert upstream.seen["GET /status/200"] == 5
