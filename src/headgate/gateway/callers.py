"""Which policies hold for the subscribers of a product or plan, and how is their route told?

Who calls is known only once the access filter has found the subscription. It then names the API,
product and plan in a header and lets Envoy match the request again; below each path of the API
stands, beside the routes for everybody, a set of routes for each product and plan with policies.
On such routes the filter takes the header away before it decides: what stands in it afterwards is
the filter's word. Other routes and other APIs know nothing of this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headgate.core.problems import Detail
from headgate.gateway.policy import OperationPath, caller_error, mistakes, parse, policies
from headgate.model.snapshot import CallerPolicies, PolicyUse, Snapshot, SnapshotAPI

HEADER = "x-headgate-caller"
"""`<API>.<product>.<plan>.`, all rows of the access table: `filter/callers.zig` writes it."""
FLAG = "p"
"""The letter, in a route's name, of those on which the filter says who calls."""
APPLICATION_FLAG = "a"
"""The letter of those on which it says so before it decides: `<API>.<application's id>`."""
GATE_FLAG = "g"
"""The letter of those that are a version's before it is known whether the call is: row 0."""
SETS_PER_API_MAX = 64  # products and plans with policies that one API is sold under
ROUTES_MAX = 100_000  # of all sets of a snapshot: its operations, once per set


@dataclass(frozen=True, slots=True)
class CallerSet:
    """Callers for whom the same policies are in force: a product's, or those of one plan of it.

    `prefix` is how the header begins for them, `key` tells them from other sets, `places` are the
    attachments from the general to the specific.
    """

    prefix: str
    key: str
    places: tuple[CallerPolicies, ...]

    @property
    def uses(self) -> tuple[tuple[PolicyUse, ...], ...]:
        """What is attached, place by place."""
        return tuple(place.policies for place in self.places)


def concerning(callers: Iterable[CallerPolicies], api: SnapshotAPI) -> tuple[CallerPolicies, ...]:
    """What is attached to products with this API, and to their plans."""
    return tuple(one for one in callers if api.row in one.apis and one.policies)


def caller_sets(callers: Sequence[CallerPolicies], api: SnapshotAPI) -> tuple[CallerSet, ...]:
    """The sets of an API's callers that have policies of their own.

    A header that begins with a plan's prefix begins with its product's too: the longer one counts.
    """
    own = concerning(callers, api)
    products = {one.product: one for one in own if not one.plan}
    found = []
    for one in own:
        if not one.plan:
            found.append(CallerSet(f"{api.row}.{one.product}.", f"{one.product}", (one,)))
            continue
        places = (products[one.product], one) if one.product in products else (one,)
        prefix = f"{api.row}.{one.product}.{one.plan}."
        found.append(CallerSet(prefix, f"{one.product}.{one.plan}", places))
    return tuple(found)


def caller_mistakes(snapshot: Snapshot) -> list[Detail]:
    """What cannot be attached to a product or plan, or not to this one, and what is too much."""
    found: list[Detail] = []
    apis = {api.row: api for api in snapshot.apis}
    for index, one in enumerate(snapshot.callers):
        for number, use in enumerate(one.policies):
            pointer = f"/callers/{index}/policies/{number}"
            if use.kind not in policies:
                continue
            if reason := caller_error(use.kind):
                message = f"{one.place}: {use.kind!r} cannot be attached here: {reason}"
                found.append(Detail(message, pointer))
            elif policies[use.kind].looks_at_operation and not mistakes(use, ""):
                concerned = (apis[row] for row in one.apis if row in apis)
                found += [
                    Detail(f"{one.place}: {message}", pointer)
                    for api in concerned
                    for message in _misplaced(use, api)
                ]
    return found + _too_many(snapshot)


def _misplaced(use: PolicyUse, api: SnapshotAPI) -> Iterable[str]:
    prefix = api.upstream.path_prefix.rstrip("/")
    policy = parse(use)
    for operation in api.operations:
        at = OperationPath(operation.method, operation.path, api.base_path, prefix)
        for message in policy.mistakes_at(at):
            yield f"{use.kind}: API {api.name}, {operation.id}: {message}"


def _too_many(snapshot: Snapshot) -> list[Detail]:
    found, routes = [], 0
    for index, api in enumerate(snapshot.apis):
        sets = len(caller_sets(snapshot.callers, api))
        routes += sets * len(api.operations)
        if sets > SETS_PER_API_MAX:
            message = (
                f"API {api.name}: {sets} products and plans with policies; at most "
                f"{SETS_PER_API_MAX}"
            )
            found.append(Detail(message, f"/apis/{index}"))
    if routes > ROUTES_MAX:
        message = f"{routes:,} operations of products and plans with policies; {ROUTES_MAX:,} fit"
        found.append(Detail(message, "/callers"))
    return found
