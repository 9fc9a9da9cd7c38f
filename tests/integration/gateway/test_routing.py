"""Does the real Envoy decide as the plain rule in `gateway/routing.py` does?"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headgate.gateway.compile import check
from headgate.gateway.routing import DEPTH_MAX, Decision, Oracle, quoted
from headgate.model.snapshot import Snapshot, SnapshotAPI
from tests.support.peer import Peer
from tests.support.proxy import Proxy, api

pytestmark = pytest.mark.integration


def decided(gateway: Proxy, asked: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """What Envoy's log lines say of requests, as the oracle would say it."""
    answers = [gateway.call(target, method) for method, target in asked]
    found = []
    for answer in answers:
        line = gateway.line(answer.headers["x-request-id"])
        kind = {404: "no_route", 405: "method_not_allowed"}.get(answer.status, "operation")
        found.append({"kind": kind, "api": line["api"], "operation": line["operation"]})
    return found


def expected(decision: Decision) -> dict[str, Any]:
    return {
        "kind": decision.kind,
        "api": decision.api.name if decision.api else "",
        "operation": decision.operation.id if decision.operation else "",
    }


def agrees(gateway: Proxy, apis: tuple[SnapshotAPI, ...], asked: list[tuple[str, str]]) -> None:
    oracle = Oracle(apis)
    for (method, target), found in zip(asked, decided(gateway, asked), strict=True):
        assert found == expected(oracle.decide(method, target)), f"{method} {target}"


SHOP = (
    api(
        "GET /",
        "GET /pets",
        "POST /pets",
        "GET /pets/{id}",
        "DELETE /pets/{id}",
        "GET /pets/mine",
        "PUT /pets/mine",
        "GET /pets/{id}/toys/{toy}",
        "GET /pets/{id}.json",
        "GET /{kind}/new",
        "GET /v{version}/x",
        "GET /{a}-{b}/pair",
        "GET /files/{path+}",
        "GET /with space/é",
        "GET /braces(1)*.+/x",
        "GET /slash/",
    ),
    api("GET /pets/{id}", "GET /{any}/{other}", row=2, base_path="/shop/inner"),
    api("GET /", "GET /alone", "GET /{x}/deep", row=3, base_path=""),
)
TARGETS = (
    "/shop/",
    "/shop",
    "/shop?x=1",
    "/shopping",
    "/shop/pets",
    "/shop/pets?limit=1&x=/pets/1",
    "/shop/pets?",
    "/shop/pets/",
    "/shop/pets/7",
    "/shop/pets/7?a=b",
    "/shop/pets/7.json",
    "/shop/pets/mine",
    "/shop/pets/mine2",
    "/shop/pets/mine/toys/3",
    "/shop/pets/new",
    "/shop/dogs/new",
    "/shop/pets//toys/3",
    "/shop//pets",
    "/shop/v2/x",
    "/shop/v/x",
    "/shop/left-right/pair",
    "/shop/left/pair",
    "/shop/files/a/b/c.txt",
    "/shop/files/",
    "/shop/with%20space/%C3%A9",
    "/shop/braces(1)*.+/x",
    "/shop/bracesX1)*.+/x",
    "/shop/slash",
    "/shop/slash/",
    "/shop/SLASH/",
    "/shop/pets/a%2Fb",
    "/shop/pets/a%2fb%2f..",
    "/shop/pets/..%2Fadmin",
    "/shop/pets/%2e%2e%2fadmin",
    "/shop/pets/a%5c..%5cb",
    "/shop/pets/a*b'(c)!",
    "/shop/pets/a%7Cb",
    "/shop/inner",
    "/shop/inner/",
    "/shop/inner/pets/1",
    "/shop/inner/pets/1/2",
    "/shop/innermost/new",
    "/",
    "/alone",
    "/x/deep",
    "/x/deep/er",
    "/nothing",
)


def test_every_kind_of_path_is_decided_as_the_rule_says(gateway: Proxy, upstream: Peer) -> None:
    shop = tuple(_at(one, upstream.port) for one in SHOP)
    gateway.publish(*shop)
    agrees(gateway, shop, [(method, target) for target in TARGETS for method in ("GET", "PUT")])


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("/shop/pets/../pets/7", "/shop/pets/7"),
        ("/shop/x/%2e%2e/pets", "/shop/pets"),
        ("/shop/./pets", "/shop/pets"),
        ("/shop/pets/7/..", "/shop/pets/"),
        ("/shop/../../alone", "/alone"),
    ],
)
def test_dot_segments_are_resolved_before_anything_is_decided(
    gateway: Proxy, upstream: Peer, sent: str, meant: str
) -> None:
    shop = tuple(_at(one, upstream.port) for one in SHOP)
    gateway.publish(*shop)
    found = decided(gateway, [("GET", sent), ("GET", meant)])
    assert found[0] == found[1]


def test_the_upstream_sees_its_own_prefix_and_the_rest_unchanged(
    gateway: Proxy, upstream: Peer
) -> None:
    one = _at(api("GET /pets/{id}"), upstream.port, path_prefix="/internal/v2")
    gateway.publish(one)
    seen = gateway.call(
        "/shop/pets/a%2Fb?x=%20&y=1", headers={"X-Forwarded-Prefix": "/forged"}
    ).json
    assert seen["path"] == "/internal/v2/pets/a%2Fb?x=%20&y=1"
    assert seen["headers"]["host"] == f"127.0.0.1:{upstream.port}"
    assert seen["headers"]["x-forwarded-prefix"] == "/shop"
    assert seen["headers"]["x-forwarded-host"] == f"127.0.0.1:{gateway.port}"


