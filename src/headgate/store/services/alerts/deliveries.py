"""How far is each event on its way to each webhook? Attempts are written down as they end.

At least once, in no promised order: an attempt whose answer was lost, or whose process was
killed, is made again under the same `webhook-id`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Min

from headgate.alerts.webhooks import Attempt, DeliveryState, Progress, after, message
from headgate.core.phrases import phrase
from headgate.core.problems import DependencyError
from headgate.model.codec import as_data
from headgate.model.events import EventKind
from headgate.store.models import Delivery, Event, Webhook
from headgate.store.sealing import unseal
from headgate.store.services import audit, leases
from headgate.store.services.actor import Actor, not_found
from headgate.store.services.alerts import event_log, webhooks
from headgate.store.services.audit import Action
from headgate.store.services.leases import Held
from headgate.store.services.transactions import change
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, Page, page_of, refused

ATTEMPTS_KEPT_MAX = 10  # of one delivery
WEBHOOKS_AT_ONCE_MAX = 500  # looked at in one pass


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt to make now. `keys` sign it; without any nothing can be sent."""

    delivery: int
    webhook: int
    is_failing: bool
    url: str
    allow_private: bool
    keys: tuple[str, ...]
    message_id: str
    body: bytes


def page(
    actor: Actor,
    webhook_id: str,
    *,
    state: DeliveryState | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Delivery]:
    """Deliveries of a webhook, newest first.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND.
    """
    rows = webhooks.get(actor, webhook_id).deliveries.select_related("event")
    if state is not None:
        rows = rows.filter(state=state)
    return page_of(rows, cursor, limit, newest_first=True)


def get(actor: Actor, webhook_id: str, delivery_id: str) -> Delivery:
    """One delivery, with its webhook and its event.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND.
    """
    rows = webhooks.get(actor, webhook_id).deliveries.filter(id=delivery_id)
    found = rows.select_related("event__organization", "webhook__organization").first()
    if found is None:
        raise not_found("delivery", delivery_id)
    return found


@change()
def redeliver(actor: Actor, webhook_id: str, delivery_id: str) -> Delivery:
    """Send an event once more, from the first attempt on.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND; CONFLICT: the webhook is disabled.
    """
    delivery = get(actor, webhook_id, delivery_id)
    webhook = delivery.webhook
    if webhook.disabled_at is not None:
        raise refused(
            phrase(
                "The webhook {id} is disabled: {disabled_reason}",
                id=webhook.id,
                disabled_reason=phrase(webhook.disabled_reason),
            ),
            phrase("Enable it first: headgate webhook enable {id}.", id=webhook.id),
        )
    before = {"state": delivery.state, "tries": delivery.tries}
    delivery.state, delivery.tries = DeliveryState.WAITING, 0
    delivery.due_at, delivery.settled_at = actor.at, None
    delivery.save()
    audit.record(
        actor,
        Action.DELIVERY_REPEATED,
        delivery.id,
        before=before,
        after={"webhook": webhook.id, "event": delivery.event.id, "state": delivery.state},
        organization=webhook.organization,
    )
    return delivery


def due(now: datetime) -> list[tuple[int, bool]]:
    """Webhooks that something is due for, longest waiting first, and whether they fail."""
    rows = Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=now)
    longest = rows.values("webhook_id").annotate(first=Min("due_at")).order_by("first")
    chosen = [row["webhook_id"] for row in longest[:WEBHOOKS_AT_ONCE_MAX]]
    failing = dict(Webhook.objects.filter(pk__in=chosen).values_list("pk", "failing_since"))
    return [(pk, failing.get(pk) is not None) for pk in chosen]


def orders(webhook: int, *, most: int, under_way: Collection[int], now: datetime) -> list[Order]:
    """What is due for one webhook, longest waiting first, without what is under way."""
    rows = Delivery.objects.filter(webhook_id=webhook, state=DeliveryState.WAITING, due_at__lte=now)
    rows = rows.exclude(pk__in=list(under_way)).order_by("due_at", "pk")
    chosen = rows.select_related("webhook", "event__organization")[:most]
    return [_order(row, now) for row in chosen]


def settle(held: Held, order: Order, attempt: Attempt) -> Progress | None:
    """Write down an attempt and what follows from it; None: it was settled otherwise meanwhile.

    Raises:
        LeaseLostError: another process sends; it will make this attempt again.
    """
    with transaction.atomic():
        leases.prove(held, now=attempt.at)
        delivery = (
            Delivery.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk=order.delivery, state=DeliveryState.WAITING)
            .first()
        )
        if delivery is None:
            return None
        webhook = Webhook.objects.select_for_update(of=("self",), no_key=True).get(
            pk=delivery.webhook_id
        )
        delivery.tries += 1
        found = after(attempt, tries=delivery.tries, failing_since=webhook.failing_since)
        delivery.state = found.state
        delivery.attempts = [*delivery.attempts, as_data(attempt)][-ATTEMPTS_KEPT_MAX:]
        if found.due_at is None:
            delivery.settled_at = attempt.at
        else:
            delivery.due_at = found.due_at
        delivery.save()
        _note(webhook, attempt, found)
    return found


def _note(webhook: Webhook, attempt: Attempt, found: Progress) -> None:
    changed: dict[str, Any] = {"failing_since": found.failing_since}
    if attempt.is_success:
        changed["delivered_at"] = attempt.at
    if found.disabled and webhook.disabled_at is None:
        changed |= {"disabled_at": attempt.at, "disabled_reason": found.disabled}
    Webhook.objects.filter(pk=webhook.pk).update(**changed)
    if "disabled_at" not in changed:
        return
    system = Actor.system("jobs", attempt.at)
    given_up = webhooks.give_up_waiting(system, webhook)
    event_log.publish(
        attempt.at,
        EventKind.WEBHOOK_DISABLED,
        subject=webhook.id,
        data={
            "webhook": webhook.id,
            "host": webhooks.host(webhook),
            "reason": found.disabled,
            "failing_since": found.failing_since.isoformat() if found.failing_since else None,
            "given_up": given_up,
        },
        organization=webhook.organization,
    )


def _order(delivery: Delivery, now: datetime) -> Order:
    webhook, event = delivery.webhook, delivery.event
    return Order(
        delivery=delivery.pk,
        webhook=webhook.pk,
        is_failing=webhook.failing_since is not None,
        url=webhook.url,
        allow_private=webhook.allow_private,
        keys=_keys(webhook, now),
        message_id=event.id,
        body=body(event),
    )


def body(event: Event) -> bytes:
    """What is sent of an event."""
    return message(
        message_id=event.id,
        kind=event.kind,
        at=event.at,
        organization=event.organization.name if event.organization else None,
        subject=event.subject,
        data=event.data,
    )


def _keys(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    sealed = [bytes(webhook.sealed)]
    if webhook.previous_until is not None and webhook.previous_until > now:
        sealed.append(bytes(webhook.previous_sealed))
    try:
        return tuple(unseal(webhooks.SEALED_FOR, one).decode() for one in sealed if one)
    except DependencyError:
        return ()  # another secret.key: said at the attempt, and by `headgate status`
