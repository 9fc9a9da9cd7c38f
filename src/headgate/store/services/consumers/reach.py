"""Of which applications may an actor know, and of what belongs to them? The one place that says it.

Operators: of all. An organization's owners and its tokens: of all that it has. Everybody else in
it: of the applications of no team, and of those of teams that they have a place in. Fails closed:
what is out of reach does not exist for the actor (404), and what cannot be told apart by
application (events, an organization's webhooks, the audit log) is for those alone whom no team
limits.
"""

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from headgate.store.models import (
    Application,
    Membership,
    Organization,
    Team,
    TeamPlace,
    User,
)
from headgate.store.services.actor import Actor
from headgate.store.services.consumers.roles import MemberRole

M = TypeVar("M", bound=Model)


def within(actor: Actor, rows: QuerySet[M], way: str = "") -> QuerySet[M]:
    """Those of `rows` that belong to applications which the actor may know of.

    `way` leads from a row to its application; empty where the rows are applications.
    """
    if actor.organization is None:
        return rows
    to = f"{way}__" if way else ""
    rows = of_organization(actor, rows, way)
    if actor.teams is None:
        return rows
    return rows.filter(Q(**{f"{to}team": None}) | Q(**{f"{to}team__in": actor.teams}))


def of_organization(actor: Actor, rows: QuerySet[M], way: str = "") -> QuerySet[M]:
    """Those of `rows` that belong to the actor's organization, whichever team it is in.

    `way` leads from a row to what has an `organization`.
    """
    if actor.organization is None:
        return rows
    to = f"{way}__organization__" if way else "organization__"
    return rows.filter(**{f"{to}name": actor.organization, f"{to}removed_at": None})


def of_whole(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    """As `of_organization`, of what tells of all applications at once: none where a team limits."""
    return of_organization(actor, rows) if actor.teams is None else rows.none()


def of_teams(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    """As `of_organization`, of what is for one `team` or for all: where a team limits, for its
    teams alone."""
    rows = of_organization(actor, rows)
    return rows if actor.teams is None else rows.filter(team__in=actor.teams)


def team_of(organization: Organization, path: str) -> int | None:
    """The row of the team that an application is in, by its path, also of a former one; None: in
    no team."""
    rows = Application.objects.filter(organization=organization, name=path.partition("/")[2])
    return rows.order_by("-pk").values_list("team", flat=True).first()


def applications_of(actor: Actor) -> tuple[str, ...] | None:
    """The ids of the applications, former ones too, that a team leaves an actor; None: no team
    limits it."""
    if actor.teams is None:
        return None
    return tuple(within(actor, Application.objects.all()).values_list("id", flat=True))


def teams_of(place: Membership) -> frozenset[int] | None:
    """The teams that limit a member; None: they own the organization, or it has no teams."""
    if place.role == MemberRole.OWNER:
        return None
    own = TeamPlace.objects.filter(team=OuterRef("pk"), membership=place, removed_at=None)
    rows = Team.objects.filter(organization=place.organization, removed_at=None)
    found = dict(rows.annotate(is_own=Exists(own)).values_list("pk", "is_own"))
    return frozenset(row for row, is_own in found.items() if is_own) if found else None


def readers(
    users: Iterable[User], organization: Organization, applications: Iterable[Application]
) -> list[tuple[User, list[Application]]]:
    """Which of an organization's `applications` each of its members may know of; who may know of
    none is left out."""
    asked = list(applications)
    teams = {row.team_id for row in asked}
    owners = organization.memberships.filter(role=MemberRole.OWNER, removed_at=None)
    owning = set(owners.values_list("user_id", flat=True))
    places = TeamPlace.objects.filter(team__in=teams - {None}, removed_at=None)
    held = set(
        places.filter(membership__removed_at=None).values_list("membership__user_id", "team_id")
    )

    def own(user: User) -> list[Application]:
        return [
            row
            for row in asked
            if row.team_id is None or user.pk in owning or (user.pk, row.team_id) in held
        ]

    return [(user, found) for user in users if (found := own(user))]
