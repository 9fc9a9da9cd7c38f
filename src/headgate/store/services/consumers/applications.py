"""Which applications are there? Each belongs to an organization, holds keys and subscriptions."""

from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import (
    AccessRequest,
    Application,
    Credential,
    Organization,
    Subscription,
)
from headgate.store.models.rows import DESCRIPTION_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.consumers import data_access_ends, organizations, reach, teams
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    as_fields,
    check_name,
    check_text,
    invalid,
    page_of,
)


def page(
    actor: Actor,
    *,
    organization: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Application]:
    """Applications in the order in which they were made.

    Raises:
        Problem: NOT_FOUND for an organization that the actor may not know of.
    """
    actor.require(Scope.READ)
    rows = visible(actor)
    if organization is not None:
        rows = rows.filter(organization=organizations.find(actor, organization))
    return page_of(rows, cursor, limit)


def get(actor: Actor, path: str) -> Application:
    """One application by `acme/demo`, by its id, or by `demo` where only one has that name.

    Raises:
        Problem: NOT_FOUND; INVALID_INPUT when several have the name.
    """
    actor.require(Scope.READ)
    return find(actor, path)


@change()
def create(
    actor: Actor,
    *,
    name: str,
    organization: str,
    description: str = "",
    team: str | None = None,
    create_organization: bool = False,
) -> Application:
    """A new application, of a `team` that the actor may know of, or of none.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: the organization or the team;
            INVALID_INPUT; ALREADY_EXISTS.
    """
    actor.require(Scope.KEYS)
    check_name(name)
    check_text(description, DESCRIPTION_CHARACTERS_MAX, "/description")
    owner = _owner(actor, organization, create_organization=create_organization)
    if owner.applications.filter(name=name, removed_at=None).exists():
        raise already_exists("an application", f"{owner.name}/{name}")
    application = Application.objects.create(
        id=new_id("app"),
        created_at=actor.at,
        changed=feed.next_sequence(),
        organization=owner,
        team=teams.find(actor, owner.name, team) if team else None,
        name=name,
        description=description,
    )
    audit.record(
        actor,
        Action.APPLICATION_CREATED,
        application.path,
        after=fields(application),
        organization=owner,
    )
    return application


@change()
def update(
    actor: Actor,
    path: str,
    *,
    description: str | None = None,
    is_suspended: bool | None = None,
    team: str | None = None,
) -> Application:
    """Change what is not None. Suspending stops all keys of the application. A `team` that is
    empty takes it from its team: it is then for all of the organization.

    Raises:
        Problem: FORBIDDEN without the scope `keys`, and for another team without `members`;
            NOT_FOUND: the application or the team; INVALID_INPUT.
    """
    actor.require(Scope.KEYS)
    application = find(actor, path)
    before = fields(application)
    if description is not None:
        check_text(description, DESCRIPTION_CHARACTERS_MAX, "/description")
        application.description = description
    if is_suspended is not None:
        application.is_suspended = is_suspended
    if team is not None and team != (application.team.name if application.team else ""):
        if actor.organization is not None:
            actor.require(Scope.MEMBERS)
        owner = application.organization.name
        application.team = teams.find(actor, owner, team) if team else None
    if fields(application) == before:
        return application
    application.changed = feed.next_sequence()
    application.save()
    audit.record(
        actor,
        Action.APPLICATION_CHANGED,
        application.path,
        before=before,
        after=fields(application),
        organization=application.organization,
    )
    return application


@change()
def delete(actor: Actor, path: str) -> None:
    """Delete an application: its keys are revoked, its subscriptions cancelled.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND.
    """
    actor.require(Scope.KEYS)
    application = find(actor, path)
    keys = Credential.objects.filter(application=application, revoked_at=None)
    subscriptions = Subscription.objects.filter(application=application, removed_at=None)
    feed.touch(list(keys))
    feed.touch(list(subscriptions))
    before = fields(application) | {
        "keys_revoked": keys.update(revoked_at=actor.at),
        "subscriptions_cancelled": subscriptions.update(removed_at=actor.at),
    }
    asked = AccessRequest.objects.filter(application=application)
    data_access_ends.end_all(actor, asked, "The application was deleted.")
    application.removed_at = actor.at
    application.changed = feed.next_sequence()
    application.save()
    audit.record(
        actor,
        Action.APPLICATION_DELETED,
        application.path,
        before=before,
        organization=application.organization,
    )


def visible(actor: Actor) -> QuerySet[Application]:
    """The applications that the actor may know of."""
    rows = Application.objects.filter(removed_at=None).select_related("organization", "team")
    return reach.within(actor, rows)


def find(actor: Actor, path: str) -> Application:
    """One visible application by path, id or unambiguous name.

    Raises:
        Problem: NOT_FOUND; INVALID_INPUT when several have the name.
    """
    organization, _, name = path.rpartition("/")
    rows = visible(actor)
    if organization:
        rows = rows.filter(organization__name=organization, name=name)
    elif name.startswith("app_"):
        rows = rows.filter(id=name)
    else:
        rows = rows.filter(name=name)
    found = list(rows[:2])
    if not found:
        raise not_found("application", path)
    if len(found) > 1:
        raise invalid(
            phrase(
                "Several organizations have an application '{name}'; write ORGANIZATION/{name}.",
                name=name,
            )
        )
    return found[0]


def fields(application: Application) -> dict[str, Any]:
    """What the audit log keeps of an application."""
    own = as_fields(application, "id", "path", "description", "is_suspended")
    return own | {"team": application.team.name if application.team else ""}


def _owner(actor: Actor, name: str, *, create_organization: bool) -> Organization:
    owner = organizations.visible(actor).filter(name=name).first()
    if owner is not None:
        return owner
    if create_organization:
        return organizations.create(actor, name=name)
    raise not_found("organization", name)
