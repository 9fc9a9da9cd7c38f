"""Which policies are attached where? Lists that are replaced whole.

Those of versions and operations wait for publishing; those of gateways, products and plans are put
in force at once.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from headgate.core.phrases import phrase
from headgate.core.problems import Detail, Problem, ProblemType
from headgate.gateway.effective import Effective, Place, effective
from headgate.gateway.policy import POLICIES_PER_PLACE_MAX, caller_error, mistakes, policies
from headgate.model.codec import as_data
from headgate.model.snapshot import PolicyUse
from headgate.store.models import (
    APIVersion,
    Gateway,
    Operation,
    Plan,
    PolicyAttachment,
    Product,
)
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis, plans, products
from headgate.store.services.gateway import edited, gateways, publishing
from headgate.store.services.transactions import change
from headgate.store.services.values import invalid


def of_api(actor: Actor, name: str) -> tuple[PolicyUse, ...]:
    """The policies of an API, as edited; publishing puts them in force.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    return edited.uses(apis.served(name).policies.all())


def of_operation(actor: Actor, name: str, operation_id: str) -> tuple[PolicyUse, ...]:
    """The policies of one operation, as edited.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    return edited.uses(apis.find_operation(name, operation_id).policies.all())


def of_gateway(actor: Actor, name: str) -> tuple[PolicyUse, ...]:
    """The policies of a gateway.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "gateway")
    return edited.uses(gateways.find(name).policies.all())


def of_product(actor: Actor, name: str) -> tuple[PolicyUse, ...]:
    """The policies of a product.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "product")
    return edited.uses(products.find(name).policies.all())


def of_plan(actor: Actor, path: str) -> tuple[PolicyUse, ...]:
    """The policies of a plan, `product/plan`.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "plan")
    return edited.uses(plans.find(path).policies.all())


def effective_for(
    actor: Actor, name: str, operation_id: str, *, gateway: str, plan: str = ""
) -> list[Effective]:
    """Every policy that is attached to an operation, its version or a gateway, in order of action.

    As edited: what publishing the API would put in force. With `plan` (`product/plan`) for the
    subscribers of that plan.

    Raises:
        Problem: NOT_FOUND; INVALID_INPUT: the plan's product does not hold the API.
    """
    actor.require_operator(Scope.READ, "API")
    version = apis.served(name)
    own = _own_places(version, name, operation_id)
    callers = _places_of(plan, version) if plan else ()
    return effective([_general(gateways.find(gateway)), *own, *callers])


