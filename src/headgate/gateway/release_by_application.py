"""Can the calls of single applications go to another version of an API?

Whose call it is turns out in the middle of the filter chain: what acts before has acted by the
version that everybody gets, and Envoy has chosen the filters. So both versions must agree on what
acts before the caller is known.
"""

from collections.abc import Iterable

from headgate.gateway.policy import Policy, Stage, in_force, parse
from headgate.model.snapshot import PolicyUse, SnapshotAPI


def application_mistake(
    stable: SnapshotAPI, candidate: SnapshotAPI, general: tuple[PolicyUse, ...]
) -> str:
    """Why calls cannot be divided by application between these versions; empty when they can."""
    name = f"the release of {candidate.name} {candidate.version} to applications"
    if stable.key_sources != candidate.key_sources:
        return f"{name}: both versions must look for the key at the same places"
    differing = _early(stable.policies) ^ _early(candidate.policies)
    if differing:
        kind = min(kind for kind, _ in differing)
        return f"{name}: {kind!r} acts before the caller is known and must be the same in both"
    for api in (stable, candidate):
        for operation in api.operations:
            if early := _early(operation.policies):
                kind = min(kind for kind, _ in early)
                return (
                    f"{name}: {kind!r} of {api.version}, {operation.id} acts before the caller is "
                    "known; attach it to both versions"
                )
    restless = {
        frozenset(_restless(in_force(general, api.policies, operation.policies).values()))
        for api in (stable, candidate)
        for operation in api.operations
    }
    if len(restless) > 1:
        kind = min(kind for one in restless for kind in one)
        return f"{name}: {kind!r} must be the same on every operation of both versions"
    return ""


def _early(uses: Iterable[PolicyUse]) -> set[tuple[str, str]]:
    """Kinds, with their settings, that act with the first route or before."""
    return {(use.kind, repr(parse(use))) for use in uses if _is_early(parse(use))}


def _is_early(policy: Policy) -> bool:
    if policy.stage is Stage.TRAFFIC or policy.scope_needs() is not None:
        return False
    return bool(policy.route_flags()) or any(True for _ in policy.filters())


def _restless(uses: Iterable[PolicyUse]) -> Iterable[str]:
    """Kinds whose filter cannot be on and do nothing."""
    for use in uses:
        policy = parse(use)
        if policy.stage is Stage.TRAFFIC and any(one.idle is None for one in policy.filters()):
            yield use.kind
