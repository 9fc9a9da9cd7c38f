"""What is a policy at the gateway, where may it be attached, and which one wins?

A policy is attached to the gateway, to a version of an API, to an operation, to a product or to a
plan. First counts what is called, from the general to the specific, then who calls: gateway,
version, operation, product, plan. For each kind the last of them is in force, whole: a plan's
replaces the operation's, an operation's replaces its version's; settings and lists are never
merged. What is written at one place is what happens.
(Limits alone add up: an API's `rate_limit` counts its operations together, an operation's its own
calls; likewise `anonymous`.)

Policies of the stage EDGE also hold for unknown paths and wrong methods below their API, so
that a browser's preflight and a closed network work there too. The others need an operation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from headgate.core.mistakes import told
from headgate.core.phrases import phrase
from headgate.core.problems import Detail
from headgate.core.registry import Registry
from headgate.model.access import ScopedLimit
from headgate.model.introspection import IntrospectionServer
from headgate.model.scopes import ScopeNeeds
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI, SnapshotOperation

POLICIES_PER_PLACE_MAX = 32
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
AS_IT_STANDS = "as_it_stands"
"""The reason, in dynamic metadata, of an answer that a policy gives whole: nobody rewrites it."""
REFUSALS_FROM = 400  # the lowest status of an answer of ours that is rewritten
SWITCHED_ON: Mapping[str, Any] = {
    "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
    "config": {},
}
"""The route's side of a filter that has no settings per route."""
COMPOSITE = "type.googleapis.com/envoy.extensions.filters.http.composite.v3."
CHOICES = COMPOSITE + "Composite"
"""Type of Envoy's filter that holds others by name, of which a route chooses one."""


VALIDATORS = "validators"
"""Cluster of the node's validators, which say whether a call fits its API's description."""

INTROSPECTOR = "introspector"
"""Cluster of the node's introspector, which asks other servers about their tokens."""


class Stage(IntEnum):
    """Where in the chain a policy acts; lower acts earlier on the request.

    Between EDGE and TRAFFIC stands the access filter: who is calling, may they, how much.
    """

    EDGE = 1
    ACCESS = 2
    TRAFFIC = 3


