"""Which routes does an API need, and what does Envoy do with a request on each of them?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headgate.gateway import sensitive
from headgate.gateway.callers import GATE_FLAG, HEADER
from headgate.gateway.envoy import tree, wire
from headgate.gateway.envoy.clusters import cluster_name
from headgate.gateway.envoy.in_force import Idle, Policies, PolicyOf
from headgate.gateway.envoy.listener import STREAM_IDLE_SECONDS
from headgate.gateway.envoy.local_replies import route_words, scope_words
from headgate.gateway.envoy.releases import mirrored
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.notices import notice_fields, retired_words
from headgate.gateway.policy import OperationPath, Policy, Stage
from headgate.gateway.routing import DEPTH_VARIES, PathGroup, parse_template, path_groups, quoted
from headgate.model.lifecycle import Notice, joined
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.release import Release
from headgate.model.scopes import ScopeNeeds
from headgate.model.snapshot import SnapshotAPI, SnapshotOperation, Upstream

RETRY_ON = "connect-failure,refused-stream,reset,gateway-error"
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
GONE = 410
TAKES_TOKENS = frozenset("tno")  # letters of the flags: `filter/tokens.zig`
TAKES_PASSWORDS = "b"
FLAG_DOCUMENT_SCOPES = "s"  # asked of whoever comes with a credential

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

Mirror = tuple[Release, SnapshotAPI]
"""A release and its candidate, whose upstream gets a share of the default's requests as well."""


def route_configuration(
    trees: tree.Trees,
    policies: PolicyOf,
    released: Iterable[tuple[JSON, tree.Trees]] = (),
    choices: Mapping[str, Iterable[tree.Choice]] | None = None,
) -> JSON:
    """All routes: one virtual host with the `trees` of all APIs, by depth (`envoy/tree.py`).

    `released` are the candidates of releases: who gets to them, and their own trees. `choices` are
    the versions that callers name, by the base path of their API.
    """
    return wire.typed(
        wire.ROUTES,
        name=wire.ROUTES_NAME,
        request_headers_to_remove=list(FORGEABLE),
        most_specific_header_mutations_wins=True,  # removed first, then a route's own are added
        response_headers_to_remove=["x-envoy-upstream-service-time"],
        virtual_hosts=[
            {
                "name": "gateway",
                "domains": ["*"],
                "matcher": tree.whole(trees, [_no_route(None, policies)], released, choices),
            }
        ],
    )


def api_entries(
    api: SnapshotAPI,
    policies: Policies,
    within: Sequence[tuple[SnapshotAPI, PolicyOf]] = (),
    around: frozenset[int] | None = None,
    mirror: Mirror | None = None,
) -> dict[int, JSON]:
    """The API's entries in the trees: depth → key → what stands there.

    `within` are the APIs whose base paths lie directly below this one's. The entry of such a
    base path stands here, because a template of this API may begin with the same text. `around`
    are the depths of the APIs that this one's base path lies in, None where there are none.
    `mirror` is what gets the API's requests as well.
    """
    nowhere = [_no_route(api, policies.api)]
    paths = [
        tree.Path(parse_template(inner.base_path), [_no_route(inner, its_policies)])
        for inner, its_policies in within
    ]
    paths += [_path(api, one, policies, mirror) for one in path_groups(api)]
    if around is None and api.base_path:
        # `/shop` is no operation of the API at `/shop`, but it is a request to that API
        template = replace(parse_template(api.base_path), depth=tree.ANY_DEPTH)
        paths.append(tree.Path(template, nowhere))
    return tree.entries(paths, quoted(api.base_path) + "/", nowhere, around)


def candidate_entries(api: SnapshotAPI, policies: Policies) -> dict[int, JSON]:
    """The entries of a version that is being released: what it lacks goes on to the default."""
    paths = [_path(api, one, policies, None) for one in path_groups(api)]
    return tree.entries(paths, quoted(api.base_path) + "/", None, None)


def gate_entries(api: SnapshotAPI, beside: SnapshotAPI, policies: Policies) -> dict[int, JSON]:
    """The entries of what a released version adds, for calls whose application is not yet known.

    The default version has no route there on which the access filter could find it out.
    """
    policies = replace(policies, flags=policies.flags + GATE_FLAG)
    known = {(one.method, _regex(beside, one)) for one in beside.operations}
    added = tuple(one for one in api.operations if (one.method, _regex(api, one)) not in known)
    paths = [
        tree.Path(
            group.template,
            [_operation(api, one, policies) for one in group.operations],
            is_partial=True,
        )
        for group in path_groups(replace(api, operations=added))
    ]
    return tree.entries(paths, quoted(api.base_path) + "/", None, None) if paths else {}


def _regex(api: SnapshotAPI, operation: SnapshotOperation) -> str:
    return parse_template(api.base_path + operation.path).regex


