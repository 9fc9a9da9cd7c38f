"""By which claims of verified tokens do the limits of an API count?

A policy that limits names a claim; a policy that verifies tokens hands it to the access filter, in
a header of its own. The filter knows claims by their number among those of all versions of the
API, in the order of their names: a call whose application decides the version has had its token
read before.
"""

from collections.abc import Iterable, Mapping

from headgate.core.phrases import phrase
from headgate.core.problems import Detail
from headgate.gateway.policy import in_force, mistakes, parse, policies
from headgate.model.access import LimitSubject
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from headgate.model.token_facts import CLAIM_HEADERS

CLAIMS_MAX = len(CLAIM_HEADERS)  # of one API
Claims = tuple[str, ...]


def claims_by_api(snapshot: Snapshot) -> Mapping[str, Claims]:
    """The claims that limits count by, by the name of the API; an API without any is absent."""
    found: dict[str, set[str]] = {}
    for api in snapshot.apis:
        named = {name for uses in _places(api) for name in _named(uses)}
        if named:
            found.setdefault(api.name, set()).update(named)
    return {name: tuple(sorted(claims)) for name, claims in found.items()}


def claim_mistakes(snapshot: Snapshot) -> list[Detail]:
    """Limits by claims that nobody could tell: no policy verifies tokens, or too many claims."""
    found: list[Detail] = []
    claims = claims_by_api(snapshot)
    for index, api in enumerate(snapshot.apis):
        if len(claims.get(api.name, ())) > CLAIMS_MAX:
            message = f"API {api.name}: limits count by more than {CLAIMS_MAX} claims; use fewer"
            found.append(Detail(message, f"/apis/{index}/policies"))
        if api.name in claims:
            found += _untold(snapshot, api, index)
    return found


def _untold(snapshot: Snapshot, api: SnapshotAPI, index: int) -> Iterable[Detail]:
    of_api = set(_named(api.policies))
    for number, operation in enumerate(api.operations):
        named = of_api | set(_named(operation.policies))
        kinds = in_force(snapshot.policies, api.policies, operation.policies)
        if named and not any(kind in policies and policies[kind].tells_claims for kind in kinds):
            tellers = " or ".join(
                f"`{name}`" for name, kind in policies.items() if kind.tells_claims
            )
            yield Detail(
                phrase(
                    "API {name}, {id}: a limit counts by the claim {claim!r}, and no policy"
                    " there reads tokens; attach {tellers}",
                    name=api.name,
                    id=operation.id,
                    claim=min(named),
                    tellers=tellers,
                ),
                f"/apis/{index}/operations/{number}/policies",
            )
            return  # one is enough: the others lack the same policy


def _places(api: SnapshotAPI) -> Iterable[tuple[PolicyUse, ...]]:
    yield api.policies
    yield from (operation.policies for operation in api.operations if operation.policies)


def _named(uses: Iterable[PolicyUse]) -> Iterable[str]:
    for use in uses:
        if use.kind in policies and policies[use.kind].adds_up and not mistakes(use, ""):
            for one in parse(use).limits():
                if one.subject is LimitSubject.CLAIM:
                    yield one.claim
