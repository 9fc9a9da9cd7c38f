"""What may be forgotten? Rows that have had their time; what is forgotten is counted."""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet

from headgate.store import tries
from headgate.store.models import (
    AuditEntry,
    Block,
    ClientSecret,
    Delivery,
    DeviceGrant,
    EventMark,
    IdempotencyRecord,
    Invitation,
    Mail,
    QuotaHolder,
    QuotaLease,
    QuotaUse,
    RefreshGrant,
)
from headgate.store.services.alerts import event_log
from headgate.store.services.catalog import feedback

BLOCKS_KEPT = timedelta(days=1)  # a node that was away longer meets blocks that have ended
AUDIT_KEPT = timedelta(days=400)  # over a year: the last yearly review can be looked up
ANSWERS_KEPT = timedelta(hours=24)  # answers to creates with an Idempotency-Key
GRANTS_KEPT = timedelta(hours=1)  # a late device hears that it is late, not that it is unknown
LEASES_KEPT = timedelta(hours=1)  # after their window: a node's clock may be late
HOLDERS_KEPT = timedelta(days=32)  # the longest window, and then some
MAILS_KEPT = timedelta(days=30)  # that it was sent; its text went at once
INVITATIONS_KEPT = timedelta(days=90)  # who was invited by whom
DELIVERIES_KEPT = timedelta(days=14)  # after they were settled
ROWS_AT_ONCE = 1000  # a deletion keeps other writers waiting no longer than that takes

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many rows were forgotten."""

    blocks: int
    audit_entries: int
    answers: int
    grants: int
    leases: int
    sessions: int
    mails: int
    invitations: int
    events: int
    tries: int
    feedback: int = 0

    def __bool__(self) -> bool:
        return any(astuple(self))


def tidy(now: datetime) -> Tidied:
    """Forget some of what is over, at most `ROWS_AT_ONCE` of each kind; true: call again."""
    return Tidied(
        blocks=_forget(Block.objects.filter(expires_at__lt=now - BLOCKS_KEPT)),
        audit_entries=_forget(AuditEntry.objects.filter(at__lt=now - AUDIT_KEPT)),
        answers=_forget(IdempotencyRecord.objects.filter(created_at__lt=now - ANSWERS_KEPT)),
        grants=sum(
            _forget(model.objects.filter(expires_at__lt=now - GRANTS_KEPT))
            for model in (DeviceGrant, RefreshGrant, ClientSecret)
        ),
        leases=_forget(QuotaLease.objects.filter(ends_at__lt=now - LEASES_KEPT))
        + _forget(QuotaHolder.objects.filter(ended_at__lt=now - HOLDERS_KEPT))
        + _forget(QuotaUse.objects.filter(ends_at__lt=now - LEASES_KEPT)),
        sessions=_forget(Session.objects.filter(expire_date__lt=now)),
        mails=_forget(Mail.objects.filter(due_at=None, created_at__lt=now - MAILS_KEPT)),
        invitations=_forget(Invitation.objects.filter(expires_at__lt=now - INVITATIONS_KEPT)),
        events=_forget(Delivery.objects.filter(settled_at__lt=now - DELIVERIES_KEPT))
        + _forget(event_log.may_be_forgotten(now))
        + _forget(EventMark.objects.filter(forget_at__lt=now)),
        tries=tries.forget(now),
        feedback=feedback.forget_givers(now),
    )


def _forget(rows: QuerySet[M]) -> int:
    chosen = list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_AT_ONCE])
    return rows.model._default_manager.filter(pk__in=chosen).delete()[0]  # noqa: SLF001  # public