def path_depths(api: SnapshotAPI, within: Iterable[SnapshotAPI]) -> frozenset[int]:
    """The trees that the API, around those `within`, has entries in."""
    paths = [api.base_path + operation.path for operation in api.operations]
    paths += [inner.base_path for inner in within]
    return frozenset(parse_template(path).depth for path in paths) - {DEPTH_VARIES}


def no_version(api: SnapshotAPI, policies: PolicyOf) -> JSON:
    """The answer to whoever names a version that is not there. Its record names none."""
    made = _refusal(api, policies, "no_version", NOT_FOUND)
    return made | {"name": f"no_version {api.name}"}


def _no_route(api: SnapshotAPI | None, policies: PolicyOf) -> JSON:
    if api is not None and api.notice is not None and api.is_retired:
        return _retired(api, policies, api.notice)
    return _refusal(api, policies, "no_route", NOT_FOUND)


def _retired(api: SnapshotAPI, policies: PolicyOf, notice: Notice) -> JSON:
    """Everything below a retired version's base path, whatever the method, is gone alike."""
    return _refusal(api, policies, "retired", GONE, **retired_words(notice))


def _retired_path(api: SnapshotAPI, group: PathGroup, policies: PolicyOf) -> tree.Path:
    """A path of a retired version: its record still says which operation was asked for."""
    gone = _no_route(api, policies)
    routes = [
        gone | {"name": _name("retired", api, one.id), "match": _matching(one.method)}
        for one in group.operations
    ]
    return tree.Path(group.template, [*routes, gone])


def _path(
    api: SnapshotAPI, group: PathGroup, policies: Policies, mirror: Mirror | None
) -> tree.Path:
    """One path with the routes for everybody, and with those of callers with other policies."""
    if api.is_retired:
        return _retired_path(api, group, policies.api)
    of_callers = {
        one.prefix: _group(api, group, replace(policies, operations=found, callers=one.key), mirror)
        for one, found in policies.sets
    }
    return tree.Path(group.template, _group(api, group, policies, mirror), of_callers)


def _group(
    api: SnapshotAPI, group: PathGroup, policies: Policies, mirror: Mirror | None
) -> list[JSON]:
    """The routes of one path: its operations, then whatever else is asked of it."""
    routes = [_operation(api, found, policies) for found in group.operations]
    if mirror is not None:
        routes = [made | {"route": mirrored(made["route"], *mirror)} for made in routes]
    wrong = _wrong_method(api, policies.api, group)
    return [*_preflights(api, group, policies), *routes, wrong]


def _wrong_method(api: SnapshotAPI, policies: PolicyOf, group: PathGroup) -> JSON:
    return _refusal(api, policies, "method_not_allowed", METHOD_NOT_ALLOWED, allow=group.allow)


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
        made = _wrong_method(api, own, group)
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


