"""Which webhooks are not well? Those that fail, were disabled by that, or had too much to send."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q

from headgate.alerts.webhooks import DeliveryState
from headgate.core.phrases import phrase
from headgate.store.models import Delivery, Webhook
from headgate.store.services.alerts import event_log, webhooks
from headgate.store.services.findings import Finding, Severity

FAILING_WARNING = timedelta(minutes=5)  # the second attempt has failed as well
LATE_WARNING = timedelta(minutes=1)  # a delivery is due, and nobody sends it
SHOWN_MAX = 20


def findings(now: datetime) -> Iterator[Finding]:
    """What `headgate status` says of events and webhooks."""
    rows = Webhook.objects.filter(removed_at=None).filter(
        Q(disabled_at__isnull=False) | Q(failing_since__lt=now - FAILING_WARNING) | Q(dropped__gt=0)
    )
    for row in rows.select_related("organization").order_by("pk")[:SHOWN_MAX]:
        yield from _of(row)
    late = Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lt=now - LATE_WARNING)
    late = late.filter(webhook__failing_since=None)
    if late.exists():
        yield Finding(
            Severity.WARNING,
            phrase(
                "Events that should have been sent to webhooks a minute ago: {number:,}.",
                number=late.count(),
            ),
            "See whether `headgate jobs` runs here.",
        )
    if event_log.is_crowded():
        yield Finding(
            Severity.WARNING,
            phrase(
                "There are {most:,} events: the oldest go before their time.",
                most=event_log.EVENTS_MAX,
            ),
            "Fetch what you want to keep more often, or have it sent by a webhook.",
        )


def _of(row: Webhook) -> Iterator[Finding]:
    name = phrase("The webhook {id} ({host})", id=row.id, host=webhooks.host(row))
    if row.organization:
        name = phrase(
            "The webhook {id} of {owner} ({host})",
            id=row.id,
            owner=row.organization.name,
            host=webhooks.host(row),
        )
    if row.disabled_at is not None and row.failing_since is not None:
        yield Finding(
            Severity.WARNING,
            phrase(
                "{name} is sent nothing more: {reason}",
                name=name,
                reason=row.disabled_reason,
            ),
            phrase(
                "Mend the receiver, then: headgate webhook enable {id}. What was missed stands in"
                " `headgate events`.",
                id=row.id,
            ),
        )
    elif row.disabled_at is None and row.failing_since is not None:
        yield Finding(
            Severity.WARNING,
            phrase(
                "{name} has failed since {since:%Y-%m-%d %H:%M} UTC.",
                name=name,
                since=row.failing_since,
            ),
            phrase("See why: headgate webhook deliveries {id}.", id=row.id),
        )
    if row.dropped:
        yield Finding(
            Severity.WARNING,
            phrase(
                "{name} was not sent {events}: {most:,} waited already.",
                name=name,
                events=phrase("1 event")
                if row.dropped == 1
                else phrase("{number:,} events", number=row.dropped),
                most=event_log.WAITING_MAX,
            ),
            "Have it answer faster, or choose fewer kinds of events.",
        )
