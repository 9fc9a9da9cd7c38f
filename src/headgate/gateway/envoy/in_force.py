"""What is in force below one API, for everybody and for callers with policies of their own?

Envoy decides which filters a request meets when it comes, on the route for everybody. So on the
routes of an operation every filter is on that any of its callers needs, idle where it is not
wanted; which route's settings a filter reads is decided when it acts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from headgate.gateway.callers import APPLICATION_FLAG, FLAG, CallerSet, caller_sets
from headgate.gateway.claims import Claims
from headgate.gateway.envoy.chain import PlacedFilter
from headgate.gateway.policy import Policy, Stage, in_force, parse
from headgate.model.snapshot import CallerPolicies, PolicyUse, SnapshotAPI

PolicyOf = dict[str, Policy]
"""Policies in force at one place, by kind."""

Idle = Mapping[str, Mapping[str, Any]]
"""Filters that are on although a route does not want them, with the settings that say so."""


@dataclass(frozen=True, slots=True)
class Policies:
    """What is in force for the API itself and for each operation by its row.

    `sets` holds the same of operations for callers with policies of their own. `idle` holds, by
    operation, the filters that any of the callers needs. `flags` are letters for the names of its
    routes. `callers` is the key of the set that `operations` are for, empty for everybody.
    """

    api: PolicyOf
    operations: dict[int, PolicyOf]
    sets: tuple[tuple[CallerSet, dict[int, PolicyOf]], ...] = ()
    idle: dict[int, Idle] = field(default_factory=dict)
    flags: str = ""
    callers: str = ""

    def all(self) -> Iterable[PolicyOf]:
        """Every set of policies that is in force somewhere, shared ones once."""
        found = [self.api, *self.operations.values()]
        for _, one in self.sets:
            found += one.values()
        return {id(one): one for one in found}.values()


def policies_of(
    general: tuple[PolicyUse, ...],
    api: SnapshotAPI,
    callers: tuple[CallerPolicies, ...] = (),
    beside: SnapshotAPI | None = None,
    claims: Claims = (),
) -> Policies:
    """What is in force below an API of a gateway with the policies `general`.

    `beside` is another version to which a call may turn out to belong by its application: what any
    operation of either needs is then on for all of them. `claims` are those that its limits count
    by.
    """
    own = typed(in_force(general, api.policies), claims)
    operations = _operations(own, general, api, (), claims)
    sets = tuple(
        (
            one,
            _operations(
                typed(in_force(general, api.policies, *one.uses), claims),
                general,
                api,
                one.uses,
                claims,
            ),
        )
        for one in caller_sets(callers, api)
    )
    flags = FLAG if sets else ""
    if beside is not None:
        made = Policies(own, operations, sets)
        either = idle_filters([*made.all(), *_all_of(general, beside, callers, claims)])
        return replace(made, idle=dict.fromkeys(operations, either), flags=flags + APPLICATION_FLAG)
    if not sets:
        return Policies(own, operations)
    idle = {
        row: idle_filters([found, *(of_set[row] for _, of_set in sets)])
        for row, found in operations.items()
    }
    return Policies(own, operations, sets, idle, flags)


def _all_of(
    general: tuple[PolicyUse, ...],
    api: SnapshotAPI,
    callers: tuple[CallerPolicies, ...],
    claims: Claims,
) -> Iterable[PolicyOf]:
    return policies_of(general, api, callers, claims=claims).all()


def idle_filters(found: Iterable[PolicyOf]) -> Idle:
    """The filters behind the access filter that any of these needs, as they do nothing."""
    return {
        one.name: one.idle
        for policies in found
        for policy in policies.values()
        if policy.stage is Stage.TRAFFIC
        for one in policy.filters()
        if one.idle is not None
    }


def typed(uses: Mapping[str, PolicyUse], claims: Claims = ()) -> PolicyOf:
    """The policies with typed settings."""
    return {kind: parse(use).with_claims(claims) for kind, use in uses.items()}


def used(found: PolicyOf) -> dict[tuple[str, str], PlacedFilter]:
    """The filters of policies, by name and choice."""
    return {
        one.key: PlacedFilter.of(type(policy), one)
        for policy in found.values()
        for one in policy.filters()
    }


def _operations(
    shared: PolicyOf,
    general: tuple[PolicyUse, ...],
    api: SnapshotAPI,
    callers: Iterable[tuple[PolicyUse, ...]],
    claims: Claims,
) -> dict[int, PolicyOf]:
    """By operation; most have none of their own and share the API's."""
    return {
        operation.row: typed(in_force(general, api.policies, operation.policies, *callers), claims)
        if operation.policies
        else shared
        for operation in api.operations
    }
