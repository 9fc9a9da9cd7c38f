"""Which webhooks are not well? Those that fail, were disabled by that, or had too much to send."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q

from headgate.alerts.webhooks import DeliveryState
from headgate.core.units import count
from headgate.store.models import Delivery, Webhook
from headgate.store.services import event_log, webhooks
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
            f"{count(late.count(), 'event')} should have been sent to webhooks a minute ago.",
            "See whether `headgate jobs` runs here.",
        )
    if event_log.is_crowded():
        yield Finding(
            Severity.WARNING,
            f"There are {event_log.EVENTS_MAX:,} events: the oldest go before their time.",
            "Fetch what you want to keep more often, or have it sent by a webhook.",
        )


def _of(row: Webhook) -> Iterator[Finding]:
    owner = f" of {row.organization.name}" if row.organization else ""
    name = f"The webhook {row.id}{owner} ({webhooks.host(row)})"
    if row.disabled_at is not None and row.failing_since is not None:
        yield Finding(
            Severity.WARNING,
            f"{name} is sent nothing more: {row.disabled_reason}",
            f"Mend the receiver, then: headgate webhook enable {row.id}. What was missed stands in"
            " `headgate events`.",
        )
    elif row.disabled_at is None and row.failing_since is not None:
        yield Finding(
            Severity.WARNING,
            f"{name} has failed since {row.failing_since:%Y-%m-%d %H:%M} UTC.",
            f"See why: headgate webhook deliveries {row.id}.",
        )
    if row.dropped:
        yield Finding(
            Severity.WARNING,
            f"{name} was not sent {count(row.dropped, 'event')}: {event_log.WAITING_MAX:,} waited"
            " already.",
            "Have it answer faster, or choose fewer kinds of events.",
        )
