"""Which organizations are there? They own applications, and see nothing of one another."""

from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import Application, Organization
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.alerts import event_log
from headgate.store.services.audit import Action
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    as_fields,
    check_name,
    check_text,
    page_of,
    refused,
)


def page(
    actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Organization]:
    """Organizations in the order in which they were made."""
    actor.require(Scope.READ)
    return page_of(visible(actor), cursor, limit)


def get(actor: Actor, name: str) -> Organization:
    """One organization.

    Raises:
        Problem: NOT_FOUND, also when the actor may not know of it.
    """
    actor.require(Scope.READ)
    return find(actor, name)


@change()
def create(actor: Actor, *, name: str, title: str = "") -> Organization:
    """A new organization.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; INVALID_INPUT; ALREADY_EXISTS.
    """
    actor.require_operator(Scope.ADMIN, "organization")
    check_name(name)
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    if Organization.objects.filter(name=name, removed_at=None).exists():
        raise already_exists("an organization", name)
    organization = Organization.objects.create(
        id=new_id("org"), created_at=actor.at, name=name, title=title
    )
    audit.record(
        actor,
        Action.ORGANIZATION_CREATED,
        name,
        after=fields(organization),
        organization=organization,
    )
    return organization


@change()
def update(
    actor: Actor, name: str, *, title: str | None = None, is_suspended: bool | None = None
) -> Organization:
    """Change what is not None. Suspending stops all keys of the organization's applications.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND; INVALID_INPUT.
    """
    actor.require_operator(Scope.ADMIN, "organization")
    organization = find(actor, name)
    before = fields(organization)
    if title is not None:
        check_text(title, TITLE_CHARACTERS_MAX, "/title")
        organization.title = title
    is_switched = is_suspended is not None and is_suspended != organization.is_suspended
    if is_suspended is not None:
        organization.is_suspended = is_suspended
    if fields(organization) == before:
        return organization
    organization.save()
    if is_switched:
        feed.touch(list(Application.objects.filter(organization=organization, removed_at=None)))
    audit.record(
        actor,
        Action.ORGANIZATION_CHANGED,
        name,
        before=before,
        after=fields(organization),
        organization=organization,
    )
    return organization


@change()
def delete(actor: Actor, name: str) -> None:
    """Delete an organization that has no applications.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND; CONFLICT while it has any.
    """
    actor.require_operator(Scope.ADMIN, "organization")
    organization = find(actor, name)
    first = organization.applications.filter(removed_at=None).first()
    if first is not None:
        raise refused(
            phrase(
                "The organization '{name}' still has the application '{first_name}'.",
                name=name,
                first_name=first.name,
            ),
            "Delete its applications first.",
        )
    organization.removed_at = actor.at
    organization.save()
    organization.tokens.filter(removed_at=None).update(removed_at=actor.at)
    event_log.end_webhooks(organization.webhooks.all(), actor.at)
    audit.record(
        actor,
        Action.ORGANIZATION_DELETED,
        name,
        before=fields(organization),
        organization=organization,
    )


def visible(actor: Actor) -> QuerySet[Organization]:
    """The organizations that the actor may know of."""
    rows = Organization.objects.filter(removed_at=None)
    return rows if actor.organization is None else rows.filter(name=actor.organization)


def find(actor: Actor, name: str) -> Organization:
    """One visible organization.

    Raises:
        Problem: NOT_FOUND.
    """
    organization = visible(actor).filter(name=name).first()
    if organization is None:
        raise not_found("organization", name)
    return organization


def fields(organization: Organization) -> dict[str, Any]:
    """What the audit log keeps of an organization."""
    return as_fields(organization, "id", "name", "title", "is_suspended")
