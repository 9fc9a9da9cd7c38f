"""Who is told by mail that keys end soon? Those who can renew them, 30, 7 and 1 day before.

Once for each key, end and distance: the mark and the mails are one transaction. Keys of an
organization that come up together stand in one mail. A key that was made with less time than a
distance is not told of at it: its owner has just chosen that end.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from headgate.model.access import CredentialKind
from headgate.store.models import Credential, EventMark, Organization
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import notices
from headgate.store.services.alerts.mail_choices import MailKind
from headgate.store.services.transactions import change

DAYS_BEFORE = (1, 7, 30)
KEYS_BATCH = 300  # looked at in one transaction
KEYS_LISTED_MAX = 20  # in one mail; it says how many more there are
MARKS_KEPT = timedelta(days=2)  # after the end: it is not coming up again
KINDS = (CredentialKind.KEY, CredentialKind.BASIC, CredentialKind.OAUTH_CLIENT)


def tell(now: datetime) -> int:
    """Queue the mails that are due; how many keys and clients they tell of."""
    told, nearer = 0, timedelta(0)
    for days in DAYS_BEFORE:
        distance = timedelta(days=days)
        last = 0
        while keys := list(_ending(now, nearer, distance).filter(pk__gt=last)[:KEYS_BATCH]):
            last = keys[-1].pk
            told += _tell(keys, days, now)
        nearer = distance
    return told


def _ending(now: datetime, nearer: timedelta, distance: timedelta) -> QuerySet[Credential]:
    """Keys that end after `nearer` and within `distance`, and were made before that."""
    rows = Credential.objects.filter(kind__in=KINDS, revoked_at=None, replaced_by=None)
    rows = rows.filter(expires_at__gt=now + nearer, expires_at__lte=now + distance)
    rows = rows.filter(
        created_at__lt=F("expires_at") - distance,
        application__removed_at=None,
        application__organization__removed_at=None,
    )
    return rows.select_related("application__organization").order_by("pk")


@change()
def _tell(keys: list[Credential], days: int, now: datetime) -> int:
    marks = {f"mail {days} {key.id} {key.expires_at}": key for key in keys}
    known = set(EventMark.objects.filter(name__in=marks).values_list("name", flat=True))
    new = {name: key for name, key in marks.items() if name not in known}
    EventMark.objects.bulk_create(
        EventMark(name=name, forget_at=key.expires_at + MARKS_KEPT)
        for name, key in new.items()
        if key.expires_at is not None
    )
    by_owner: dict[Organization, list[Credential]] = defaultdict(list)
    for key in new.values():
        by_owner[key.application.organization].append(key)
    for owner, ending in by_owner.items():
        _queue(Actor.system("expiry", now), owner, ending, days)
    return len(new)


def _queue(actor: Actor, owner: Organization, keys: list[Credential], days: int) -> None:
    applications = {key.application_id: key.application for key in keys}
    for user, theirs in notices.recipients(owner, applications.values()):
        with translation.override(notices.language_of(user)):
            own = {row.pk for row in theirs}
            subject = (
                _("Keys of %(organization)s end within a day")
                if days == 1
                else _("Keys of %(organization)s end within %(days)s days")
            )
            names = {"organization": owner.title or owner.name, "days": days}
            lines = [
                _("These stop working by themselves; calls with them are refused then:"),
                "\n".join(_lines([key for key in keys if key.application_id in own])),
                _("Replace each in time; old and new can both work for a while:"),
                notices.address("/applications"),
            ]
            notices.tell(actor, user, MailKind.KEYS_ENDING, subject % names, lines)


def _lines(keys: list[Credential]) -> Iterable[str]:
    for key in keys[:KEYS_LISTED_MAX]:
        ends = f"{key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else ""
        shown = " ".join(
            part for part in (key.name, f"{key.prefix}…" if key.prefix else "") if part
        )
        yield f"- {key.application.path}: {shown or key.id}, {ends}"
    if len(keys) > KEYS_LISTED_MAX:
        yield _("- and %(number)s more") % {"number": len(keys) - KEYS_LISTED_MAX}
