"""Which requests go to a version that its caller has named?

One tree before all paths, keyed by the base paths of the APIs whose versions can be chosen: a
gateway without any does not have it, and below any other base path it costs one look. At a key
stand the versions beside the default one, each with paths of its own that end the search; then
whoever names a version that is not there. What is left names none, or the default, and goes on.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from headgate.gateway.envoy import tree, wire
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.routing import quoted
from headgate.gateway.version_choice import (
    ChoiceLocation,
    VersionChoice,
    chosen,
    parse_choice,
)
from headgate.model.snapshot import Snapshot, SnapshotAPI

HEADER_INPUT = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"


def choices(
    snapshot: Snapshot,
    trees_of: Callable[[SnapshotAPI], tree.Trees],
    refusal_of: Callable[[SnapshotAPI], JSON],
) -> dict[str, list[tree.Choice]]:
    """By base path: who gets to which version, in the order to look; `refusal_of` a default
    version answers whoever names another than there are."""
    found: dict[str, list[tree.Choice]] = {}
    defaults = {api.row: api for api in snapshot.apis}
    for row, versions in chosen(snapshot).items():
        default = defaults[row]
        choice = parse_choice(default.version_by)
        refusal = [refusal_of(default)]
        found[quoted(default.base_path) + "/"] = [
            *((one, refusal) for one in _ambiguous(choice)),
            *((_names(choice, api.version), trees_of(api)) for api in versions),
            (_names_another(choice, default.version), refusal),
        ]
    return found


def _names(choice: VersionChoice, version: str) -> JSON:
    if choice.location is ChoiceLocation.HEADER:
        return _single(_header(choice), {"exact": version})
    return _query(f"(?:.*&)?{re.escape(choice.name)}={re.escape(version)}(?:&.*)?")


def _names_another(choice: VersionChoice, default: str) -> JSON:
    """Something that is neither the default version nor, looked at last, any other."""
    names_any = (
        _single(_header(choice), {"safe_regex": {"google_re2": {}, "regex": ".+"}})
        if choice.location is ChoiceLocation.HEADER
        else _query(f"(?:.*&)?{re.escape(choice.name)}=[^&]+(?:&.*)?")
    )
    return {"and_matcher": {"predicate": [names_any, {"not_matcher": _names(choice, default)}]}}


def _ambiguous(choice: VersionChoice) -> Iterable[JSON]:
    """A query that names a version twice; of a header that is there twice, Envoy joins the values,
    which is no version."""
    if choice.location is ChoiceLocation.QUERY:
        name = re.escape(choice.name)
        yield _query(f"(?:.*&)?{name}=[^&]*&(?:.*&)?{name}(?:[=&].*)?")


def _query(regex: str) -> JSON:
    return _single(tree.PATH_INPUT, {"safe_regex": {"google_re2": {}, "regex": rf"[^?]*\?{regex}"}})


def _header(choice: VersionChoice) -> JSON:
    return wire.extension("header", HEADER_INPUT, header_name=choice.name)


def _single(source: Any, value: JSON) -> JSON:
    return {"single_predicate": {"input": source, "value_match": value}}
