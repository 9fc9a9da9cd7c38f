"""Which keys end by themselves soon? Told once for each key and end."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from headgate.model.access import CredentialKind
from headgate.model.events import EventKind
from headgate.store.models import Credential, EventMark
from headgate.store.services.alerts import event_log
from headgate.store.services.transactions import change

TOLD_BEFORE = timedelta(days=7)
MARKS_KEPT = timedelta(days=2)  # after the end: the key is expiring no more
KEYS_BATCH = 300
SECRETS = (CredentialKind.KEY, CredentialKind.BASIC)


def tell(now: datetime) -> int:
    """Publish an event for each key that ends within `TOLD_BEFORE`; how many were told.

    Not for one that was replaced: its owner ended it, and has another.
    """
    told, last = 0, 0
    while True:
        keys = list(_expiring(now).filter(pk__gt=last).order_by("pk")[:KEYS_BATCH])
        if not keys:
            return told
        last = keys[-1].pk
        names = {f"{EventKind.KEY_EXPIRING} {_mark(key)}": key for key in keys}
        known = EventMark.objects.filter(name__in=names).values_list("name", flat=True)
        for name in names.keys() - set(known):
            told += _tell(names[name], now)


def _expiring(now: datetime) -> QuerySet[Credential]:
    rows = Credential.objects.filter(kind__in=SECRETS, revoked_at=None, replaced_by=None)
    rows = rows.filter(expires_at__gt=now, expires_at__lte=now + TOLD_BEFORE)
    return rows.filter(application__removed_at=None).select_related("application__organization")


@change()
def _tell(key: Credential, now: datetime) -> bool:
    if key.expires_at is None:
        return False
    event = event_log.publish_once(
        now,
        EventKind.KEY_EXPIRING,
        _mark(key),
        until=key.expires_at + MARKS_KEPT,
        subject=key.id,
        organization=key.application.organization,
        data={
            "key": key.id,
            "kind": key.kind,
            "name": key.name,
            "prefix": key.prefix,
            "application": key.application.path,
            "expires_at": key.expires_at.isoformat(),
        },
    )
    return event is not None


def _mark(key: Credential) -> str:
    return f"{key.id} {key.expires_at}"
