"""Does a `Translator` that remembers say the same as one that starts from nothing?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.gateway.envoy.access_log import OPERATORS
from headgate.gateway.envoy.clusters import cluster_name
from headgate.gateway.envoy.resources import Translator, readable_routes, translate
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.policy import policies as registered
from headgate.gateway.routing import DEPTH_MAX, DEPTH_VARIES, parse_template
from headgate.model.logline import LINE_FIELDS, SELDOM
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from tests.support.proxy import api

NODE = NodeSettings(
    node="n",
    gateway="default",
    folder=Path("/d/envoy"),
    log_path=Path("/d/log"),
    table_path=Path("/d/table"),
    admin_socket=Path("/d/admin"),
)
CACHE, DENY = PolicyUse("cache"), PolicyUse("ip_filter", {"deny": ["10.0.0.0/8"]})

VARIANTS = (
    api("GET /x", base_path=""),
    api("GET /x", "POST /{y}", base_path=""),
    api("GET /x", row=2, base_path="/a"),
    api("GET /x", row=2, base_path="/a", policies=[CACHE]),
    api("GET /x", row=3, base_path="/a/b", port=7),
    api("GET /x", row=3, base_path="/a/c"),
    api("GET /{u}/{v}", row=5, base_path="/a/b/e"),
    api("GET /{z}", row=4, base_path="/d", of_operation={"GET /{z}": (DENY,)}),
)


def distinct(found: list[SnapshotAPI]) -> tuple[SnapshotAPI, ...]:
    return tuple({one.row: one for one in found}.values())


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(VARIANTS), max_size=4).map(distinct),
            st.sampled_from([(), (DENY,)]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_remembered_is_never_stale(
    steps: list[tuple[tuple[SnapshotAPI, ...], tuple[PolicyUse, ...]]],
) -> None:
    kept = Translator(NODE)
    for revision, (apis, policies) in enumerate(steps, 1):
        snapshot = Snapshot(revision, "default", apis, policies)
        assert kept.translate(snapshot).files() == translate(snapshot, NODE).files()


def test_files_come_in_the_order_in_which_they_must_be_written() -> None:
    files = translate(Snapshot(1, "default", VARIANTS[:1]), NODE).files()
    assert [name for name in files if not name.startswith("headgate.")] == [
        "cds.json",
        "lds.json",
        "rds.pb",
    ]
    assert list(files)[-1] == "rds.pb"
    assert {orjson.loads(files[name])["version_info"] for name in list(files)[:-1]} == {"1"}
    assert files["rds.pb"].startswith(b"\x0a\x011")


def clusters_of(*apis: SnapshotAPI) -> list[str]:
    files = translate(Snapshot(1, "default", apis), NODE).files()
    return [one["name"] for one in orjson.loads(files["cds.json"])["resources"]]


def test_apis_with_equal_upstreams_share_one_cluster() -> None:
    first, second = api("GET /x", base_path="/a"), api("GET /x", row=2, base_path="/b")
    assert clusters_of(first, second) == [cluster_name(first.upstream)]


def test_apis_with_different_upstreams_do_not() -> None:
    first, second = api("GET /x", base_path="/a"), api("GET /x", row=2, base_path="/b", port=8)
    assert clusters_of(first, second) == [cluster_name(a.upstream) for a in (first, second)]
    patient = replace(first.upstream, connect_timeout_seconds=6.0)
    assert cluster_name(patient) != cluster_name(first.upstream)


@pytest.mark.parametrize(
    "change", [{"timeout_seconds": 61.0}, {"retries_max": 3}, {"path_prefix": "/v2"}]
)
def test_what_only_routes_use_leaves_the_cluster_and_its_connections(
    change: dict[str, Any],
) -> None:
    first = api("GET /x").upstream
    assert cluster_name(replace(first, **change)) == cluster_name(first)


def test_a_changed_upstream_leaves_the_cluster_of_the_others() -> None:
    first, second = api("GET /x", base_path="/a"), api("GET /x", row=2, base_path="/b")
    kept = Translator(NODE)
    kept.translate(Snapshot(1, "default", (first, second)))
    moved = replace(second, upstream=replace(second.upstream, connections_max=3))
    files = kept.translate(Snapshot(2, "default", (first, moved))).files()
    names = [one["name"] for one in orjson.loads(files["cds.json"])["resources"]]
    assert names == [cluster_name(first.upstream), cluster_name(moved.upstream)]


def _listener(*uses: PolicyUse) -> Any:
    made = translate(Snapshot(1, "default", (api("GET /items/{id}", policies=uses),)), NODE)
    return orjson.loads(orjson.dumps(made.listeners))["resources"][0]


@pytest.mark.parametrize("kind", list(registered))
def test_the_use_of_a_policy_changes_routes_and_not_the_listener(kind: str) -> None:
    assert _listener(PolicyUse(kind, registered[kind].example)) == _listener()


def _files(*uses: PolicyUse) -> dict[str, Any]:
    files = translate(Snapshot(1, "default", (api("GET /x", policies=uses),)), NODE).files()
    return {name: orjson.loads(data) for name, data in files.items() if name.endswith(".json")}


def _held(files: dict[str, Any], name: str) -> list[str]:
    [resource] = files[name]["resources"]
    return list(resource["typed_config"]["named_filter_chains"])


def test_a_filter_that_takes_no_settings_from_a_route_is_held_by_name() -> None:
    name = "headgate.request_size.json"
    size = PolicyUse("request_size", {"body_max": "1MB"})
    assert _held(_files(), name) == []
    assert _held(_files(size), name) == ["1000000"]
    routes = readable_routes(Snapshot(1, "default", (api("GET /x", policies=(size,)),)))
    assert '"filter_chain_name":"1000000"' in orjson.dumps(routes).decode()


def test_the_example_of_no_policy_is_held_by_anybody() -> None:
    held = [name for name in _files() if name.startswith("headgate.")]
    assert len(held) == 3
    assert {tuple(_held(_files(), name)) for name in held} == {()}


def test_filters_of_policies_are_off_until_a_route_switches_them_on() -> None:
    manager = _listener()["filter_chains"][0]["filters"][0]["typed_config"]
    names = [one["name"] for one in manager["http_filters"]]
    off = [one["name"] for one in manager["http_filters"] if one.get("disabled")]
    assert set(names) - set(off) == {"headgate", "envoy.filters.http.router"}
    assert names.index("envoy.filters.http.rbac") < names.index("headgate")
    assert names.index("headgate") < names.index("headgate.cache")
    made = readable_routes(Snapshot(1, "default", (api("GET /x", policies=(CACHE, DENY)),)))
    text = orjson.dumps(made).decode()
    assert {name for name in off if f'"{name}":' in text} == {
        "envoy.filters.http.rbac",
        "headgate.cache",
    }


def test_the_log_has_exactly_the_fields_of_the_contract() -> None:
    assert [*OPERATORS, *SELDOM] == list(LINE_FIELDS)


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(ValueError, match="together"):
        replace(NODE, tls_certificate=Path("/d/crt"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/pets/mine", "/pets/{id}"),
        ("/pets/{id}/toys", "/pets/{id}/{part}"),
        ("/a/b{x}", "/a/{x}"),
        ("/a/{x}.json", "/a/{x}"),
        ("/a/{x}", "/a/{rest+}"),
        ("/a/bc{x}", "/a/b{x}d"),
    ],
)
def test_the_more_specific_template_comes_first(first: str, second: str) -> None:
    assert parse_template(first).order < parse_template(second).order


@pytest.mark.parametrize(
    ("path", "depth", "is_open"),
    [
        ("/pets", 1, False),
        ("/pets/{id}", 2, True),
        ("/pets/{id}/{part}", 3, True),
        ("/{kind}", 1, True),
        ("/pets/{id}/toys", 3, False),
        ("/pets/{id}.json", 2, False),
        ("/pets/v{id}", 2, False),
        ("/pets/{a}{b}", 2, False),
        ("/pets/{id}/", 0, False),
        ("/pets//{id}", 0, True),
        ("/files/{path+}", DEPTH_VARIES, False),
        ("/x" * DEPTH_MAX, DEPTH_MAX, False),
        ("/x" * (DEPTH_MAX + 1), 0, False),
    ],
)
def test_a_template_knows_how_deep_its_paths_are(path: str, depth: int, is_open: bool) -> None:
    template = parse_template(path)
    assert (template.depth, template.is_open) == (depth, is_open)


def test_literal_text_is_compared_as_it_stands_in_a_request() -> None:
    assert parse_template("/with space/é/{x}").prefix == "/with%20space/%C3%A9/"
    assert parse_template("/a%20b").prefix == "/a%20b"