def effective_everywhere(
    actor: Actor, name: str, operation_id: str
) -> list[tuple[Gateway, list[Effective]]]:
    """The same of every gateway, by its name.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    own = _own_places(apis.served(name), name, operation_id)
    served = gateways.visible(actor).order_by("name").prefetch_related("policies")
    return [(gateway, effective([_general(gateway), *own])) for gateway in served]


def _general(gateway: Gateway) -> Place:
    return Place(f"gateway {gateway.name}", "", edited.uses(gateway.policies.all()))


def _own_places(version: APIVersion, name: str, operation_id: str) -> list[Place]:
    """A version and one of its operations, under the names that they were asked by."""
    own = edited.uses(apis.find_operation(name, operation_id).policies.all())
    title = f"API {version.api.name}@{version.name}"
    return [
        Place(title, "", edited.uses(version.policies.all())),
        Place(f"operation {name}/{operation_id}", "", own),
    ]


@change()
def set_api(
    actor: Actor, name: str, uses: Sequence[PolicyUse], *, pointer: str = ""
) -> tuple[PolicyUse, ...]:
    """Replace the policies of an API; publishing puts them in force.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT, every mistake.
    """
    actor.require_operator(Scope.WRITE, "API")
    version = apis.served(name)
    return _replace(actor, name, version.policies.all(), uses, pointer, version=version)


@change()
def set_operation(
    actor: Actor, name: str, operation_id: str, uses: Sequence[PolicyUse], *, pointer: str = ""
) -> tuple[PolicyUse, ...]:
    """Replace the policies of one operation; publishing puts them in force.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT, every mistake.
    """
    actor.require_operator(Scope.WRITE, "API")
    operation = apis.find_operation(name, operation_id)
    subject = f"{name} {operation_id}"
    return _replace(actor, subject, operation.policies.all(), uses, pointer, operation=operation)


@change()
def set_gateway(
    actor: Actor, name: str, uses: Sequence[PolicyUse], *, pointer: str = ""
) -> tuple[PolicyUse, ...]:
    """Replace the policies of a gateway and put them in force, as a new revision.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT, every mistake.
    """
    actor.require_operator(Scope.WRITE, "gateway")
    gateway = gateways.find(name)
    check(uses, _not_for_gateways(uses, pointer), pointer)
    after = _replace(actor, name, gateway.policies.all(), uses, pointer, gateway=gateway)
    publishing.refresh(actor, gateway)
    return after


@change()
def set_product(
    actor: Actor,
    name: str,
    uses: Sequence[PolicyUse],
    *,
    pointer: str = "",
    is_put_in_force: bool = True,
) -> tuple[PolicyUse, ...]:
    """Replace the policies of a product and put them in force on every gateway.

    Without `is_put_in_force` that is the caller's, by `publishing.refresh_callers`.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT, every mistake;
            CONFLICT: they cannot stand beside what is live.
    """
    actor.require_operator(Scope.WRITE, "product")
    product = products.find(name)
    check(uses, _not_for_callers(uses, pointer), pointer)
    before = edited.uses(product.policies.all())
    after = _replace(
        actor, f"product {name}", product.policies.all(), uses, pointer, product=product
    )
    if is_put_in_force and after != before:
        publishing.refresh_callers(actor)
    return after


@change()
def set_plan(
    actor: Actor,
    path: str,
    uses: Sequence[PolicyUse],
    *,
    pointer: str = "",
    is_put_in_force: bool = True,
) -> tuple[PolicyUse, ...]:
    """Replace the policies of a plan (`product/plan`), as `set_product`.

    Raises:
        Problem: as `set_product`.
    """
    actor.require_operator(Scope.WRITE, "plan")
    plan = plans.find(path)
    check(uses, _not_for_callers(uses, pointer), pointer)
    before = edited.uses(plan.policies.all())
    after = _replace(actor, f"plan {path}", plan.policies.all(), uses, pointer, plan=plan)
    if is_put_in_force and after != before:
        publishing.refresh_callers(actor)
    return after


def check(uses: Sequence[PolicyUse], errors: Iterable[Detail] = (), pointer: str = "") -> None:
    """Let only policies with right settings pass, each kind at most once.

    Raises:
        Problem: INVALID_INPUT, with every mistake.
    """
    found = list(errors)
    if len(uses) > POLICIES_PER_PLACE_MAX:
        found.append(
            Detail(
                phrase("these are more than {most} policies", most=POLICIES_PER_PLACE_MAX), pointer
            )
        )
    seen: set[str] = set()
    for index, use in enumerate(uses):
        found += mistakes(use, f"{pointer}/{index}")
        if use.kind in seen:
            found.append(
                Detail(
                    phrase("the policy {kind!r} stands twice", kind=use.kind),
                    f"{pointer}/{index}/kind",
                )
            )
        seen.add(use.kind)
    if found:
        raise Problem(
            ProblemType.INVALID_INPUT,
            phrase(
                "The policies cannot be attached: {pointer}: {message}.",
                pointer=found[0].pointer,
                message=found[0].message,
            ),
            "Correct the listed places and send it again.",
            found,
        )


def attach(
    uses: Sequence[PolicyUse],
    *,
    version: APIVersion | None = None,
    operation: Operation | None = None,
    gateway: Gateway | None = None,
    product: Product | None = None,
    plan: Plan | None = None,
) -> None:
    """Write checked policies down, after whatever is there."""
    PolicyAttachment.objects.bulk_create(
        PolicyAttachment(
            version=version,
            operation=operation,
            gateway=gateway,
            product=product,
            plan=plan,
            position=position,
            kind=use.kind,
            settings=use.settings,
        )
        for position, use in enumerate(uses)
    )


def copy(source: APIVersion, target: APIVersion) -> None:
    """Attach to a new version, and to its operations of the same id, what another version has."""
    attach(edited.uses(source.policies.all()), version=target)
    own = {row.id: row for row in target.operations.filter(removed_at=None)}
    rows = source.operations.filter(removed_at=None, policies__isnull=False).distinct()
    for row in rows.prefetch_related("policies"):
        if row.id in own:
            attach(edited.uses(row.policies.all()), operation=own[row.id])


def _replace(
    actor: Actor,
    subject: str,
    rows: "QuerySet[PolicyAttachment]",
    uses: Sequence[PolicyUse],
    pointer: str,
    **target: Any,
) -> tuple[PolicyUse, ...]:
    check(uses, pointer=pointer)
    before = edited.uses(rows)
    if before == tuple(uses):
        return before
    rows.delete()
    attach(uses, **target)
    audit.record(
        actor,
        Action.POLICIES_CHANGED,
        subject,
        before={"policies": [as_data(use) for use in before]},
        after={"policies": [as_data(use) for use in uses]},
    )
    return tuple(uses)


def _not_for_gateways(uses: Sequence[PolicyUse], pointer: str) -> list[Detail]:
    return [
        Detail(
            phrase("the policy {kind!r} cannot be attached to a gateway", kind=use.kind),
            f"{pointer}/{index}/kind",
        )
        for index, use in enumerate(uses)
        if use.kind in policies and not policies[use.kind].attaches_to_gateway
    ]


def _not_for_callers(uses: Sequence[PolicyUse], pointer: str) -> list[Detail]:
    return [
        Detail(
            phrase(
                "the policy {kind!r} cannot be attached to a product or plan: {reason}",
                kind=use.kind,
                reason=reason,
            ),
            f"{pointer}/{index}/kind",
        )
        for index, use in enumerate(uses)
        if use.kind in policies and (reason := caller_error(use.kind))
    ]


def _places_of(path: str, version: APIVersion) -> list[Place]:
    """A plan's product and the plan itself, as places for the callers of an API."""
    plan = plans.find(path)
    if not plan.product.apis.filter(pk=version.api_id).exists():
        raise invalid(
            phrase("The product '{name}' does not hold the API.", name=plan.product.name), "/plan"
        )
    return [
        Place(f"product {plan.product.name}", "", edited.uses(plan.product.policies.all())),
        Place(f"plan {path}", "", edited.uses(plan.policies.all())),
    ]
