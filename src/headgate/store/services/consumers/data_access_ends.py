"""How does access to sensitive data end by itself? With its time, its mark, or its application.

Gateways refuse from the very end on, whoever runs here; this tells of it.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, QuerySet

from headgate.access.data_access import OPEN, WARNED_DAYS, AccessState, AccessStep
from headgate.model.events import TOLD, EventKind
from headgate.store.models import AccessRequest
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import data_access_mails, event_log
from headgate.store.services.consumers import data_access_steps
from headgate.store.services.transactions import change

AT_ONCE_MAX = 100  # requests of one round
WARNED_BEFORE = timedelta(days=WARNED_DAYS)
CONTEXT = ("application__organization", "mark__api", "user")


@dataclass(frozen=True, slots=True)
class Tended:
    """How many grants have lapsed, and of how many it was told that they will soon."""

    lapsed: int
    warned: int

    @property
    def is_more(self) -> bool:
        """Whether there may be more to do at once."""
        return AT_ONCE_MAX in {self.lapsed, self.warned}


def end_all(actor: Actor, rows: QuerySet[AccessRequest], why: str) -> None:
    """End what is open of these, in the caller's transaction."""
    for row in rows.filter(state__in=OPEN).select_related(*CONTEXT).order_by("pk"):
        data_access_steps.take(actor, row, AccessStep.END, word=why)


def tend(actor: Actor) -> Tended:
    """Write down which grants have reached their end, and tell of those that are about to."""
    over = AccessRequest.objects.filter(state=AccessState.GRANTED, until__lte=actor.at)
    ending = AccessRequest.objects.filter(
        state=AccessState.GRANTED,
        warned_at=None,
        until__gt=actor.at,
        until__lte=actor.at + WARNED_BEFORE,
        decided_at__lt=F("until") - WARNED_BEFORE,  # a shorter one: its owner knows
    )
    lapsed = _lapse(actor, over) if over.exists() else 0
    warned = _warn(actor, ending) if ending.exists() else 0
    return Tended(lapsed, warned)


@change()
def _lapse(actor: Actor, rows: QuerySet[AccessRequest]) -> int:
    found = list(rows.select_related(*CONTEXT).order_by("until")[:AT_ONCE_MAX])
    for row in found:
        data_access_steps.take(actor, row, AccessStep.LAPSE)
    return len(found)


@change()
def _warn(actor: Actor, rows: QuerySet[AccessRequest]) -> int:
    found = list(rows.select_related(*CONTEXT).order_by("until")[:AT_ONCE_MAX])
    for row in found:
        row.warned_at = actor.at
        row.save(update_fields=["warned_at"])
        known = data_access_steps.fields(row) | {"access": row.id}
        event_log.publish(
            actor.at,
            EventKind.ACCESS_ENDING,
            subject=row.id,
            data={name: known[name] for name in TOLD[EventKind.ACCESS_ENDING].data},
            organization=row.application.organization,
        )
        data_access_mails.ending(actor, row)
    return len(found)
