"""Which policies hold for one operation, whence, and which cannot stand together?

For each kind the most specific place wins whole; a kind that adds up holds from every place. Two
kinds that exclude each other are refused at publishing, wherever each of them is attached: what
would happen must never depend on which filter comes first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headgate.core.problems import Detail
from headgate.gateway.callers import CallerSet, caller_sets
from headgate.gateway.policy import OperationPath, in_force, mistakes, parse, policies
from headgate.model.snapshot import (
    CallerPolicies,
    PolicyUse,
    Snapshot,
    SnapshotAPI,
    SnapshotOperation,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere policies are attached: its name for people and where it stands in a snapshot."""

    name: str
    pointer: str
    uses: tuple[PolicyUse, ...]


@dataclass(frozen=True, slots=True)
class Effective:
    """One attached policy. `replaced_by` names the more specific place that replaces it."""

    use: PolicyUse
    place: str
    pointer: str
    replaced_by: str = ""


def effective(places: Sequence[Place]) -> list[Effective]:
    """Every policy attached at `places` (least specific first), in the order in which they act.

    Of policies that act at the same point the ones that are in force come first.
    """
    found: list[Effective] = []
    last = {use.kind: place.name for place in places for use in place.uses}
    for place in places:
        for index, use in enumerate(place.uses):
            is_in_force = last[use.kind] == place.name or _adds_up(use.kind)
            pointer = f"{place.pointer}/policies/{index}"
            replaced_by = "" if is_in_force else last[use.kind]
            found.append(Effective(use, place.name, pointer, replaced_by))
    return sorted(found, key=lambda one: (*_order(one.use.kind), one.use.kind, one.replaced_by))


def conflicts(snapshot: Snapshot) -> list[Detail]:
    """Policies in force together that exclude each other; both places are named, once a pair."""
    gateway = Place("the gateway", "", snapshot.policies)
    found: dict[tuple[str, str], Detail] = {}
    for index, api in enumerate(snapshot.apis):
        sets = [_places(one, snapshot.callers) for one in caller_sets(snapshot.callers, api)]
        for places in _chains(gateway, api, f"/apis/{index}", sets):
            for one, other in _pairs(one for one in effective(places) if not one.replaced_by):
                found.setdefault((one.pointer, other.pointer), _conflict(one, other))
    return list(found.values())


def misplaced(api: SnapshotAPI, operation: SnapshotOperation) -> list[tuple[str, str]]:
    """Kinds in force that cannot hold for this operation, each with why.

    Only of the API's and the operation's own: nothing of the gateway's looks at an operation.
    """
    if not api.policies and not operation.policies:
        return []
    prefix = api.upstream.path_prefix.rstrip("/")
    at = OperationPath(operation.method, operation.path, api.base_path, prefix)
    return [
        (kind, message)
        for kind, use in in_force(api.policies, operation.policies).items()
        if kind in policies and policies[kind].looks_at_operation and not mistakes(use, "")
        for message in parse(use).mistakes_at(at)
    ]


def _chains(
    gateway: Place, api: SnapshotAPI, pointer: str, sets: Sequence[list[Place]]
) -> Iterable[list[Place]]:
    """The places of the API's operations; those without policies of their own share one.

    Once for everybody, and once for each of the `sets` of callers with policies of their own.
    """
    own = Place(f"API {api.name}", pointer, api.policies)
    chains = [[gateway, own]]
    for index, operation in enumerate(api.operations):
        if operation.policies:
            name = f"API {api.name}, {operation.id}"
            place = Place(name, f"{pointer}/operations/{index}", operation.policies)
            chains.append([gateway, own, place])
    for chain in chains:
        yield chain
        yield from ([*chain, *places] for places in sets)


def _places(one: CallerSet, callers: Sequence[CallerPolicies]) -> list[Place]:
    return [Place(at.place, f"/callers/{callers.index(at)}", at.policies) for at in one.places]


def _pairs(in_force: Iterable[Effective]) -> Iterable[tuple[Effective, Effective]]:
    listed = list(in_force)
    for number, one in enumerate(listed):
        for other in listed[number + 1 :]:
            if _exclude_each_other(one.use.kind, other.use.kind):
                yield one, other


def _exclude_each_other(one: str, other: str) -> bool:
    if one not in policies or other not in policies:
        return False
    return other in policies[one].excludes or one in policies[other].excludes


def _conflict(one: Effective, other: Effective) -> Detail:
    message = (
        f"{other.place}: {other.use.kind!r} cannot stand beside {one.use.kind!r} of {one.place} "
        f"({one.pointer}); remove one"
    )
    return Detail(message, other.pointer)


def _adds_up(kind: str) -> bool:
    return kind in policies and policies[kind].adds_up


def _order(kind: str) -> tuple[int, int]:
    if kind not in policies:
        return (0, 0)
    return (int(policies[kind].stage), policies[kind].order)
