"""Who belongs to an organization, who is asked to join it, and who founds one?"""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import Invitation, Membership, Organization, User
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.consumers import organizations, reach, teams
from headgate.store.services.consumers.people import checked_email, memberships
from headgate.store.services.consumers.roles import MemberRole, TeamRole
from headgate.store.services.transactions import change
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, Page, page_of, refused

INVITATION_LASTS = timedelta(days=14)
INVITATIONS_OPEN_MAX = 200  # of one organization
MEMBERS_MAX = 5_000  # of one organization
ORGANIZATIONS_OWNED_MAX = 5  # that a person may found


def page(
    actor: Actor, name: str, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Membership]:
    """The members of an organization in the order in which they came.

    Raises:
        Problem: NOT_FOUND for an organization that the actor may not know of.
    """
    actor.require(Scope.READ)
    rows = of(organizations.find(actor, name))
    return page_of(rows, cursor, limit)


def of(organization: Organization) -> QuerySet[Membership]:
    """The members that an organization has now."""
    return organization.memberships.filter(removed_at=None).select_related("user")


def put(actor: Actor, name: str, email: str, role: MemberRole) -> Membership:
    """Make a person a member, or change the role of one. Only operators name a stranger.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND; CONFLICT: the last owner, or too many.
    """
    organization = organizations.find(actor, name)
    actor.require(Scope.MEMBERS)
    is_member = of(organization).filter(user__email=email.lower())
    if actor.organization is not None and not is_member.exists():
        raise not_found("member", email)
    user = User.objects.filter(email=email.lower(), removed_at=None).first()
    if user is None:
        raise not_found("person", email)
    add_member(actor, organization, user, role)
    return of(organization).get(user=user)


def remove(actor: Actor, name: str, email: str) -> None:
    """End a membership.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND; CONFLICT: the last owner.
    """
    remove_member(actor, organizations.find(actor, name), email.lower())


@change()
def found_organization(actor: Actor, user: User, *, name: str, title: str = "") -> Organization:
    """An organization of one's own, made by a person who has signed up, as its owner.

    Raises:
        Problem: INVALID_INPUT; ALREADY_EXISTS; CONFLICT: already in as many as one may found.
    """
    if memberships(user).filter(role=MemberRole.OWNER).count() >= ORGANIZATIONS_OWNED_MAX:
        raise refused(
            phrase("You own {most} organizations already.", most=ORGANIZATIONS_OWNED_MAX),
            "Use one of them.",
        )
    system = Actor.system(user.email, actor.at)
    organization = organizations.create(system, name=name, title=title)
    add_member(system, organization, user, MemberRole.OWNER)
    return organization


@change()
def add_member(actor: Actor, organization: Organization, user: User, role: MemberRole) -> None:
    """Make a person a member, or change the role of one.

    Raises:
        Problem: FORBIDDEN without the scope `members`; CONFLICT: the last owner, or too many.
    """
    actor.require(Scope.MEMBERS)
    found = organization.memberships.filter(user=user, removed_at=None).first()
    if found is None:
        if organization.memberships.filter(removed_at=None).count() >= MEMBERS_MAX:
            raise refused(
                phrase(
                    "'{name}' has {most:,} members already.",
                    name=organization.name,
                    most=MEMBERS_MAX,
                ),
                "Remove some first.",
            )
        Membership.objects.create(
            id=new_id("mem"), created_at=actor.at, organization=organization, user=user, role=role
        )
        _note(actor, Action.MEMBER_ADDED, organization, user.email, after={"role": role})
    elif found.role != role:
        before, found.role = found.role, role
        found.save()
        _check_owner(organization)
        _note(
            actor,
            Action.MEMBER_CHANGED,
            organization,
            user.email,
            before={"role": before},
            after={"role": role},
        )


@change()
def remove_member(actor: Actor, organization: Organization, email: str) -> None:
    """End a membership: the person's own (leaving), or another's.

    Raises:
        Problem: FORBIDDEN without the scope `members`; NOT_FOUND; CONFLICT: the last owner.
    """
    if actor.name != email:
        actor.require(Scope.MEMBERS)
    found = organization.memberships.filter(user__email=email, removed_at=None).first()
    if found is None:
        raise not_found("member", email)
    found.removed_at = actor.at
    found.save()
    found.places.filter(removed_at=None).update(removed_at=actor.at)
    _check_owner(organization)
    _note(actor, Action.MEMBER_REMOVED, organization, email, before={"role": found.role})


