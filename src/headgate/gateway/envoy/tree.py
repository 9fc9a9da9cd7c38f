"""How does Envoy find a request's path among thousands? The rule of `gateway/routing.py` as trees.

There is one tree per depth, the number of a path's segments, and one for all other paths: those
with an empty segment, those that no template fits, and those deeper than any. A tree is keyed by
the literal start of each template. Envoy takes the longest key that the path begins with. Where
the rest of the template is nothing but parameters, start and depth have decided already: no
regular expression is compiled or run, and the key holds the routes. Any other key holds a nested
matcher; when none of its templates fits, Envoy goes on with the next shorter key, then with the
tree for all paths (only because it is a nested matcher: a bare action ends the search).

An API's own `<base path>/` key ends the search with its "no route". So every API adds its own
keys, and a change of one API is a change of its entries alone, and of those of the APIs around and
within it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headgate.gateway.callers import HEADER
from headgate.gateway.envoy import wire
from headgate.gateway.envoy.binary import Constant, Encoded
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.routing import DEPTH_VARIES, HIDDEN_DOTS_REGEX, PathTemplate

ANY_DEPTH = 0  # the tree that is asked last
MATCHERS_FLAT_MAX = 24  # below one key; more are bundled
QUERY_REGEX = r"(?:\?.*)?"
SEGMENT_REGEX = r"/[^/?#]+"
PATH_INPUT = Constant(
    wire.extension("path", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name=":path")
)
CALLER_INPUT = Constant(
    wire.extension(
        "caller", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name=HEADER
    )
)

METHOD_INPUT = Constant(
    wire.extension(
        "method", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name=":method"
    )
)

Trees = Mapping[int, Mapping[str, JSON] | Encoded]
"""Depth → key → what stands there, or the entries encoded."""

Choice = tuple[JSON, "Trees | list[JSON]"]
"""A predicate, and the paths of those who fulfil it, or the routes that answer all of them."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path template and the routes of its operations, in their order.

    `of_callers` are those of callers with policies of their own, by how the header begins in which
    the access filter tells who calls. With `is_partial` requests of other methods than the routes'
    go on, as if the path were not here.
    """

    template: PathTemplate
    routes: list[JSON]
    of_callers: Mapping[str, list[JSON]] = field(default_factory=dict)
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class _Matcher:
    """An entry of a matcher list, and the expression of the paths that it takes."""

    regex: str
    entry: JSON


def entries(
    paths: Iterable[Path], bottom: str, nowhere: list[JSON] | None, around: frozenset[int] | None
) -> dict[int, JSON]:
    """What one API adds to the trees: depth → key → what stands there.

    `paths` come most specific first. `bottom` is the key that every path of the API begins with;
    `nowhere` answers below it, None lets the search go on. An API within others ends the search
    in all their trees too; `around` are the depths of those, None where there is no such API.
    """
    paths = list(paths)
    depths = {ANY_DEPTH} | {one.template.depth for one in paths} | (around or set())
    trees: dict[int, dict[str, list[Path]]] = {
        depth: {} for depth in sorted(depths - {DEPTH_VARIES})
    }
    for one in paths:
        for depth in trees if one.template.depth == DEPTH_VARIES else [one.template.depth]:
            trees[depth].setdefault(one.template.prefix, []).append(one)
    for depth, keys in trees.items():
        if nowhere is not None and (depth == ANY_DEPTH or around is not None):
            keys.setdefault(bottom, [])
    return {
        depth: {
            key: _at_key(found, depth, nowhere if key == bottom else None)
            for key, found in keys.items()
        }
        for depth, keys in trees.items()
    }


def whole(
    trees: Trees,
    nowhere: list[JSON],
    before: Iterable[tuple[JSON, Trees]] = (),
    choices: Mapping[str, Iterable[Choice]] | None = None,
) -> JSON:
    """The matcher of all paths; `nowhere` answers what is in no tree.

    `before` are predicates with trees of their own, which are asked first; what is in none of
    those trees goes on. `choices` stand before them, by what the path begins with.
    """
    stop = _action(nowhere)
    hidden: JSON = {"predicate": _has_hidden_dots(), "on_match": stop}
    matchers = [_chosen_by(predicate, own) for predicate, own in before]
    last = trees.get(ANY_DEPTH)
    ends: JSON = {"matcher": _tree(last) | {"on_no_match": stop}} if last else stop
    rest = [*matchers, *_by_depth(trees)]
    if not choices:
        return _list([hidden, *rest]) | {"on_no_match": ends}
    keys = {
        key: {"matcher": _list([_chosen_by(*one) for one in found])}
        for key, found in choices.items()
    }
    goes_on = {"on_no_match": {"matcher": _list(rest) | {"on_no_match": ends}}}
    return _list([hidden]) | {"on_no_match": {"matcher": _tree(keys) | goes_on}}


def _chosen_by(predicate: JSON, own: Trees | list[JSON]) -> JSON:
    """What stands behind a predicate: routes, or trees."""
    if isinstance(own, list):
        return {"predicate": predicate, "on_match": _action(own)}
    ends = {"on_no_match": {"matcher": _tree(own[ANY_DEPTH])}} if own.get(ANY_DEPTH) else {}
    return {"predicate": predicate, "on_match": {"matcher": _list(_by_depth(own)) | ends}}


def _by_depth(trees: Trees) -> list[JSON]:
    found = []
    for depth, keys in sorted(trees.items()):
        if depth != ANY_DEPTH and keys:
            of_depth = _matches(f"(?:{SEGMENT_REGEX}){{{depth}}}{QUERY_REGEX}")
            found.append({"predicate": of_depth, "on_match": {"matcher": _tree(keys)}})
    return found


def _tree(keys: Mapping[str, JSON] | Encoded) -> JSON:
    return {"matcher_tree": {"input": PATH_INPUT, "prefix_match_map": {"map": keys}}}


def _at_key(found: list[Path], depth: int, nowhere: list[JSON] | None) -> JSON:
    """What stands at one key of the tree for `depth`; `nowhere` where the search ends there."""
    matchers: list[_Matcher] = []
    last = None if nowhere is None else _action(nowhere)
    for one in found:
        if depth != ANY_DEPTH and one.template.is_open:
            last = _chosen(one)  # it fits whatever has this start and depth
            break
        matchers.append(_Matcher(one.template.regex, _entry(one)))
    if last is not None and not matchers:
        return last
    ends = {"on_no_match": last} if last is not None else {}
    return {"matcher": _list(_bundled(matchers)) | ends}


def _entry(path: Path) -> JSON:
    template = path.template
    predicate = (
        _is_path(template.prefix) if template.is_literal else _matches(template.regex + QUERY_REGEX)
    )
    return {"predicate": predicate, "on_match": _chosen(path)}


def _chosen(path: Path) -> JSON:
    """The routes of everybody, or first those that the header with the caller leads to."""
    if path.is_partial:
        methods = {one["match"]["headers"][0]["string_match"]["exact"]: one for one in path.routes}
        keys = {method: _action([one]) for method, one in methods.items()}
        tree = {"input": METHOD_INPUT, "exact_match_map": {"map": keys}}
        return {"matcher": {"matcher_tree": tree}}
    if not path.of_callers:
        return _action(path.routes)
    keys = {prefix: _action(routes) for prefix, routes in path.of_callers.items()}
    by_caller = {"matcher_tree": {"input": CALLER_INPUT, "prefix_match_map": {"map": keys}}}
    return {"matcher": by_caller | {"on_no_match": _action(path.routes)}}


def _has_hidden_dots() -> JSON:
    """Few paths have anything encoded, and to look for a `%` is cheaper than the expression."""
    encoded = _single({"contains": "%"})
    return {"and_matcher": {"predicate": [encoded, _matches(HIDDEN_DOTS_REGEX)]}}


def _matches(regex: str) -> JSON:
    return _single({"safe_regex": {"google_re2": {}, "regex": regex}})


def _is_path(path: str) -> JSON:
    """The path exactly, with or without a query: two comparisons, no regular expression."""
    return {
        "or_matcher": {"predicate": [_single({"exact": path}), _single({"prefix": path + "?"})]}
    }


def _single(value: JSON) -> JSON:
    return {"single_predicate": {"input": PATH_INPUT, "value_match": value}}


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


def _action(routes: list[JSON]) -> JSON:
    return {"action": wire.extension("routes", wire.ROUTE_LIST, routes=routes)}