@dataclass(frozen=True, slots=True)
class HTTPFilter:
    """One of Envoy's HTTP filters as a policy uses it.

    `name` is its key in the chain and in a route. `chain` configures it in the chain, where it
    is switched off; `route` configures and switches it on for a route. Both are the JSON form
    of a `google.protobuf.Any`. Filters of one name have one `chain`, whatever the settings.
    `asks` names the cluster of the node itself that it calls. `observed_in` names the dynamic
    metadata (namespace and key) in which it leaves the verdict that it would have given. `stage`
    and `order` are its own place where that is not its policy's. `idle` is the route's side under
    which it does nothing: Envoy decides which filters a request meets before the caller is known,
    so a filter that some callers need is on for all of them. None: there is no such thing.

    `choice` is None for most. Where Envoy's filter takes no settings from a route, `name` is that
    of a filter that holds one such filter for each of its settings, and `choice` names this one.
    `trial_chain` stands in the place of `chain` where requests are tried, without their connection.
    """

    name: str
    chain: Mapping[str, Any]
    route: Mapping[str, Any]
    asks: str = ""
    observed_in: tuple[str, str] | None = None
    stage: Stage | None = None
    order: int | None = None
    idle: Mapping[str, Any] | None = field(default_factory=lambda: SWITCHED_ON)
    choice: str | None = None
    trial_chain: Mapping[str, Any] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other filter with other settings of the chain."""
        return self.name, self.choice or ""


def chosen(name: str, choice: str, chain: Mapping[str, Any]) -> HTTPFilter:
    """The filter `chain`, held by the filter `name` under the name `choice`.

    A new choice, or one that goes, is a change of a file of `name`, not of the listener.
    """
    action = {"@type": COMPOSITE + "ExecuteFilterAction", "filter_chain_name": choice}
    always = {"on_no_match": {"action": {"name": "choice", "typed_config": action}}}
    route = {"@type": CHOICES + "PerRoute", "matcher": always}
    return HTTPFilter(name, chain, route, idle=None, choice=choice)


@dataclass(frozen=True, slots=True)
class OperationPath:
    """An operation as a policy meets it: `path` is its template below the API's base path and,
    at the upstream, below `upstream_prefix`. `callers` tells those apart whose product or plan has
    policies; empty for everybody else."""

    method: str
    path: str
    base_path: str
    upstream_prefix: str
    callers: str = ""

    @property
    def template(self) -> str:
        """The path at the gateway."""
        return self.base_path + self.path

    @property
    def is_safe(self) -> bool:
        """Whether the method changes nothing. Source: RFC 9110 §9.2.1, less TRACE."""
        return self.method in SAFE_METHODS


class Policy(BaseModel):
    """Base of all policies: the fields are the settings, their descriptions the documentation.

    `order` sorts policies within a stage. `attaches_to_gateway` is false for a kind that means
    nothing without an API. A kind that `adds_up` holds from every place, instead of the most
    specific alone. `not_for_callers` says why a kind that acts after the access filter cannot be
    attached to a product or plan; empty when it can. `excludes` names kinds that cannot hold for
    the same operation. One that `looks_at_operation` has `mistakes_at`. One that `tells_claims`
    verifies tokens (`with_claims`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: ClassVar[Stage]
    order: ClassVar[int] = 50
    example: ClassVar[dict[str, Any]]
    attaches_to_gateway: ClassVar[bool] = True
    adds_up: ClassVar[bool] = False
    not_for_callers: ClassVar[str] = ""
    excludes: ClassVar[frozenset[str]] = frozenset()
    looks_at_operation: ClassVar[bool] = False
    asks_server: ClassVar[bool] = False
    says_cost: ClassVar[bool] = False
    tells_claims: ClassVar[bool] = False

    @property
    def needs_contract(self) -> bool:
        """Whether nodes need the API's description for it (`model/contract.py`)."""
        return False

    @property
    def server(self) -> IntrospectionServer | None:
        """Who is asked about tokens, for a policy that `asks_server`."""
        return None

    def with_claims(self, claims: tuple[str, ...]) -> Self:
        """The policy as it also hands these claims of a token to the access filter."""
        del claims
        return self

    def filters(self) -> Iterable[HTTPFilter]:
        """Envoy's filters that carry the policy out; none when the access filter does."""
        return ()

    @classmethod
    def standing(cls) -> Iterable[HTTPFilter]:
        """The filters that every gateway has in its chain, whoever uses them: by default those
        of the example, which have the settings of the chain that all others have, or none of
        the choices."""
        return cls.model_validate(cls.example).filters()

    def route_metadata(
        self, api: SnapshotAPI, operation: SnapshotOperation
    ) -> Mapping[str, Mapping[str, Any]]:
        """What the policy's filters read of an operation's route, by namespace."""
        del api, operation
        return {}

    def filters_at(self, at: OperationPath) -> Iterable[HTTPFilter]:
        """As `filters`, where the settings need to know the operation."""
        del at
        return self.filters()

    def action(self, at: OperationPath) -> Mapping[str, Any]:
        """Fields of Envoy's `RouteAction` that go before the API's; None takes one away."""
        del at
        return {}

    def mistakes_at(self, at: OperationPath) -> list[str]:
        """What keeps the policy from holding for this operation; empty when nothing does."""
        del at
        return []

    def scope_needs(self) -> ScopeNeeds | None:
        """The scopes that callers need in place of the document's; None leaves those."""
        return None

    def route_flags(self) -> str:
        """Letters that tell the access filter what to do on a route of the policy."""
        return ""

    def limits(self) -> tuple[ScopedLimit, ...]:
        """Limits that the access filter enforces for the policy."""
        return ()

    def cost(self) -> int:
        """What a call takes from limits, in units; asked of a kind that `says_cost`."""
        return 1


policies: Registry[Policy] = Registry("headgate.gateway.policies")


def parse(use: PolicyUse) -> Policy:
    """The policy with typed settings.

    Raises:
        KeyError: no policy of this kind.
        pydantic.ValidationError: the settings do not fit.
    """
    return policies[use.kind].model_validate(use.settings)


def mistakes(use: PolicyUse, pointer: str) -> list[Detail]:
    """What is wrong with one attached policy; empty when nothing is."""
    if use.kind not in policies:
        known = ", ".join(policies)
        return [
            Detail(
                phrase(
                    "there is no policy {kind!r}; there are {known}", kind=use.kind, known=known
                ),
                f"{pointer}/kind",
            )
        ]
    try:
        parse(use)
    except ValidationError as error:
        return [
            Detail(
                phrase("{kind}: {mistake}", kind=use.kind, mistake=told(item)),
                "/".join([f"{pointer}/settings", *(_token(part) for part in item["loc"])]),
            )
            for item in error.errors(include_url=False, include_input=False)
        ]
    return []


def _token(part: int | str) -> str:
    """One reference token of a JSON pointer. Source: RFC 6901 §3."""
    return str(part).replace("~", "~0").replace("/", "~1")


def caller_error(kind: str) -> str:
    """Why a known kind cannot be attached to a product or plan; empty when it can."""
    policy = policies[kind]
    if policy.adds_up:
        return phrase("a plan has rates and quotas of its own")
    if policy.stage is not Stage.TRAFFIC:
        return phrase("it acts before the caller is known")
    return policy.not_for_callers


def in_force(*places: Iterable[PolicyUse]) -> dict[str, PolicyUse]:
    """The policies in force, by kind; `places` from the least specific to the most."""
    return {use.kind: use for place in places for use in place}


def operation_policies(
    snapshot: Snapshot, api: SnapshotAPI, operation: SnapshotOperation
) -> dict[str, PolicyUse]:
    """What is in force for one operation, by kind."""
    return in_force(snapshot.policies, api.policies, operation.policies)
