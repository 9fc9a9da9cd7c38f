"""Which plans are there? A plan says how much the subscribers of a product may use."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from headgate.access.plans import assign_slots
from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.model.limits import WINDOW_SECONDS, Limit, LimitKind, parse_limit
from headgate.store.models import Plan
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.catalog import products
from headgate.store.services.gateway import publishing
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    as_fields,
    check_name,
    check_text,
    invalid,
    page_of,
    refused,
)

PLANS_MAX = 100  # of one product: people compare them side by side
MONTH_SECONDS = 30 * 86_400  # to compare by; limits themselves count calendar months


def page(
    actor: Actor, product: str, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Plan]:
    """The plans of a product.

    Raises:
        Problem: NOT_FOUND: the product.
    """
    actor.require(Scope.READ)
    return page_of(_live().filter(product=products.find(product)), cursor, limit)


def get(actor: Actor, path: str) -> Plan:
    """One plan by `product/plan`.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require(Scope.READ)
    return find(path)


@change()
def create(
    actor: Actor,
    *,
    product: str,
    name: str,
    title: str = "",
    rates: Sequence[str] = (),
    quotas: Sequence[str] = (),
    concurrent: str = "",
    needs_approval: bool = False,
) -> Plan:
    """A new plan. Limits are written `10/second`, `10/second+50` (burst), `1000/month`,
    `1000/month@15` (from the 15th), `5` (calls at one time); ` shadow` behind it: only counted.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND: the product; INVALID_INPUT;
            ALREADY_EXISTS; CONFLICT: there are too many.
    """
    actor.require_operator(Scope.WRITE, "plan")
    check_name(name)
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    owner = products.find(product)
    if owner.plans.filter(name=name, removed_at=None).exists():
        raise already_exists("a plan", f"{product}/{name}")
    if owner.plans.filter(removed_at=None).count() >= PLANS_MAX:
        raise refused(
            phrase("The product has {most} plans already.", most=PLANS_MAX), "Delete one first."
        )
    plan = Plan(
        id=new_id("pln"),
        created_at=actor.at,
        changed=feed.next_sequence(),
        product=owner,
        name=name,
        title=title,
        needs_approval=needs_approval,
    )
    _set_limits(plan, parse_limits(rates, quotas, concurrent))
    plan.save()
    audit.record(actor, Action.PLAN_CREATED, plan.path, after=fields(plan))
    return plan


@change()
def update(
    actor: Actor,
    path: str,
    *,
    title: str | None = None,
    rates: Sequence[str] | None = None,
    quotas: Sequence[str] | None = None,
    concurrent: str | None = None,
    needs_approval: bool | None = None,
) -> Plan:
    """Change what is not None; `rates`, `quotas` and `concurrent` each replace all limits of
    their kind, an empty one removes them.

    A limit of the same kind and window keeps what its subscribers have used.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT.
    """
    actor.require_operator(Scope.WRITE, "plan")
    plan = find(path)
    before = fields(plan)
    if title is not None:
        check_text(title, TITLE_CHARACTERS_MAX, "/title")
        plan.title = title
    if needs_approval is not None:
        plan.needs_approval = needs_approval
    limits = parse_limits(
        before["rates"] if rates is None else rates,
        before["quotas"] if quotas is None else quotas,
        before["concurrent"] if concurrent is None else concurrent,
    )
    _set_limits(plan, limits)
    if fields(plan) == before:
        return plan
    plan.changed = feed.next_sequence()
    plan.save()
    audit.record(actor, Action.PLAN_CHANGED, plan.path, before=before, after=fields(plan))
    return plan


@change()
def delete(actor: Actor, path: str) -> None:
    """Delete a plan that nobody is subscribed to.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: it has subscribers.
    """
    actor.require_operator(Scope.WRITE, "plan")
    plan = find(path)
    subscriber = plan.subscriptions.filter(removed_at=None).first()
    if subscriber is not None:
        raise refused(
            phrase(
                "'{application}' is subscribed to the plan '{plan}'.",
                application=subscriber.application.path,
                plan=path,
            ),
            "Move its subscribers to another plan, or cancel their subscriptions.",
        )
    plan.removed_at = actor.at
    plan.changed = feed.next_sequence()
    plan.save()
    if plan.policies.exists():
        publishing.refresh_callers(actor)
    audit.record(actor, Action.PLAN_DELETED, plan.path, before=fields(plan))


def find(path: str) -> Plan:
    """One plan by `product/plan`.

    Raises:
        Problem: NOT_FOUND.
    """
    product, _, name = path.partition("/")
    plan = _live().filter(product__name=product, name=name).first()
    if plan is None:
        raise not_found("plan", path)
    return plan


def rates(plan: Plan) -> list[str]:
    """The plan's rates as people write them."""
    return _written(plan, LimitKind.RATE)


def quotas(plan: Plan) -> list[str]:
    """The plan's quotas as people write them."""
    return _written(plan, LimitKind.QUOTA)


def concurrent(plan: Plan) -> str:
    """How many calls may run at one time, as people write it; empty without a limit."""
    return next(iter(_written(plan, LimitKind.CONCURRENT)), "")


def limits(plan: Plan) -> list[str]:
    """All limits for people to read in a row."""
    running = [f"{text} at one time" for text in _written(plan, LimitKind.CONCURRENT)]
    return [*rates(plan), *quotas(plan), *running]


def generosity(plan: Plan) -> tuple[float, float, str]:
    """Plans in the order of what they allow: by calls per month, then per second, then by name."""
    most = {LimitKind.QUOTA: float("inf"), LimitKind.RATE: float("inf")}
    for limit in plan.limits:
        if limit is not None and limit.kind in most and not limit.is_shadow:
            seconds = WINDOW_SECONDS.get(limit.window, MONTH_SECONDS)
            most[limit.kind] = min(most[limit.kind], limit.amount / seconds)
    return most[LimitKind.QUOTA], most[LimitKind.RATE], plan.name


def fields(plan: Plan) -> dict[str, Any]:
    """What the audit log keeps of a plan."""
    return as_fields(plan, "id", "path", "title", "needs_approval") | {
        "rates": rates(plan),
        "quotas": quotas(plan),
        "concurrent": concurrent(plan),
    }


def parse_limits(rates: Sequence[str], quotas: Sequence[str], concurrent: str = "") -> list[Limit]:
    """The limits that are written.

    Raises:
        Problem: INVALID_INPUT, with the pointer of the first wrong one.
    """
    found = []
    written = [(LimitKind.RATE, text, f"/rates/{n}") for n, text in enumerate(rates)]
    written += [(LimitKind.QUOTA, text, f"/quotas/{n}") for n, text in enumerate(quotas)]
    written += [(LimitKind.CONCURRENT, concurrent, "/concurrent")] if concurrent else []
    for kind, text, pointer in written:
        try:
            found.append(parse_limit(kind, text))
        except ValueError as error:
            raise invalid(phrase("{error}.", error=error), pointer) from error
    return found


def _set_limits(plan: Plan, limits: Sequence[Limit]) -> None:
    try:
        plan.set_limits(assign_slots(plan.limits, limits))
    except ValueError as error:
        raise invalid(phrase("{error}.", error=error)) from error


def _written(plan: Plan, kind: LimitKind) -> list[str]:
    return [str(limit) for limit in plan.limits if limit is not None and limit.kind is kind]


def _live() -> QuerySet[Plan]:
    return Plan.objects.filter(removed_at=None, product__removed_at=None).select_related("product")
