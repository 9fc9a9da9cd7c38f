"""What has happened? One event per thing that happened, in the thing's own transaction.

`publish` is the one way in, for every part of the product. The webhooks that are to hear of an
event get their delivery in the same transaction: there is no moment in which one is forgotten.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db.models import F, Q, QuerySet

from headgate.alerts.webhooks import DeliveryState
from headgate.core.ids import new_id
from headgate.core.problems import Bug
from headgate.model.events import EVENT_DATA_BYTES_MAX, TOLD, EventKind
from headgate.store.models import Delivery, Event, EventMark, Organization, Webhook
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.consumers import reach
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, Page, page_of

EVENTS_MAX = 100_000
EVENTS_KEPT = timedelta(days=40)  # the longest window of a quota, and then some
WAITING_MAX = 10_000  # deliveries that may wait for one webhook


def publish(
    at: datetime,
    kind: EventKind,
    *,
    subject: str,
    data: Mapping[str, Any],
    organization: Organization | None = None,
    only_to: Webhook | None = None,
) -> Event:
    """Write down what happened, in the caller's transaction. No value may hold a secret.

    `organization`: whose it is to know, beside the operators; None: theirs alone. `only_to`: the
    one webhook that is to hear of it.

    Raises:
        Bug: `data` does not have the members that `model.events` says.
    """
    if set(data) != set(TOLD[kind].data) or len(orjson.dumps(data)) > EVENT_DATA_BYTES_MAX:
        raise Bug(f"an event {kind} with the data {sorted(data)}")
    event = Event.objects.create(
        id=new_id("evt"),
        at=at,
        kind=kind,
        organization=organization,
        subject=subject[:TITLE_CHARACTERS_MAX],
        data=dict(data),
    )
    _deliver(event, [only_to] if only_to else _listeners(event))
    return event


def publish_once(
    at: datetime,
    kind: EventKind,
    mark: str,
    *,
    until: datetime,
    subject: str,
    data: Mapping[str, Any],
    organization: Organization | None = None,
) -> Event | None:
    """As `publish`, unless the same `mark` was told before; it is remembered until `until`.

    The caller keeps others out who might tell the same at this moment.
    """
    name = f"{kind} {mark}"
    if EventMark.objects.filter(name=name).exists():
        return None
    EventMark.objects.create(name=name, forget_at=until)
    return publish(at, kind, subject=subject, data=data, organization=organization)


def end_webhooks(webhooks: QuerySet[Webhook], at: datetime) -> None:
    """Send an organization or a team that ends nothing more, in the caller's transaction."""
    webhooks = webhooks.filter(removed_at=None)
    waiting = Delivery.objects.filter(webhook__in=webhooks, state=DeliveryState.WAITING)
    waiting.update(state=DeliveryState.GIVEN_UP, settled_at=at)
    webhooks.update(removed_at=at, sealed=b"", previous_sealed=b"")


def page(
    actor: Actor,
    *,
    kind: EventKind | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Event]:
    """Events, newest first.

    Raises:
        Problem: FORBIDDEN without the scope `read`.
    """
    actor.require(Scope.READ)
    rows = visible(actor)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if subject is not None:
        rows = rows.filter(subject=subject)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    return page_of(rows, cursor, limit, newest_first=True)


def get(actor: Actor, event_id: str) -> Event:
    """One event.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require(Scope.READ)
    event = visible(actor).filter(id=event_id).first()
    if event is None:
        raise not_found("event", event_id)
    return event


def visible(actor: Actor) -> QuerySet[Event]:
    """The events that the actor may know of."""
    return reach.of_whole(actor, Event.objects.select_related("organization"))


def may_be_forgotten(now: datetime) -> QuerySet[Event]:
    """Events that had their time, or are more than there is room for; none that is still sent."""
    rows = Event.objects.exclude(deliveries__state=DeliveryState.WAITING)
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True)
    beyond = newest[EVENTS_MAX : EVENTS_MAX + 1].first()
    return rows.filter(Q(at__lt=now - EVENTS_KEPT) | Q(pk__lte=0 if beyond is None else beyond))


def is_crowded() -> bool:
    """Whether events go before their time because there are too many."""
    return Event.objects.order_by("-pk")[EVENTS_MAX - 1 : EVENTS_MAX].exists()


def _listeners(event: Event) -> Iterable[Webhook]:
    rows = Webhook.objects.filter(removed_at=None, disabled_at=None)
    rows = rows.filter(Q(organization=None) | Q(organization=event.organization))
    found = [row for row in rows if not row.kinds or event.kind in row.kinds]
    if all(row.team_id is None for row in found):
        return found
    team = _team_of(event)
    return [row for row in found if row.team_id is None or row.team_id == team]


def _team_of(event: Event) -> int | None:
    """The team of the one application that an event is about; None: of several, or of none."""
    path = event.data.get("application")
    if event.organization is None or not path:
        return None
    return reach.team_of(event.organization, path)


def _deliver(event: Event, listeners: Iterable[Webhook]) -> None:
    for webhook in listeners:
        waiting = Delivery.objects.filter(webhook=webhook, state=DeliveryState.WAITING)
        if waiting.count() >= WAITING_MAX:
            Webhook.objects.filter(pk=webhook.pk).update(dropped=F("dropped") + 1)
            continue
        Delivery.objects.create(
            id=new_id("dlv"),
            webhook=webhook,
            event=event,
            state=DeliveryState.WAITING,
            due_at=event.at,
        )
