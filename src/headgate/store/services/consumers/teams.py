"""Which teams does an organization have, and who is in one? `reach` says what follows from it.

Owners make and end teams and give them applications; a team's maintainers say who is in it.
"""

from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType
from headgate.store.models import Application, Membership, Organization, Team, TeamPlace
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.alerts import event_log
from headgate.store.services.audit import Action
from headgate.store.services.consumers import organizations, reach
from headgate.store.services.consumers.roles import TeamRole
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    as_fields,
    check_name,
    check_text,
    count_of,
    page_of,
    refused,
)

TEAMS_MAX = 200  # of one organization


def page(
    actor: Actor, organization: str, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Team]:
    """The teams of an organization that the actor may know of, in the order of their making.

    Raises:
        Problem: NOT_FOUND for an organization that the actor may not know of.
    """
    actor.require(Scope.READ)
    rows = visible(actor).filter(organization=organizations.find(actor, organization))
    return page_of(rows, cursor, limit)


def get(actor: Actor, organization: str, name: str) -> Team:
    """One team.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require(Scope.READ)
    return find(actor, organization, name)


@change()
def create(actor: Actor, organization: str, *, name: str, title: str = "") -> Team:
    """A new team, with nobody in it.

    Raises:
        Problem: FORBIDDEN without the scope `members`; NOT_FOUND; INVALID_INPUT; ALREADY_EXISTS;
            CONFLICT: too many.
    """
    actor.require(Scope.MEMBERS)
    owner = organizations.find(actor, organization)
    check_name(name)
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    present = owner.teams.filter(removed_at=None)
    if present.filter(name=name).exists():
        raise already_exists("a team", f"{owner.name}/{name}")
    if present.count() >= TEAMS_MAX:
        raise refused(
            phrase("'{name}' has {most} teams already.", name=owner.name, most=TEAMS_MAX),
            "Delete one first.",
        )
    team = Team.objects.create(
        id=new_id("tea"), created_at=actor.at, organization=owner, name=name, title=title
    )
    _record(actor, Action.TEAM_CREATED, team, after=fields(team))
    return team


@change()
def update(actor: Actor, organization: str, name: str, *, title: str | None = None) -> Team:
    """Change what is not None.

    Raises:
        Problem: FORBIDDEN for who keeps neither it nor the organization; NOT_FOUND; INVALID_INPUT.
    """
    team = find(actor, organization, name)
    require_keeper(actor, team)
    if title is None or title == team.title:
        return team
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    before = fields(team)
    team.title = title
    team.save()
    _record(actor, Action.TEAM_CHANGED, team, before=before, after=fields(team))
    return team


@change()
def delete(actor: Actor, organization: str, name: str) -> None:
    """End a team that has no applications; its tokens and webhooks end with it.

    Raises:
        Problem: FORBIDDEN without the scope `members`; NOT_FOUND; CONFLICT while it has any: they
            would be open to all of the organization at once.
    """
    actor.require(Scope.MEMBERS)
    team = find(actor, organization, name)
    first = team.applications.filter(removed_at=None).first()
    if first is not None:
        raise refused(
            phrase(
                "The team '{path}' still has the application '{name}'.",
                path=team.path,
                name=first.name,
            ),
            "Give its applications to another team, or to none.",
        )
    team.removed_at = actor.at
    team.save()
    team.places.filter(removed_at=None).update(removed_at=actor.at)
    team.tokens.filter(removed_at=None).update(removed_at=actor.at)
    event_log.end_webhooks(team.webhooks.all(), actor.at)
    _record(actor, Action.TEAM_DELETED, team, before=fields(team))


def places(team: Team) -> QuerySet[TeamPlace]:
    """Who is in a team now."""
    rows = team.places.filter(removed_at=None, membership__removed_at=None)
    return rows.select_related("membership__user")


def members_page(
    actor: Actor,
    organization: str,
    name: str,
    *,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[TeamPlace]:
    """Who is in a team, in the order in which they came.

    Raises:
        Problem: NOT_FOUND.
    """
    return page_of(places(get(actor, organization, name)), cursor, limit)


@change()
def put_member(
    actor: Actor, organization: str, name: str, email: str, role: TeamRole = TeamRole.MEMBER
) -> TeamPlace:
    """Give a member of the organization a place in a team, or another role there.

    Raises:
        Problem: FORBIDDEN for who keeps neither it nor the organization; NOT_FOUND: the team, or
            no such member.
    """
    team = find(actor, organization, name)
    require_keeper(actor, team)
    membership = team.organization.memberships.filter(
        user__email=email.lower(), removed_at=None
    ).first()
    if membership is None:
        raise not_found("member", email)
    return place(actor, team, membership, role)


def place(actor: Actor, team: Team, membership: Membership, role: TeamRole) -> TeamPlace:
    """As `put_member`, for a caller who has seen that it may be; in its transaction."""
    found = places(team).filter(membership=membership).first()
    before = {"role": found.role} if found else None
    if found is None:
        found = TeamPlace.objects.create(
            id=new_id("pla"), created_at=actor.at, team=team, membership=membership, role=role
        )
    elif found.role == role:
        return found
    else:
        found.role = role
        found.save()
    _record(
        actor,
        Action.TEAM_MEMBER_SET,
        team,
        membership.user.email,
        before=before,
        after={"role": role},
    )
    return found


@change()
def remove_member(actor: Actor, organization: str, name: str, email: str) -> None:
    """Take somebody out of a team; everybody may leave one.

    Raises:
        Problem: FORBIDDEN for who keeps neither it nor the organization; NOT_FOUND.
    """
    team = find(actor, organization, name)
    if actor.name != email.lower():
        require_keeper(actor, team)
    found = places(team).filter(membership__user__email=email.lower()).first()
    if found is None:
        raise not_found("member", email)
    found.removed_at = actor.at
    found.save()
    _record(actor, Action.TEAM_MEMBER_REMOVED, team, email.lower(), before={"role": found.role})


def visible(actor: Actor) -> QuerySet[Team]:
    """The teams that the actor may know of: those of its organization, or those that limit it."""
    rows = Team.objects.filter(removed_at=None).select_related("organization")
    rows = reach.of_organization(actor, rows)
    return rows if actor.teams is None else rows.filter(pk__in=actor.teams)


def counted(actor: Actor, organization: Organization) -> QuerySet[Team]:
    """The visible teams of an organization, by name; `people` and `held` count who is in each
    and its applications."""
    places = TeamPlace.objects.filter(removed_at=None, membership__removed_at=None)
    held = Application.objects.filter(removed_at=None)
    rows = visible(actor).filter(organization=organization)
    rows = rows.annotate(people=count_of(places, "team"), held=count_of(held, "team"))
    return rows.order_by("name")


def find(actor: Actor, organization: str, name: str) -> Team:
    """One visible team.

    Raises:
        Problem: NOT_FOUND.
    """
    found = visible(actor).filter(organization__name=organization, name=name).first()
    if found is None:
        raise not_found("team", f"{organization}/{name}")
    return found


def keeps(actor: Actor, team: Team) -> bool:
    """Whether the actor says who is in the team: who manages the organization's members, and the
    team's maintainers."""
    if actor.may(Scope.MEMBERS):
        return True
    own = places(team).filter(membership__user__id=actor.user, role=TeamRole.MAINTAINER)
    return bool(actor.user) and own.exists()


def require_keeper(actor: Actor, team: Team) -> None:
    """Let only those pass who keep the team.

    Raises:
        Problem: FORBIDDEN.
    """
    if not keeps(actor, team):
        raise Problem(
            ProblemType.FORBIDDEN,
            phrase("You are no maintainer of the team '{path}'.", path=team.path),
            "Ask one of them, or an owner of the organization.",
        )


def fields(team: Team) -> dict[str, Any]:
    """What the audit log keeps of a team."""
    return as_fields(team, "id", "name", "title")


def _record(
    actor: Actor,
    action: Action,
    team: Team,
    member: str = "",
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    subject = f"{team.path}/{member}" if member else team.path
    audit.record(actor, action, subject, before=before, after=after, organization=team.organization)