@change()
def invite(
    actor: Actor, organization: Organization, *, email: str, role: MemberRole, team: str = ""
) -> Invitation:
    """Ask an address to join, and a team of the organization as well if one is named; an open
    invitation of the same address is renewed.

    Raises:
        Problem: FORBIDDEN without the scope `members`; INVALID_INPUT; NOT_FOUND: the team;
            CONFLICT: a member already, or too many invitations are open.
    """
    actor.require(Scope.MEMBERS)
    email = checked_email(email)
    if organization.memberships.filter(user__email=email, removed_at=None).exists():
        raise refused(
            phrase("{email} is a member already.", email=email),
            "Change the role in the list of members.",
        )
    still_open = organization.invitations.filter(removed_at=None, accepted_at=None)
    if still_open.exclude(email=email).count() >= INVITATIONS_OPEN_MAX:
        raise refused(
            phrase("{most} invitations are open already.", most=INVITATIONS_OPEN_MAX),
            "Withdraw some first.",
        )
    still_open.filter(email=email).update(removed_at=actor.at)
    invitation = Invitation.objects.create(
        id=new_id("inv"),
        created_at=actor.at,
        organization=organization,
        email=email,
        role=role,
        team=teams.find(actor, organization.name, team) if team else None,
        invited_by=User.objects.filter(id=actor.user).first(),
        expires_at=actor.at + INVITATION_LASTS,
    )
    asked = {"role": role} | ({"team": team} if team else {})
    _note(actor, Action.MEMBER_INVITED, organization, email, after=asked)
    return invitation


@change()
def withdraw(actor: Actor, organization: Organization, invitation_id: str) -> None:
    """Take an invitation back.

    Raises:
        Problem: FORBIDDEN without the scope `members`; NOT_FOUND.
    """
    actor.require(Scope.MEMBERS)
    found = organization.invitations.filter(
        id=invitation_id, removed_at=None, accepted_at=None
    ).first()
    if found is None:
        raise not_found("invitation", invitation_id)
    found.removed_at = actor.at
    found.save()
    _note(actor, Action.INVITATION_WITHDRAWN, organization, found.email)


def visible(actor: Actor) -> QuerySet[Membership]:
    """Who belongs to the actor's organization; everybody for an operator."""
    actor.require(Scope.READ)
    rows = Membership.objects.filter(removed_at=None, organization__removed_at=None)
    rows = reach.of_organization(actor, rows)
    return rows.select_related("user", "organization")


def find(actor: Actor, membership_id: str) -> Membership:
    """One membership that the actor may know of.

    Raises:
        Problem: NOT_FOUND.
    """
    found = visible(actor).filter(id=membership_id).first()
    if found is None:
        raise not_found("member")
    return found


def open_invitations(actor: Actor) -> QuerySet[Invitation]:
    """Who is asked to join the actor's organization, and has not said yes."""
    actor.require(Scope.READ)
    rows = Invitation.objects.filter(
        expires_at__gt=actor.at, removed_at=None, accepted_at=None
    ).select_related("team")
    return reach.of_organization(actor, rows).order_by("email")


def invitations_for(actor: Actor, user: User) -> QuerySet[Invitation]:
    """The invitations that a person may accept now."""
    return Invitation.objects.filter(
        email=user.email, removed_at=None, accepted_at=None, expires_at__gt=actor.at
    ).select_related("organization", "invited_by", "team__organization")


@change()
def accept(actor: Actor, user: User, invitation_id: str) -> Organization:
    """Join the organization that invites, and the team that it names.

    Raises:
        Problem: NOT_FOUND: withdrawn, over, accepted, or of another address.
    """
    found = invitations_for(actor, user).filter(id=invitation_id).first()
    if found is None:
        raise not_found("invitation")
    found.accepted_at = actor.at
    found.save()
    system = Actor.system(user.email, actor.at)
    add_member(system, found.organization, user, MemberRole(found.role))
    if found.team is not None and found.team.removed_at is None:
        joined = of(found.organization).get(user=user)
        teams.place(system, found.team, joined, TeamRole.MEMBER)
    return found.organization


def _check_owner(organization: Organization) -> None:
    owners = organization.memberships.filter(role=MemberRole.OWNER, removed_at=None)
    if not owners.exists():
        raise refused(
            phrase("This is the last owner of '{name}'.", name=organization.name),
            "Make another member owner first.",
        )


def _note(
    actor: Actor,
    action: Action,
    organization: Organization,
    email: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    subject = f"{organization.name}/{email}"
    audit.record(actor, action, subject, before=before, after=after, organization=organization)
