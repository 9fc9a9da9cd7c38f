"""How does Envoy find a request's operation? The rule of `gateway/routing.py` as a match tree.

The tree is keyed by the literal start of each path template. Envoy takes the longest key that
the path begins with; when none of the templates there fits it goes on with the next shorter key
(only because a key holds a nested matcher: a bare action would end the search). An API's own
`<base path>/` key ends the search with its "no route". So every API adds its own keys, and a
change of one API is a change of its entries alone, and of the API's around it if there is one.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.binary import Constant, Encoded
from headgate.gateway.envoy.clusters import cluster_name
from headgate.gateway.envoy.listener import STREAM_IDLE_SECONDS
from headgate.gateway.envoy.local_replies import route_words
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.policy import HTTPFilter, Policy, Stage
from headgate.gateway.routing import HIDDEN_DOTS_REGEX, PathGroup, path_groups, quoted
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.snapshot import SnapshotAPI, SnapshotOperation

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1, less TRACE
RETRY_ON = "connect-failure,refused-stream,reset,gateway-error"
QUERY_REGEX = r"(?:\?.*)?"
PATH_INPUT = Constant(
    wire.extension("path", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name=":path")
)
MATCHERS_FLAT_MAX = 24  # below one key; more are bundled
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405

FORGEABLE = (
    "forwarded",
    "x-envoy-internal",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-real-ip",
)
"""What upstreams believe of a proxy and a caller could have written. Envoy sets x-forwarded-for and
-proto itself; host and prefix are set anew after the removal."""

PolicyOf = dict[str, Policy]
"""Policies in force at one place, by kind."""


@dataclass(frozen=True, slots=True)
class Policies:
    """What is in force below one API: for the API itself and for each operation by its row."""

    api: PolicyOf
    operations: dict[int, PolicyOf]


@dataclass(frozen=True, slots=True)
class _Matcher:
    """An entry of a matcher list, and the expression of the paths that it takes."""

    regex: str
    entry: JSON


def route_configuration(entries: Mapping[str, JSON] | Encoded, policies: PolicyOf) -> JSON:
    """All routes: one virtual host whose tree has the `entries` of all APIs."""
    nowhere = _action([_no_route(None, policies)])
    search: JSON = {"on_no_match": nowhere}
    if entries:
        search = {
            "on_no_match": {
                "matcher": {
                    "matcher_tree": {
                        "input": PATH_INPUT,
                        "prefix_match_map": {"map": entries},
                    },
                    "on_no_match": nowhere,
                }
            }
        }
    hidden = {"predicate": _matches(HIDDEN_DOTS_REGEX), "on_match": nowhere}
    return wire.typed(
        wire.ROUTES,
        name=wire.ROUTES_NAME,
        request_headers_to_remove=list(FORGEABLE),
        request_headers_to_add=[
            {
                "header": {
                    "key": "x-forwarded-prefix",
                    "value": f"%METADATA(ROUTE:{METADATA_NAMESPACE}:base)%",
                },
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
        response_headers_to_remove=["x-envoy-upstream-service-time"],
        virtual_hosts=[
            {
                "name": "gateway",
                "domains": ["*"],
                "matcher": {"matcher_list": {"matchers": [hidden]}, **search},
            }
        ],
    )


def api_entries(
    api: SnapshotAPI, policies: Policies, within: Sequence[tuple[SnapshotAPI, PolicyOf]] = ()
) -> JSON:
    """The API's entries in the tree, by key.

    `within` are the APIs whose base paths lie directly below this one's. The entry of such a
    base path stands here, because a template of this API may begin with the same text.
    """
    keys: dict[str, list[_Matcher]] = {}
    for inner, its_policies in within:
        base = quoted(inner.base_path)
        keys[base] = [_Matcher(re.escape(base), _base(inner, its_policies))]
    for group in path_groups(api):
        made = _Matcher(group.template.regex, _group(api, group, policies))
        keys.setdefault(group.template.prefix, []).append(made)
    bottom = quoted(api.base_path) + "/"
    keys.setdefault(bottom, [])
    entries: JSON = {}
    for key, matchers in keys.items():
        matcher = _list(_bundled(matchers))
        if key == bottom:
            matcher["on_no_match"] = _action([_no_route(api, policies.api)])
        entries[key] = {"matcher": matcher}
    return entries


def base_entry(api: SnapshotAPI, policies: PolicyOf) -> JSON:
    """The entry of the base path itself, for an API that lies within no other."""
    if not api.base_path:
        return {}
    return {quoted(api.base_path): {"matcher": _list([_base(api, policies)])}}


def _base(api: SnapshotAPI, policies: PolicyOf) -> JSON:
    """`/shop` is no operation of the API at `/shop`, but it is a request to that API."""
    return _entry(_is_path(quoted(api.base_path)), [_no_route(api, policies)])


def _no_route(api: SnapshotAPI | None, policies: PolicyOf) -> JSON:
    return _refusal(api, policies, "no_route", NOT_FOUND)


def _group(api: SnapshotAPI, group: PathGroup, policies: Policies) -> JSON:
    template = group.template
    predicate = (
        _is_path(template.prefix) if template.is_literal else _matches(template.regex + QUERY_REGEX)
    )
    routes = [_operation(api, found, policies.operations[found.row]) for found in group.operations]
    wrong = _refusal(api, policies.api, "method_not_allowed", METHOD_NOT_ALLOWED, allow=group.allow)
    return _entry(predicate, [*_preflights(api, group, policies), *routes, wrong])


def _preflights(api: SnapshotAPI, group: PathGroup, policies: Policies) -> list[JSON]:
    """Routes for the preflights of operations whose CORS policy is not their API's.

    A preflight is an OPTIONS request and so no call of the operation; it names the method that
    it asks for in a header. What the policy does not answer is refused as a wrong method.
    Source: WHATWG Fetch, "CORS-preflight request".
    """
    found = []
    for operation in group.operations:
        own = policies.operations[operation.row]
        if "cors" not in own or own["cors"] == policies.api.get("cors"):
            continue
        made = _refusal(api, own, "method_not_allowed", METHOD_NOT_ALLOWED, allow=group.allow)
        asked = {"exact": operation.method}
        made["match"] = {
            "prefix": "/",
            "headers": [
                {"name": ":method", "string_match": {"exact": "OPTIONS"}},
                {"name": "access-control-request-method", "string_match": asked},
            ],
        }
        found.append(made)
    return found


def _operation(api: SnapshotAPI, operation: SnapshotOperation, policies: PolicyOf) -> JSON:
    upstream = api.upstream
    base = quoted(api.base_path) + "/"
    rewritten = quoted(upstream.path_prefix.rstrip("/")) + "/"
    action: JSON = {
        "cluster": cluster_name(upstream),
        "timeout": wire.seconds(upstream.timeout_seconds),
        "auto_host_rewrite": True,
        "append_x_forwarded_host": True,
    }
    if upstream.idle_timeout_seconds != STREAM_IDLE_SECONDS:
        action["idle_timeout"] = wire.seconds(upstream.idle_timeout_seconds)
    if rewritten != base:
        action["prefix_rewrite"] = rewritten
    if upstream.is_http2:
        # a gRPC caller's own deadline counts, without a limit from us
        action["max_stream_duration"] = {"grpc_timeout_header_max": "0s"}
    if upstream.retries_max and operation.method in SAFE_METHODS:
        action["retry_policy"] = {"retry_on": RETRY_ON, "num_retries": upstream.retries_max}
    match: JSON = {
        "prefix": base,
        "headers": [{"name": ":method", "string_match": {"exact": operation.method}}],
    }
    made: JSON = {
        "name": _name(operation.row, api, operation.id),
        "match": match,
        "metadata": _metadata(api, **route_words(api.key_sources)),
        "route": action,
    }
    configured = _filters(policies.values(), None)
    if configured:
        made["typed_per_filter_config"] = configured
    return made


def _refusal(
    api: SnapshotAPI | None, policies: PolicyOf, kind: str, status: int, *, allow: str = ""
) -> JSON:
    """A route that the access filter answers; without the filter Envoy answers the bare status."""
    made: JSON = {
        "name": _name(kind, api),
        "match": {"prefix": "/"},
        "metadata": _metadata(api, **({"allow": allow} if allow else {})),
        "direct_response": {"status": status},
    }
    configured = _filters(policies.values(), Stage.EDGE)
    if configured:
        made["typed_per_filter_config"] = configured
    if "cors" in policies:
        # Envoy's CORS filter passes over direct responses; this cluster is never reached
        del made["direct_response"]
        made["route"] = {"cluster": "none", "cluster_not_found_response_code": "NOT_FOUND"}
    return made


def _filters(policies: Iterable[Policy], only: Stage | None) -> JSON:
    used: Iterable[HTTPFilter] = (
        made
        for policy in policies
        if only is None or policy.stage is only
        for made in policy.filters()
    )
    return {made.name: made.route for made in used}


def _name(first: str | int, api: SnapshotAPI | None, operation: str = "") -> str:
    """The field `route` of the log, and the first word for the filter: `model/logline.py`."""
    words = [api.name, api.version] if api else []
    return " ".join([str(first), *words, *([operation] if operation else [])])


def _metadata(api: SnapshotAPI | None, **words: str) -> JSON:
    """What answers and headers say of a route. Looking here costs, so the filter does not."""
    base = {"base": quoted(api.base_path)} if api and api.base_path else {}
    return {"filter_metadata": {METADATA_NAMESPACE: base | words}}


def _matches(regex: str) -> JSON:
    value = {"safe_regex": {"google_re2": {}, "regex": regex}}
    return {"single_predicate": {"input": PATH_INPUT, "value_match": value}}


def _is_path(path: str) -> JSON:
    """The path exactly, with or without a query: two comparisons, no regular expression."""
    values: list[JSON] = [{"exact": path}, {"prefix": path + "?"}]
    singles = [{"single_predicate": {"input": PATH_INPUT, "value_match": v}} for v in values]
    return {"or_matcher": {"predicate": singles}}


def _bundled(matchers: list[_Matcher]) -> list[JSON]:
    """The matchers in their order; when there are many, under expressions that fit any of a few.

    Envoy tries one after the other, so 500 templates below `/repos/` would cost 500 comparisons
    a request; two levels of 23 cost 46 at most.
    """
    if len(matchers) <= MATCHERS_FLAT_MAX:
        return [one.entry for one in matchers]
    size = math.isqrt(len(matchers)) + 1
    found: list[JSON] = []
    for start in range(0, len(matchers), size):
        few = matchers[start : start + size]
        any_of = "(?:" + "|".join(one.regex for one in few) + ")" + QUERY_REGEX
        nested = {"matcher": _list([one.entry for one in few])}
        found.append({"predicate": _matches(any_of), "on_match": nested})
    return found


def _list(matchers: list[JSON]) -> JSON:
    return {"matcher_list": {"matchers": matchers}} if matchers else {}


def _entry(predicate: JSON, routes: list[JSON]) -> JSON:
    return {"predicate": predicate, "on_match": _action(routes)}


def _action(routes: list[JSON]) -> JSON:
    return {"action": wire.extension("routes", wire.ROUTE_LIST, routes=routes)}
