"""REST: policies, attached as whole lists to a version, an operation, a gateway or callers."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from headgate.gateway.effective import Effective
from headgate.gateway.policy import caller_error
from headgate.gateway.policy import policies as kinds
from headgate.model.codec import as_data
from headgate.model.snapshot import PolicyUse
from headgate.store.services.actor import Scope
from headgate.store.services.gateway import policies
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.web.api.fields import Input, Output, Parameters
from headgate.web.api.paging import PageOut, whole
from headgate.web.api.requests import actor

KIND_CHARACTERS_MAX = 63
PLAN_CHARACTERS_MAX = 127
router = Router()


class PolicyData(Input):
    """One policy; `GET /policy-kinds` describes the settings of each kind."""

    kind: str = Field(..., min_length=1, max_length=KIND_CHARACTERS_MAX, examples=["cors"])
    settings: dict[str, Any] = Field(
        default_factory=dict, examples=[{"allow_origins": ["https://app.example.com"]}]
    )


class PolicyKindOut(Output):
    """A kind of policy and what it can be set to."""

    kind: str
    summary: str
    stage: str = Field(..., description="When it acts: edge, access or traffic.")
    attaches_to_gateway: bool
    not_for_callers: str = Field(
        ..., description="Why it cannot be attached to a product or plan; empty when it can."
    )
    example: dict[str, Any]
    settings_schema: dict[str, Any] = Field(..., description="JSON Schema of the settings.")


class EffectivePolicyOut(Output):
    """A policy attached at some place, and whether it holds for the operation."""

    kind: str
    stage: str = Field(..., description="When it acts: edge, access or traffic; empty: unknown.")
    place: str = Field(..., description="Where it is attached.", examples=["API pets@v1"])
    is_in_force: bool
    replaced_by: str = Field(..., description="The more specific place that replaces it, or empty.")
    settings: dict[str, Any]


class EffectiveQuery(Parameters):
    """For which gateway."""

    gateway: str = Field(
        DEFAULT_GATEWAY, max_length=KIND_CHARACTERS_MAX, description="Where it would be published."
    )
    plan: str = Field(
        "", max_length=PLAN_CHARACTERS_MAX, description="For whose subscribers: `product/plan`."
    )


def uses_of(given: Sequence[PolicyData]) -> tuple[PolicyUse, ...]:
    """The policies as values; the service checks them."""
    return tuple(PolicyUse(policy.kind, policy.settings) for policy in given)


def show(uses: Sequence[PolicyUse]) -> list[Any]:
    """As they are answered."""
    return [as_data(use) for use in uses]


@router.get("/policy-kinds", response=PageOut[PolicyKindOut], operation_id="listPolicyKinds")
def list_policy_kinds(request: HttpRequest) -> object:
    """Every kind of policy, with its settings and an example."""
    actor(request).require(Scope.READ)
    return whole(
        [
            PolicyKindOut(
                kind=name,
                summary=(policy.__doc__ or "").strip().partition("\n")[0],
                stage=policy.stage.name.lower(),
                attaches_to_gateway=policy.attaches_to_gateway,
                not_for_callers=caller_error(name),
                example=policy.example,
                settings_schema=policy.model_json_schema(),
            )
            for name, policy in kinds.items()
        ]
    )


@router.get("/apis/{name}/policies", response=list[PolicyData], operation_id="getAPIPolicies")
def get_api_policies(request: HttpRequest, name: str) -> object:
    """The policies of an API, as edited."""
    return show(policies.of_api(actor(request), name))


@router.put("/apis/{name}/policies", response=list[PolicyData], operation_id="setAPIPolicies")
def set_api_policies(request: HttpRequest, name: str, body: list[PolicyData]) -> object:
    """Replace the policies of an API; publishing puts them in force."""
    return show(policies.set_api(actor(request), name, uses_of(body)))


@router.get(
    "/apis/{name}/operations/{path:operation}/policies",
    response=list[PolicyData],
    operation_id="getOperationPolicies",
)
def get_operation_policies(request: HttpRequest, name: str, operation: str) -> object:
    """The policies of one operation, as edited."""
    return show(policies.of_operation(actor(request), name, operation))


@router.put(
    "/apis/{name}/operations/{path:operation}/policies",
    response=list[PolicyData],
    operation_id="setOperationPolicies",
)
def set_operation_policies(
    request: HttpRequest, name: str, operation: str, body: list[PolicyData]
) -> object:
    """Replace the policies of one operation; publishing puts them in force."""
    return show(policies.set_operation(actor(request), name, operation, uses_of(body)))


@router.get(
    "/apis/{name}/operations/{path:operation}/effective-policies",
    response=PageOut[EffectivePolicyOut],
    operation_id="listEffectivePolicies",
)
def list_effective_policies(
    request: HttpRequest, name: str, operation: str, query: Query[EffectiveQuery]
) -> object:
    """Every policy for one operation in order of action, as edited, with its place of origin."""
    found = policies.effective_for(
        actor(request), name, operation, gateway=query.gateway, plan=query.plan
    )
    return whole([_effective(one) for one in found])


def _effective(one: Effective) -> EffectivePolicyOut:
    return EffectivePolicyOut(
        kind=one.use.kind,
        stage=kinds[one.use.kind].stage.name.lower() if one.use.kind in kinds else "",
        place=one.place,
        is_in_force=not one.replaced_by,
        replaced_by=one.replaced_by,
        settings=one.use.settings,
    )


@router.get(
    "/gateways/{name}/policies", response=list[PolicyData], operation_id="getGatewayPolicies"
)
def get_gateway_policies(request: HttpRequest, name: str) -> object:
    """The policies of a gateway."""
    return show(policies.of_gateway(actor(request), name))


@router.put(
    "/gateways/{name}/policies", response=list[PolicyData], operation_id="setGatewayPolicies"
)
def set_gateway_policies(request: HttpRequest, name: str, body: list[PolicyData]) -> object:
    """Replace the policies of a gateway and put them in force, as a new revision."""
    return show(policies.set_gateway(actor(request), name, uses_of(body)))


@router.get(
    "/products/{name}/policies", response=list[PolicyData], operation_id="getProductPolicies"
)
def get_product_policies(request: HttpRequest, name: str) -> object:
    """The policies for a product's subscribers."""
    return show(policies.of_product(actor(request), name))


@router.put(
    "/products/{name}/policies", response=list[PolicyData], operation_id="setProductPolicies"
)
def set_product_policies(request: HttpRequest, name: str, body: list[PolicyData]) -> object:
    """Replace the policies for a product's subscribers and put them in force, as a new revision
    of each gateway."""
    return show(policies.set_product(actor(request), name, uses_of(body)))


@router.get(
    "/products/{product}/plans/{plan}/policies",
    response=list[PolicyData],
    operation_id="getPlanPolicies",
)
def get_plan_policies(request: HttpRequest, product: str, plan: str) -> object:
    """The policies for a plan's subscribers."""
    return show(policies.of_plan(actor(request), f"{product}/{plan}"))


@router.put(
    "/products/{product}/plans/{plan}/policies",
    response=list[PolicyData],
    operation_id="setPlanPolicies",
)
def set_plan_policies(
    request: HttpRequest, product: str, plan: str, body: list[PolicyData]
) -> object:
    """Replace the policies for a plan's subscribers and put them in force, as a new revision of
    each gateway."""
    return show(policies.set_plan(actor(request), f"{product}/{plan}", uses_of(body)))
