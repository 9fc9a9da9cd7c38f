"""Who asks for a plan that needs approval, and who grants it? Both sides are told of every step.

Fails closed: without a grant there is no subscription. Organizations ask and withdraw; operators
with the scope `keys` grant and decline, and may subscribe an application without a request.
"""

from typing import Any

from django.db.models import QuerySet

from headgate.access.approval import RequestState, RequestStep, transition
from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import Subscription, SubscriptionRequest, User
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.alerts import approval_mails
from headgate.store.services.audit import Action
from headgate.store.services.catalog import plans
from headgate.store.services.consumers import applications, reach, subscriptions
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    as_fields,
    check_text,
    page_of,
    refused,
)

REQUESTS_OPEN_MAX = 100  # of one organization
ACTIONS = {
    RequestStep.GRANT: Action.REQUEST_GRANTED,
    RequestStep.DECLINE: Action.REQUEST_DECLINED,
    RequestStep.WITHDRAW: Action.REQUEST_WITHDRAWN,
}


def page(
    actor: Actor,
    *,
    state: RequestState | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[SubscriptionRequest]:
    """Requests, newest first."""
    rows = visible(actor)
    if state is not None:
        rows = rows.filter(state=state)
    return page_of(rows, cursor, limit, newest_first=True)


@change()
def ask(actor: Actor, *, application: str, plan: str, reason: str = "") -> SubscriptionRequest:
    """Ask for a plan (`product/plan`) that needs approval.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: the application or plan;
            INVALID_INPUT: the reason; CONFLICT: the plan needs none, it is asked for already, the
            application has it, or too many requests are open.
    """
    actor.require(Scope.KEYS)
    asking = applications.find(actor, application)
    wanted = plans.find(plan)
    check_text(reason, REASON_CHARACTERS_MAX, "/reason")
    if not wanted.needs_approval:
        raise refused(phrase("The plan '{plan}' needs no approval.", plan=plan), "Subscribe to it.")
    if subscriptions.visible(actor).filter(application=asking, plan=wanted).exists():
        raise refused(
            phrase("'{path}' has the plan '{plan}' already.", path=asking.path, plan=plan),
            "There is nothing to ask.",
        )
    still_open = SubscriptionRequest.objects.filter(state=RequestState.ASKED)
    if still_open.filter(application=asking, plan=wanted).exists():
        raise refused(
            phrase("'{path}' has asked for '{plan}' already.", path=asking.path, plan=plan),
            "Wait for the answer.",
        )
    own = still_open.filter(application__organization=asking.organization)
    if own.count() >= REQUESTS_OPEN_MAX:
        raise refused(
            phrase("{most} requests are open already.", most=REQUESTS_OPEN_MAX),
            "Withdraw some first.",
        )
    made = SubscriptionRequest.objects.create(
        id=new_id("srq"),
        created_at=actor.at,
        application=asking,
        plan=wanted,
        reason=reason.strip(),
        user=User.objects.filter(id=actor.user).first() if actor.user else None,
        asked_by=actor.name,
    )
    _record(actor, Action.REQUEST_ASKED, made, None)
    approval_mails.asked(actor, made)
    return made


@change()
def grant(actor: Actor, request_id: str, *, word: str = "") -> SubscriptionRequest:
    """Subscribe the application to what it asked for, or move its subscription to that plan.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND, also for an organization's actor;
            CONFLICT: decided already.
    """
    actor.require_operator(Scope.KEYS, "subscription request")
    row = find(actor, request_id)
    return _step(actor, row, RequestStep.GRANT, word)


@change()
def decline(actor: Actor, request_id: str, *, word: str = "") -> SubscriptionRequest:
    """Say no, with a word why.

    Raises:
        Problem: as `grant`.
    """
    actor.require_operator(Scope.KEYS, "subscription request")
    return _step(actor, find(actor, request_id), RequestStep.DECLINE, word)


@change()
def withdraw(actor: Actor, request_id: str) -> SubscriptionRequest:
    """Ask no longer.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND; CONFLICT: decided already.
    """
    actor.require(Scope.KEYS)
    return _step(actor, find(actor, request_id), RequestStep.WITHDRAW, "")


def visible(actor: Actor) -> QuerySet[SubscriptionRequest]:
    """The requests that the actor may know of."""
    actor.require(Scope.READ)
    rows = SubscriptionRequest.objects.filter(application__removed_at=None)
    rows = rows.select_related("application__organization", "plan__product", "user", "subscription")
    return reach.within(actor, rows, "application")


def find(actor: Actor, request_id: str) -> SubscriptionRequest:
    """One visible request.

    Raises:
        Problem: NOT_FOUND.
    """
    found = visible(actor).filter(id=request_id).first()
    if found is None:
        raise not_found("subscription request", request_id)
    return found


def fields(row: SubscriptionRequest) -> dict[str, Any]:
    """What the audit log keeps of a request."""
    return as_fields(row, "id", "state", "reason", "word") | {
        "application": row.application.path,
        "plan": row.plan.path,
    }


def _step(
    actor: Actor, row: SubscriptionRequest, step: RequestStep, word: str
) -> SubscriptionRequest:
    found = transition(RequestState(row.state), step)
    if found is None:
        raise refused(
            phrase("The request {id} is {state}, and stays so.", id=row.id, state=row.state),
            "Ask anew if it is still wanted.",
        )
    check_text(word, REASON_CHARACTERS_MAX, "/word")
    before = fields(row)
    if step is RequestStep.GRANT:
        row.subscription = _subscribed(actor, row)
    row.state, row.word = found.to, word.strip()
    row.decided_at, row.decided_by = actor.at, actor.name
    row.save()
    _record(actor, ACTIONS[step], row, before)
    approval_mails.decided(actor, row)
    return row


def _subscribed(actor: Actor, row: SubscriptionRequest) -> Subscription:
    present = subscriptions.visible(actor).filter(
        application=row.application, product=row.plan.product
    )
    if (one := present.first()) is not None:
        return subscriptions.update(actor, one.id, plan=row.plan.path)
    return subscriptions.create(actor, application=row.application.path, plan=row.plan.path)


def _record(
    actor: Actor, action: Action, row: SubscriptionRequest, before: dict[str, Any] | None
) -> None:
    owner = row.application.organization
    audit.record(actor, action, row.id, before=before, after=fields(row), organization=owner)
