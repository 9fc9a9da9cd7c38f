"""May this snapshot be published, and which rows does the access filter need for it?"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from headgate.core.problems import Detail
from headgate.gateway.callers import caller_mistakes
from headgate.gateway.claims import Claims, claim_mistakes, claims_by_api
from headgate.gateway.effective import conflicts, misplaced
from headgate.gateway.policy import (
    POLICIES_PER_PLACE_MAX,
    in_force,
    mistakes,
    operation_policies,
    parse,
    policies,
)
from headgate.gateway.release import release_mistakes
from headgate.gateway.routing import parse_template, quoted
from headgate.gateway.upstreams import upstream_mistakes
from headgate.gateway.version_choice import choice_mistakes
from headgate.model.access import (
    SCOPED_LIMITS_MAX,
    APISettingsRow,
    OperationRow,
    PublishedRows,
    ScopedLimit,
)
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI, SnapshotOperation

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"})
TEMPLATE_CHARACTERS_MAX = 2000
OPERATIONS_MAX = 100_000  # of one snapshot


def check(snapshot: Snapshot) -> list[Detail]:
    """Everything that stands in the way of publishing, at once; empty when nothing does.

    Pointers lead into the snapshot: `/apis/0/operations/3/policies/0/settings/…`. A conflict
    names both places: the pointer leads to the later, the message names the earlier.
    """
    found = _policy_mistakes(snapshot.policies, "", "the gateway", is_gateway=True)
    total = sum(len(api.operations) for api in snapshot.apis)
    if total > OPERATIONS_MAX:
        found.append(Detail(f"{total:,} operations; a gateway takes {OPERATIONS_MAX:,}", "/apis"))
    for index, api in enumerate(snapshot.apis):
        pointer = f"/apis/{index}"
        found += _policy_mistakes(api.policies, pointer, f"API {api.name}")
        found += _base_path_mistakes(api, pointer)
        found += [
            Detail(f"API {api.name}: {one.message}", one.pointer)
            for one in upstream_mistakes(api.upstream, f"{pointer}/upstream")
        ]
        found += _operation_mistakes(api, pointer)
    for index, one in enumerate(snapshot.callers):
        found += _policy_mistakes(one.policies, f"/callers/{index}", one.place)
    found += caller_mistakes(snapshot) + conflicts(snapshot) + release_mistakes(snapshot)
    found += choice_mistakes(snapshot) + claim_mistakes(snapshot)
    return found + _shared_base_paths(snapshot) + _hidden_operations(snapshot.apis)


def published_rows(snapshot: Snapshot) -> PublishedRows:
    """The access table's rows of every published API and operation.

    Raises:
        KeyError, pydantic.ValidationError: the snapshot has not passed `check`.
    """
    claims = claims_by_api(snapshot)
    return PublishedRows(
        apis=tuple(
            APISettingsRow(
                api.row, api.key_sources, _limits(api.policies, claims.get(api.name, ()))
            )
            for api in snapshot.apis
        ),
        operations=tuple(
            row
            for api in snapshot.apis
            for row in _operation_rows(snapshot, api, claims.get(api.name, ()))
        ),
    )


def _operation_rows(snapshot: Snapshot, api: SnapshotAPI, claims: Claims) -> Iterable[OperationRow]:
    usual = _cost(in_force(snapshot.policies, api.policies).values())
    for operation in api.operations:
        if not operation.policies:
            yield OperationRow(operation.row, api.row, (), usual)
            continue
        cost = _cost(operation_policies(snapshot, api, operation).values())
        yield OperationRow(operation.row, api.row, _limits(operation.policies, claims), cost)


def _limits(uses: Iterable[PolicyUse], claims: Claims) -> tuple[ScopedLimit, ...]:
    """The limits attached at one place; of two policies of one kind the last is in force."""
    by_kind = {use.kind: use for use in uses}
    found = (limit for use in by_kind.values() for limit in parse(use).limits())
    return tuple(
        replace(one, number=claims.index(one.claim)) if one.claim else one for one in found
    )


def _cost(uses: Iterable[PolicyUse]) -> int:
    """What a call takes, by the policies in force."""
    return next((parse(use).cost() for use in uses if policies[use.kind].says_cost), 1)


def _policy_mistakes(
    uses: tuple[PolicyUse, ...], place: str, owner: str, *, is_gateway: bool = False
) -> list[Detail]:
    found: list[Detail] = []
    if len(uses) > POLICIES_PER_PLACE_MAX:
        message = f"{owner} has {len(uses)} policies; at most {POLICIES_PER_PLACE_MAX}"
        found.append(Detail(message, f"{place}/policies"))
    seen: dict[str, int] = {}
    for index, use in enumerate(uses):
        pointer = f"{place}/policies/{index}"
        wrong = mistakes(use, pointer)
        found += [Detail(f"{owner}: {one.message}", one.pointer) for one in wrong]
        if use.kind in seen:
            first = f"{place}/policies/{seen[use.kind]}"
            message = f"{owner} has {use.kind!r} twice, here and at {first}; keep one"
            found.append(Detail(message, pointer))
        seen.setdefault(use.kind, index)
        if is_gateway and use.kind in policies and not policies[use.kind].attaches_to_gateway:
            found.append(Detail(f"{use.kind!r} is attached to APIs and operations only", pointer))
    limits = 0 if found else sum(len(parse(use).limits()) for use in uses)
    if limits > SCOPED_LIMITS_MAX:
        message = f"{owner} has {limits} limits; at most {SCOPED_LIMITS_MAX} together"
        found.append(Detail(message, f"{place}/policies"))
    return found


def _base_path_mistakes(api: SnapshotAPI, pointer: str) -> list[Detail]:
    base = api.base_path
    if not base:
        return []
    is_plain = base.startswith("/") and not base.endswith("/") and "//" not in base
    segments = base.split("/")
    if is_plain and not set("{}?#\\") & set(base) and "." not in segments and ".." not in segments:
        return []
    message = (
        f"API {api.name}: {base!r} is not a base path; write it like /shop, "
        "without a slash at its end, parameters or dot segments"
    )
    return [Detail(message, f"{pointer}/base_path")]


def _operation_mistakes(api: SnapshotAPI, pointer: str) -> list[Detail]:
    """Paths that cannot be routed, and two operations that a caller could not tell apart."""
    found: list[Detail] = []
    taken: dict[tuple[str, str], SnapshotOperation] = {}
    for index, operation in enumerate(api.operations):
        place = f"{pointer}/operations/{index}"
        found += [
            Detail(f"API {api.name}, {operation.id}: {message}", f"{place}/{part}")
            for part, message in _template_mistakes(operation.method, operation.path)
        ]
        owner = f"API {api.name}, {operation.id}"
        if operation.policies:
            found += _policy_mistakes(operation.policies, place, owner)
        found += [
            Detail(f"{owner}: {kind}: {message}", f"{place}/policies")
            for kind, message in misplaced(api, operation)
        ]
        path = parse_template(operation.path).regex
        first = taken.setdefault((operation.method, path), operation)
        if first is not operation:
            message = (
                f"API {api.name}: {operation.method} {operation.path} cannot be told from "
                f"{first.method} {first.path} ({first.id}); remove one"
            )
            found.append(Detail(message, f"{place}/path"))
    return found


@lru_cache(maxsize=65_536)
def _template_mistakes(method: str, path: str) -> tuple[tuple[str, str], ...]:
    found = []
    if method not in METHODS:
        found.append(("method", f"{method!r} is not a method that can be routed"))
    if not path.startswith("/") or "?" in path or "#" in path:
        found.append(("path", f"{path!r} is not a path: it starts with / and has no query"))
    if len(path) > TEMPLATE_CHARACTERS_MAX:
        found.append(("path", f"the path is longer than {TEMPLATE_CHARACTERS_MAX} characters"))
    if path.count("{") != path.count("}") or "{}" in path or "}{" in path:
        found.append(("path", f"{path!r}: parameters are written {{name}} with text between"))
    if {".", ".."} & set(path.split("/")):
        found.append(("path", f"{path!r} has a dot segment, which no request can have"))
    return tuple(found)


def _shared_base_paths(snapshot: Snapshot) -> list[Detail]:
    """Two that requests would have to choose between; versions that only stand by are none."""
    found: list[Detail] = []
    first_with: dict[str, SnapshotAPI] = {}
    routed = {api.row for api in snapshot.routed}
    for index, api in enumerate(snapshot.apis):
        if api.row not in routed:
            continue
        first = first_with.setdefault(quoted(api.base_path), api)
        if first is not api:
            message = (
                f"API {api.name} {api.version} and API {first.name} {first.version} both have "
                f"the base path {api.base_path or '/'!r}; give one of them another"
            )
            found.append(Detail(message, f"/apis/{index}/base_path"))
    return found


def _hidden_operations(apis: tuple[SnapshotAPI, ...]) -> list[Detail]:
    """Operations of one API at or below another's base path: they would never be reached."""
    outer_of = {quoted(api.base_path): (index, api) for index, api in enumerate(apis)}
    found: list[Detail] = []
    for inner in apis:
        base = quoted(inner.base_path)
        above = base
        while above:
            above = above.rpartition("/")[0]
            if above in outer_of:
                found += _hidden_by(*outer_of[above], inner, base)
    return found


def _hidden_by(index: int, outer: SnapshotAPI, inner: SnapshotAPI, base: str) -> list[Detail]:
    found: list[Detail] = []
    for number, operation in enumerate(outer.operations):
        template = parse_template(outer.base_path + operation.path)
        is_at = template.is_literal and template.prefix == base
        if not is_at and not template.prefix.startswith(base + "/"):
            continue
        message = (
            f"API {outer.name}, {operation.id}: {operation.path} is below the base path "
            f"{inner.base_path!r} of API {inner.name}, which would answer it; move one of them"
        )
        found.append(Detail(message, f"/apis/{index}/operations/{number}/path"))
    return found
