"""Who asks for sensitive data, and who lets them have it, until when?

Fails closed: without a grant in force the gateways refuse. Organizations ask and withdraw; those
who may decide (`data_access_judges`) grant, refuse and revoke.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from headgate.access.data_access import AccessState, AccessStep
from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import AccessRequest, SensitiveMark, User
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.alerts import data_access_mails
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis, catalogue
from headgate.store.services.consumers import (
    applications,
    data_access_ends,
    data_access_judges,
    reach,
    sensitive_marks,
)
from headgate.store.services.consumers.data_access_steps import record, take
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    check_expiry,
    check_text,
    invalid,
    page_of,
    refused,
)

REQUESTS_OPEN_MAX = 100  # of one organization


def page(
    actor: Actor,
    *,
    state: AccessState | None = None,
    application: str | None = None,
    api: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[AccessRequest]:
    """Requests, newest first."""
    rows = visible(actor)
    if state is not None:
        rows = rows.filter(state=state)
    if application is not None:
        rows = rows.filter(application=applications.find(actor, application))
    if api is not None:
        rows = rows.filter(mark__api__name=api)
    return page_of(rows, cursor, limit, newest_first=True)


def wanted(actor: Actor, api: str, operation: str = "") -> SensitiveMark:
    """The mark that stands before what somebody asks for.

    Raises:
        Problem: NOT_FOUND: there is no such API that the actor may know of; CONFLICT: its data is
            not sensitive.
    """
    version = apis.served(api)
    if actor.organization is not None and not catalogue.is_published(version):
        raise not_found("API", api)
    found = sensitive_marks.of_name(version.api, operation)
    if found is None:
        raise refused(
            phrase("'{value}' gives no sensitive data.", value=" ".join((api, operation)).strip()),
            "There is nothing to ask for: a subscription is enough.",
        )
    return found


@change()
def ask(
    actor: Actor,
    *,
    application: str,
    api: str,
    operation: str = "",
    reason: str,
    days: int | None = None,
) -> AccessRequest:
    """Ask that an application may have sensitive data for `days`, at most as long as its mark says.

    What is granted already may be asked for again: the new grant takes the old one's place.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: the application or API;
            INVALID_INPUT; CONFLICT: the data is not sensitive, it is asked for already, or too
            many requests are open.
    """
    actor.require(Scope.KEYS)
    asking = applications.find(actor, application)
    mark = wanted(actor, api, operation)
    check_text(reason, REASON_CHARACTERS_MAX, "/reason")
    if not reason.strip():
        raise invalid("Say what it is needed for: the owner reads it.", "/reason")
    days = mark.days_max if days is None else days
    if not 1 <= days <= mark.days_max:
        raise invalid(phrase("It is granted for 1 to {most} days.", most=mark.days_max), "/days")
    still_open = AccessRequest.objects.filter(state=AccessState.ASKED)
    if still_open.filter(application=asking, mark=mark).exists():
        raise refused(
            phrase("'{path}' has asked for it already.", path=asking.path), "Wait for the answer."
        )
    own = still_open.filter(application__organization=asking.organization)
    if own.count() >= REQUESTS_OPEN_MAX:
        raise refused(
            phrase("{most} requests are open already.", most=REQUESTS_OPEN_MAX),
            "Withdraw some first.",
        )
    made = AccessRequest.objects.create(
        id=new_id("dar"),
        created_at=actor.at,
        changed=0,
        application=asking,
        mark=mark,
        reason=reason.strip(),
        days=days,
        user=User.objects.filter(id=actor.user).first() if actor.user else None,
        asked_by=actor.name,
    )
    record(actor, Action.ACCESS_ASKED, made, None)
    data_access_mails.asked(actor, made)
    return made


@change()
def grant(
    actor: Actor, request_id: str, *, until: datetime | None = None, word: str = ""
) -> AccessRequest:
    """Let the application have the data until an instant; without one for as long as it wished.

    Raises:
        Problem: FORBIDDEN to whoever may not decide, or has asked and is not the only one who may;
            NOT_FOUND, also for an organization's actor; INVALID_INPUT: the end is past, or beyond
            what the mark allows; CONFLICT: decided.
    """
    row = _decided_by(actor, request_id)
    data_access_judges.check_grants(actor, row)
    ends = until or actor.at + timedelta(days=row.days)
    check_expiry(ends, actor.at)
    if ends > actor.at + timedelta(days=row.mark.days_max):
        raise invalid(
            phrase("It is granted for at most {most} days.", most=row.mark.days_max), "/until"
        )
    before = AccessRequest.objects.filter(
        application=row.application, mark=row.mark, state=AccessState.GRANTED
    )
    if row.state == AccessState.ASKED:
        data_access_ends.end_all(actor, before, f"Replaced by {row.id}.")
    return take(actor, row, AccessStep.GRANT, word=word, until=ends)


@change()
def refuse(actor: Actor, request_id: str, *, word: str) -> AccessRequest:
    """Say no, and why.

    Raises:
        Problem: as `grant`; INVALID_INPUT without a word.
    """
    row = _decided_by(actor, request_id)
    if not word.strip():
        raise invalid("Say why: those who asked read it.", "/word")
    return take(actor, row, AccessStep.REFUSE, word=word)


@change()
def revoke(actor: Actor, request_id: str, *, word: str = "") -> AccessRequest:
    """Take a grant away before its end.

    Raises:
        Problem: as `grant`; CONFLICT: it is not granted.
    """
    return take(actor, _decided_by(actor, request_id), AccessStep.REVOKE, word=word)


@change()
def withdraw(actor: Actor, request_id: str) -> AccessRequest:
    """Ask no longer, or give a grant back.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND; CONFLICT: over already.
    """
    actor.require(Scope.KEYS)
    return take(actor, find(actor, request_id), AccessStep.WITHDRAW)


def visible(actor: Actor) -> QuerySet[AccessRequest]:
    """The requests that the actor may know of."""
    actor.require(Scope.READ)
    rows = AccessRequest.objects.select_related(*data_access_ends.CONTEXT)
    if actor.organization is None:
        return rows
    return reach.within(actor, rows.filter(application__removed_at=None), "application")


def find(actor: Actor, request_id: str) -> AccessRequest:
    """One visible request.

    Raises:
        Problem: NOT_FOUND.
    """
    found = visible(actor).filter(id=request_id).first()
    if found is None:
        raise not_found("access request", request_id)
    return found


def grant_at(application_id: str, mark: SensitiveMark, at: datetime) -> AccessRequest | None:
    """The grant that was in force for an application at an instant."""
    rows = AccessRequest.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=at),
        application__id=application_id,
        mark=mark,
        decided_at__lte=at,
        until__gt=at,
    )
    return rows.order_by("-pk").first()


def _decided_by(actor: Actor, request_id: str) -> AccessRequest:
    row = find(actor, request_id)
    data_access_judges.check_decides(actor, row)
    return row
