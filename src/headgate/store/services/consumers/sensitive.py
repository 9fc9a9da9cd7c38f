"""What gives sensitive data? Marks on APIs and operations, in force at once on every gateway.

A mark holds in all versions and outlives releases, rollbacks and imports: it is no part of what a
revision holds, but travels beside it. Nothing is opened by a document that names an operation
anew: method and path count as well as the id.
"""

from typing import Any

from django.db.models import QuerySet

from headgate.access.data_access import DAYS_DEFAULT, DAYS_MAX
from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import AccessRequest, SensitiveMark
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis
from headgate.store.services.consumers import data_access_ends, sensitive_marks
from headgate.store.services.consumers.people import checked_email
from headgate.store.services.gateway import publishing
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    as_fields,
    check_text,
    invalid,
    page_of,
    refused,
)

MARKS_MAX = 1_000  # all of them travel with every revision


def page(
    actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[SensitiveMark]:
    """Marks in the order in which they were made."""
    return page_of(visible(actor), cursor, limit)


def visible(actor: Actor) -> QuerySet[SensitiveMark]:
    """The marks that the actor may know of: all, or none at all.

    Raises:
        Problem: FORBIDDEN without the scope `read`; NOT_FOUND for an organization's actor.
    """
    actor.require_operator(Scope.READ, "sensitive data")
    return sensitive_marks.live()


def find(actor: Actor, mark_id: str) -> SensitiveMark:
    """One mark.

    Raises:
        Problem: NOT_FOUND.
    """
    found = visible(actor).filter(id=mark_id).first()
    if found is None:
        raise not_found("mark", mark_id)
    return found


@change()
def mark(
    actor: Actor,
    *,
    api: str,
    operation: str = "",
    owner: str,
    why: str,
    days_max: int = DAYS_DEFAULT,
) -> SensitiveMark:
    """Let only applications with a grant call an API, or one operation of it, from now on.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND: the API or operation;
            INVALID_INPUT; ALREADY_EXISTS; CONFLICT: too many marks.
    """
    actor.require_operator(Scope.WRITE, "API")
    version = apis.served(api)
    place = _place(api, operation)
    if sensitive_marks.live().filter(api=version.api, operation=operation).exists():
        raise already_exists("a mark at", f"{version.api.name} {operation}".strip(), "Change it.")
    if sensitive_marks.live().count() >= MARKS_MAX:
        raise refused(
            phrase("There are {most:,} marks already.", most=MARKS_MAX), "Mark whole APIs."
        )
    made = SensitiveMark(
        id=new_id("mrk"), created_at=actor.at, api=version.api, operation=operation, **place
    )
    _set(made, owner=owner, why=why, days_max=days_max)
    made.save()
    audit.record(actor, Action.MARKED_SENSITIVE, made.place, after=fields(made))
    publishing.renew(actor, f"sensitive {made.place}")
    return made


@change()
def update(
    actor: Actor,
    mark_id: str,
    *,
    owner: str | None = None,
    why: str | None = None,
    days_max: int | None = None,
) -> SensitiveMark:
    """Change what is not None. Grants that were given stay as they are.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT.
    """
    actor.require_operator(Scope.WRITE, "mark")
    row = find(actor, mark_id)
    before = fields(row)
    _set(row, owner=owner, why=why, days_max=days_max)
    if fields(row) != before:
        row.save()
        audit.record(actor, Action.MARK_CHANGED, row.place, before=before, after=fields(row))
    return row


@change()
def unmark(actor: Actor, mark_id: str) -> None:
    """Open it to every subscriber again. Requests and grants end: a new mark has none.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND.
    """
    actor.require_operator(Scope.WRITE, "mark")
    row = find(actor, mark_id)
    row.removed_at = actor.at
    row.save()
    audit.record(actor, Action.MARK_REMOVED, row.place, before=fields(row))
    data_access_ends.end_all(actor, AccessRequest.objects.filter(mark=row), "Sensitive no longer.")
    publishing.renew(actor, f"not sensitive {row.place}")


def fields(row: SensitiveMark) -> dict[str, Any]:
    """What the audit log keeps of a mark."""
    return as_fields(row, "id", "operation", "owner", "why", "days_max") | {"api": row.api.name}


def _place(api: str, operation: str) -> dict[str, str]:
    """Method and path of an operation."""
    if not operation:
        return {}
    rows = apis.served(api).operations.filter(id=operation, removed_at=None)
    found = rows.first()
    if found is None:
        raise not_found("operation", f"{api} {operation}")
    return {"method": found.method, "path": found.path}


def _set(row: SensitiveMark, *, owner: str | None, why: str | None, days_max: int | None) -> None:
    if owner is not None:
        row.owner = checked_email(owner, "/owner")
    if why is not None:
        check_text(why, REASON_CHARACTERS_MAX, "/why")
        row.why = why.strip()
        if not row.why:
            raise invalid("Say why it is sensitive: those who ask read it.", "/why")
    if days_max is not None:
        if not 1 <= days_max <= DAYS_MAX:
            raise invalid(phrase("A grant lasts 1 to {most} days.", most=DAYS_MAX), "/days_max")
        row.days_max = days_max