def _operation(api: SnapshotAPI, operation: SnapshotOperation, below: Policies) -> JSON:
    upstream, policies = api.upstream, below.operations[operation.row]
    base = quoted(api.base_path) + "/"
    rewritten = quoted(upstream.path_prefix.rstrip("/")) + "/"
    action: JSON = {
        "cluster": cluster_name(upstream),
        "timeout": "0s",  # an answer that has begun may go on: downloads, event streams
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
    prefix = upstream.path_prefix.rstrip("/")
    version = "" if api.is_default else f"{api.row}:"  # versions may share a path, but no answers
    callers = version + below.callers
    at = OperationPath(operation.method, operation.path, api.base_path, prefix, callers)
    if tries := _tries(upstream, at):
        action["retry_policy"] = tries
    for policy in policies.values():
        action = _changed(action, policy.action(at))
    flags = "".join(policy.route_flags() for policy in policies.values())
    needs, is_of_document = _needs(operation, policies)
    flags += (FLAG_DOCUMENT_SCOPES if is_of_document else "") + sensitive.flag(operation.mark)
    made: JSON = {
        "name": _name(f"{operation.row}{flags}{below.flags}", api, operation.id),
        "match": _matching(operation.method, base),
        "metadata": _metadata(
            **route_words(
                api.key_sources,
                takes_tokens=bool(TAKES_TOKENS & set(flags)),
                takes_passwords=TAKES_PASSWORDS in flags,
            ),
            **(scope_words(needs) if needs else {}),
            **sensitive.words(operation.mark),
        ),
        "route": action,
    }
    if operation.purged:
        made["metadata"]["filter_metadata"][METADATA_NAMESPACE]["purged"] = operation.purged
    for policy in policies.values():
        for namespace, words in policy.route_metadata(api, operation).items():
            made["metadata"]["filter_metadata"].setdefault(namespace, {}).update(words)
    made |= _header_changes(api, below)
    if notice := joined(api.notice, operation.notice):
        made["response_headers_to_add"] = _notice_headers(notice)
        made["metadata"]["filter_metadata"][METADATA_NAMESPACE]["notice"] = _cached_notice(notice)
    if configured := _filters(policies, at, below.idle.get(operation.row, {})):
        made["typed_per_filter_config"] = configured
    return made


def _header_changes(api: SnapshotAPI, below: Policies) -> JSON:
    """What the route itself adds to the request and takes away."""
    made: JSON = {}
    if api.base_path:
        made["request_headers_to_add"] = [_prefix_header(quoted(api.base_path))]
    if below.flags:
        made["request_headers_to_remove"] = [HEADER]
    return made


def _needs(operation: SnapshotOperation, policies: PolicyOf) -> tuple[ScopeNeeds | None, bool]:
    """The scopes that the operation asks for, and whether it is its document that asks."""
    for policy in policies.values():
        if (asked := policy.scope_needs()) is not None:
            return asked, False
    return operation.needs, bool(operation.needs)


def _filters(policies: PolicyOf, at: OperationPath, idle: Idle) -> JSON:
    """The route's side of the filters that it uses, and of those that only other callers use."""
    used = (one for policy in policies.values() for one in policy.filters_at(at))
    return {**idle, **{one.name: one.route for one in used}}


def _changed(action: JSON, changes: Mapping[str, Any]) -> JSON:
    """The action with the changes in it, field by field; None takes a field away."""
    made = dict(action)
    for name, value in changes.items():
        inner = isinstance(value, Mapping)
        made[name] = _changed(made.get(name, {}), value) if inner else value
    return {name: value for name, value in made.items() if value not in (None, {})}


def _tries(upstream: Upstream, at: OperationPath) -> JSON:
    """How long a try may take until its answer begins, and what is tried again.

    Envoy's deadline per try ends with the answer's headers: it passes over a try whose answer is
    on its way to the caller (`UpstreamRequest::onPerTryTimeout`). Over HTTP/2 there is none: a gRPC
    server may send its headers with a first message that comes whenever it comes.
    """
    made: JSON = {}
    if upstream.timeout_seconds and not upstream.is_http2:
        made["per_try_timeout"] = wire.seconds(upstream.timeout_seconds)
    if upstream.retries_max and at.is_safe:
        made |= {"retry_on": RETRY_ON, "num_retries": upstream.retries_max}
    return made


def _matching(method: str, prefix: str = "/") -> JSON:
    return {
        "prefix": prefix,
        "headers": [{"name": ":method", "string_match": {"exact": method}}],
    }


def _notice_headers(notice: Notice) -> list[JSON]:
    """The provider's word goes before the upstream's; links stand beside the upstream's own."""
    return [
        {
            "header": {"key": name, "value": value.replace("%", "%%")},
            "append_action": "APPEND_IF_EXISTS_OR_ADD"
            if name == "link"
            else "OVERWRITE_IF_EXISTS_OR_ADD",
        }
        for name, value in notice_fields(notice).items()
    ]


def _cached_notice(notice: Notice) -> int:
    """What the cache leaves out of what it stores, because every hit gets it anew: 1 dates, 2 the
    last link as well (`filter/cache.zig`)."""
    return 2 if "link" in notice_fields(notice) else 1


def _refusal(
    api: SnapshotAPI | None, policies: PolicyOf, kind: str, status: int, **words: str
) -> JSON:
    """A route that the access filter answers; without the filter Envoy answers the bare status."""
    made: JSON = {
        "name": _name(kind, api),
        "match": {"prefix": "/"},
        "metadata": _metadata(**words),
        "direct_response": {"status": status},
    }
    if configured := _edge_filters(policies.values()):
        made["typed_per_filter_config"] = configured
    if "cors" in policies:
        # Envoy's CORS filter passes over direct responses; this cluster is never reached
        del made["direct_response"]
        made["route"] = {"cluster": "none", "cluster_not_found_response_code": "NOT_FOUND"}
    return made


def _edge_filters(policies: Iterable[Policy]) -> JSON:
    """Of the policies that hold without an operation."""
    edge = (policy for policy in policies if policy.stage is Stage.EDGE)
    return {made.name: made.route for policy in edge for made in policy.filters()}


def _name(first: str | int, api: SnapshotAPI | None, operation: str = "") -> str:
    """The field `route` of the log, and the first word for the filter: `model/logline.py`."""
    words = [api.name, api.version] if api else []
    return " ".join([str(first), *words, *([operation] if operation else [])])


def _metadata(**words: str) -> JSON:
    """What the gateway's own answers say of a route; nobody looks here while requests pass."""
    return {"filter_metadata": {METADATA_NAMESPACE: words}}


def _prefix_header(base: str) -> JSON:
    """A text without commands: a quarter of the price of one that asks the route's metadata."""
    return {"header": {"key": "x-forwarded-prefix", "value": base.replace("%", "%%")}}
