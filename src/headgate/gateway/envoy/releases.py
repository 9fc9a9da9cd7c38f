"""Which requests go to a version that is being released, and to its upstream as well?

A release stands before all other paths of the gateway: one predicate, met by requests below the
API's base path whose header says so or whose caller is among the share. Behind it stand the
candidate's own paths. What is in none of them goes on to the default version, so that a candidate
lacks nothing while it is tried.

A caller is told by the header in which the API wants the key. Envoy hashes its text with the
release's seed, so that a caller stays with its version, on every node and after every restart.
Envoy's routes see nothing but headers: where the key is a query parameter, path and query together
are hashed, so that the same request stays, but not the caller. Requests without a key in a header
go to the default version.

Source: envoy.extensions.matching.input_matchers.runtime_fraction.v3.RuntimeFraction.
"""

from collections.abc import Mapping

from headgate.gateway.envoy import tree, wire
from headgate.gateway.envoy.clusters import cluster_name
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.routing import quoted
from headgate.model.release import Release
from headgate.model.snapshot import KeyLocation, KeySource, SnapshotAPI

HEADER_INPUT = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"
FRACTION = "envoy.extensions.matching.input_matchers.runtime_fraction.v3.RuntimeFraction"
MILLION = 1_000_000
DEFAULT_HEADER = "x-api-key"
RUNTIME_KEY = "headgate.release"  # never set: the default counts


def is_candidates(release: Release, candidate: SnapshotAPI, *, is_told: bool = False) -> JSON:
    """The predicate of the requests that a release takes, without a look at their path's rest.

    `is_told`: requests are matched again once the access filter has said who calls. By then the
    key is gone that drew the lot, so the filter's header says which version it was.
    """
    ways: list[JSON] = []
    if release.header:
        ways.append(_single(_header(release.header), {"value_match": {"exact": release.value}}))
    if release.percent > 0:
        ways += [_share(release, source) for source in _caller_inputs(candidate)]
    if is_told:
        first = [_is_untold(), *([_any(ways)] if ways else ())]
        applications = (f"{at}.{one}" for one in release.applications for at in (release.stable, 0))
        ways = [
            *(_caller({"exact": one}) for one in applications),
            _caller({"prefix": f"{candidate.row}."}),
            *([{"and_matcher": {"predicate": first}}] if ways else ()),
        ]
    chosen = _any(ways)
    return {"and_matcher": {"predicate": [_is_below(candidate.base_path), chosen]}}


def is_at_gate(candidate: SnapshotAPI) -> JSON:
    """The predicate of requests to the API whose application the access filter has not told yet."""
    return {"and_matcher": {"predicate": [_is_below(candidate.base_path), _is_untold()]}}


def _is_untold() -> JSON:
    return {"not_matcher": _caller({"contains": "."})}


def _any(ways: list[JSON]) -> JSON:
    return ways[0] if len(ways) == 1 else {"or_matcher": {"predicate": ways}}


def _caller(match: JSON) -> JSON:
    return _single(tree.CALLER_INPUT, {"value_match": match})


def has_share(release: Release) -> bool:
    """Whether any request goes to the candidate at all."""
    return release.percent > 0 or bool(release.header) or bool(release.applications)


def mirrored(action: JSON, release: Release, candidate: SnapshotAPI) -> JSON:
    """A route's action that also sends a share of its requests to the candidate's upstream.

    They arrive with the path that the default version's upstream gets, and `-shadow` behind the
    host; their answers are thrown away.
    """
    numerator = round(release.mirror_percent * MILLION / 100)
    fraction = {"numerator": numerator, "denominator": "MILLION"}
    policy = {
        "cluster": cluster_name(candidate.upstream),
        "runtime_fraction": {"default_value": fraction},
    }
    return action | {"request_mirror_policies": [policy]}


def _caller_inputs(api: SnapshotAPI) -> list[JSON]:
    """What tells callers apart, one for each place of the key."""
    return [_caller_input(source) for source in api.key_sources]


def _caller_input(source: KeySource) -> JSON:
    if source.location is KeyLocation.QUERY:
        return tree.PATH_INPUT
    if source.location is KeyLocation.BEARER:
        return _header("authorization")
    return _header(source.name or DEFAULT_HEADER)


def _share(release: Release, source: JSON) -> JSON:
    numerator = round(release.percent * MILLION / 100)
    fraction = {
        "default_value": {"numerator": numerator, "denominator": "MILLION"},
        "runtime_key": RUNTIME_KEY,
    }
    matcher = wire.extension("share", FRACTION, runtime_fraction=fraction, seed=release.seed)
    return _single(source, {"custom_match": matcher})


def _is_below(base_path: str) -> JSON:
    base = quoted(base_path)
    return _single(tree.PATH_INPUT, {"value_match": {"prefix": base + "/"}})


def _header(name: str) -> JSON:
    return wire.extension("header", HEADER_INPUT, header_name=name)


def _single(source: Mapping[str, object], match: JSON) -> JSON:
    return {"single_predicate": {"input": source, **match}}