@pytest.mark.parametrize("base_path", ["/größe", "/a%20b", "/50%PROTOCOL%"])
def test_a_base_path_of_any_characters_is_told_to_the_upstream_as_it_is(
    gateway: Proxy, upstream: Peer, base_path: str
) -> None:
    gateway.publish(_at(api("GET /pets", base_path=base_path), upstream.port))
    sent = quoted(base_path)
    seen = gateway.call(f"{sent}/pets").json
    assert seen["headers"]["x-forwarded-prefix"] == sent


def test_an_api_at_the_root_has_no_forwarded_prefix_even_if_a_caller_sends_one(
    gateway: Proxy, upstream: Peer
) -> None:
    gateway.publish(_at(api("GET /pets", base_path=""), upstream.port))
    seen = gateway.call("/pets", headers={"X-Forwarded-Prefix": "/forged"}).json
    assert "x-forwarded-prefix" not in seen["headers"]


def test_paths_deeper_than_any_tree_are_decided_like_others(gateway: Proxy, upstream: Peer) -> None:
    deep = "/".join(["x"] * (DEPTH_MAX - 1))  # and the base path
    deep_api = _at(
        api(f"GET /{deep}/{{id}}", f"GET /{deep}", f"GET /{deep}/{{id}}/y", "GET /{r+}/end"),
        upstream.port,
    )
    gateway.publish(deep_api)
    paths = [f"/shop/{deep}", f"/shop/{deep}/1", f"/shop/{deep}/1/y", f"/shop/{deep}/1/end"]
    asked = [(method, path) for method in ("GET", "PUT") for path in [*paths, paths[2] + "/z"]]
    agrees(gateway, (deep_api,), asked)


def test_hundreds_of_templates_below_one_prefix_are_told_apart(
    gateway: Proxy, upstream: Peer
) -> None:
    lines = [f"GET /repos/{{owner}}/{{repo}}/part{number}/{{x}}" for number in range(300)]
    lines += ["GET /repos/{owner}/{repo}/{any}/all", "GET /repos/{owner}/{rest+}"]
    large = _at(api(*lines), upstream.port)
    gateway.publish(large)
    asked = [("GET", f"/shop/repos/a/b/part{number}/7?x=y") for number in range(0, 300, 7)]
    asked += [("GET", "/shop/repos/a/b/part5/all"), ("GET", "/shop/repos/a/b/other/all")]
    asked += [("GET", "/shop/repos/a/b/c/d/e"), ("PUT", "/shop/repos/a/b/part299/7")]
    agrees(gateway, (large,), [*asked, ("GET", "/shop/repos/a")])


SEGMENTS = ("a", "b", "ab", "{x}", "{y}", "a{z}", "{z}b", "x-{p}-{q}", "c.json", "{r+}", "")
WORDS = ("a", "b", "ab", "abb", "zb", "aa", "x-1-2", "c.json", "", "%2F", "q?r=/a/b")


REQUESTS = st.tuples(
    st.sampled_from(["GET", "POST", "HEAD"]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(lambda w: "/" + "/".join(w)),
)


@st.composite
def apis(draw: st.DrawFn) -> tuple[SnapshotAPI, ...]:
    """One to three APIs that may be published together."""
    bases = draw(st.lists(st.sampled_from(["", "/a", "/a/b", "/c"]), min_size=1, unique=True))
    lines = st.builds(
        lambda method, segments: f"{method} /{'/'.join(segments)}",
        st.sampled_from(["GET", "POST", "DELETE"]),
        st.lists(st.sampled_from(SEGMENTS), max_size=3),
    )
    return tuple(
        api(*draw(st.lists(lines, max_size=8, unique=True)), row=row, base_path=base)
        for row, base in enumerate(bases, 1)
    )


@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],  # shrinking would publish hundreds of times
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(made=apis(), data=st.data())
def test_any_snapshot_is_routed_as_the_rule_says(
    gateway: Proxy, upstream: Peer, made: tuple[SnapshotAPI, ...], data: st.DataObject
) -> None:
    made = tuple(_at(_publishable(made, one), upstream.port) for one in made)
    gateway.publish(*made)
    agrees(gateway, made, data.draw(st.lists(REQUESTS, min_size=20, max_size=40)))


def _publishable(all_apis: tuple[SnapshotAPI, ...], one: SnapshotAPI) -> SnapshotAPI:
    """`one` without the operations that `check` refuses."""
    index = all_apis.index(one)
    wrong = {
        int(detail.pointer.split("/")[4])
        for detail in check(Snapshot(1, "default", all_apis))
        if detail.pointer.startswith(f"/apis/{index}/operations/")
    }
    kept = tuple(o for number, o in enumerate(one.operations) if number not in wrong)
    return replace(one, operations=kept)


def _at(one: SnapshotAPI, port: int, **changes: Any) -> SnapshotAPI:
    """`one` with its upstream at `port`."""
    host = replace(one.upstream.hosts[0], port=port)
    return replace(one, upstream=replace(one.upstream, hosts=(host,), **changes))
