"""Who is subscribed to what? One application, one product, one plan at a time."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import Plan, Subscription
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.catalog import plans
from headgate.store.services.consumers import applications, reach
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    UNSET,
    Page,
    Unset,
    as_fields,
    check_expiry,
    page_of,
    refused,
)


def page(
    actor: Actor,
    *,
    application: str | None = None,
    product: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Subscription]:
    """Live subscriptions in the order in which they were made."""
    actor.require(Scope.READ)
    rows = visible(actor)
    if application is not None:
        rows = rows.filter(application=applications.find(actor, application))
    if product is not None:
        rows = rows.filter(product__name=product)
    return page_of(rows, cursor, limit)


def get(actor: Actor, subscription_id: str) -> Subscription:
    """One live subscription.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require(Scope.READ)
    return find(actor, subscription_id)


@change()
def create(
    actor: Actor, *, application: str, plan: str, expires_at: datetime | None = None
) -> Subscription:
    """Subscribe an application to a plan (`product/plan`).

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: the application or plan;
            CONFLICT: it is subscribed to the product already, or the plan needs approval.
    """
    actor.require(Scope.KEYS)
    subscriber = applications.find(actor, application)
    chosen = plans.find(plan)
    check_expiry(expires_at, actor.at)
    present = visible(actor).filter(application=subscriber, product=chosen.product).first()
    if present is not None:
        raise refused(
            phrase(
                "'{application}' is subscribed to '{plan}' already (subscription {id}).",
                application=subscriber.path,
                plan=present.plan.path,
                id=present.id,
            ),
            "Change the plan of that subscription, or cancel it first.",
        )
    _check_approved(actor, chosen)
    subscription = Subscription.objects.create(
        id=new_id("sub"),
        created_at=actor.at,
        changed=feed.next_sequence(),
        application=subscriber,
        product=chosen.product,
        plan=chosen,
        expires_at=expires_at,
    )
    _record(actor, Action.SUBSCRIPTION_CREATED, subscription, None)
    return subscription


@change()
def update(
    actor: Actor,
    subscription_id: str,
    *,
    plan: str | None = None,
    is_suspended: bool | None = None,
    expires_at: datetime | Unset | None = UNSET,
) -> Subscription:
    """Change what is given. Another plan must be of the same product.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND; CONFLICT: another product's plan,
            or one that needs approval.
    """
    actor.require(Scope.KEYS)
    subscription = find(actor, subscription_id)
    before = fields(subscription)
    if plan is not None:
        chosen = plans.find(plan)
        if chosen.product_id != subscription.product_id:
            raise refused(
                phrase(
                    "'{plan}' is a plan of another product than '{name}'.",
                    plan=plan,
                    name=subscription.product.name,
                ),
                "Cancel the subscription and subscribe to the other product.",
            )
        if chosen.pk != subscription.plan_id:
            _check_approved(actor, chosen)
        subscription.plan = chosen
    if is_suspended is not None:
        subscription.is_suspended = is_suspended
    if not isinstance(expires_at, Unset):
        check_expiry(expires_at, actor.at)
        subscription.expires_at = expires_at
    if fields(subscription) == before:
        return subscription
    subscription.changed = feed.next_sequence()
    subscription.save()
    _record(actor, Action.SUBSCRIPTION_CHANGED, subscription, before)
    return subscription


@change()
def cancel(actor: Actor, subscription_id: str) -> None:
    """End a subscription at once.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND.
    """
    actor.require(Scope.KEYS)
    subscription = find(actor, subscription_id)
    before = fields(subscription)
    subscription.removed_at = actor.at
    subscription.changed = feed.next_sequence()
    subscription.save()
    _record(actor, Action.SUBSCRIPTION_CANCELLED, subscription, before)


def visible(actor: Actor) -> QuerySet[Subscription]:
    """The live subscriptions that the actor may know of."""
    rows = Subscription.objects.filter(removed_at=None).select_related(
        "application__organization", "product", "plan__product"
    )
    return reach.within(actor, rows, "application")


def find(actor: Actor, subscription_id: str) -> Subscription:
    """One visible live subscription.

    Raises:
        Problem: NOT_FOUND.
    """
    subscription = visible(actor).filter(id=subscription_id).first()
    if subscription is None:
        raise not_found("subscription", subscription_id)
    return subscription


def fields(subscription: Subscription) -> dict[str, Any]:
    """What the audit log keeps of a subscription."""
    return as_fields(subscription, "id", "is_suspended", "expires_at") | {
        "application": subscription.application.path,
        "plan": subscription.plan.path,
    }


def _check_approved(actor: Actor, plan: Plan) -> None:
    """Operators subscribe anybody; an organization asks for a plan that needs approval."""
    if plan.needs_approval and actor.organization is not None:
        raise refused(
            phrase("The plan '{path}' needs approval.", path=plan.path),
            "Ask for it (POST /api/v1/subscription-requests); you are told when it is granted.",
        )


def _record(
    actor: Actor, action: Action, subscription: Subscription, before: dict[str, Any] | None
) -> None:
    after = None if subscription.removed_at else fields(subscription)
    organization = subscription.application.organization
    audit.record(
        actor, action, subscription.id, before=before, after=after, organization=organization
    )
