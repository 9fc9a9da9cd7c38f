"""Who has an account, with which role, and in which organizations?"""

from datetime import timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.store.models import Invitation, Membership, Organization, User
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit, organizations
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.roles import MEMBER_SCOPES, SCOPES, MemberRole, Role
from headgate.store.services.transactions import change
from headgate.store.services.values import already_exists, as_fields, check_text, invalid, refused

INVITATION_LASTS = timedelta(days=14)
INVITATIONS_OPEN_MAX = 200  # of one organization
MEMBERS_MAX = 5_000  # of one organization


def operator(user: User, actor: Actor) -> Actor | None:
    """`user` in the console, with the instant and origin of `actor`; None without a role."""
    if user.role not in set(Role) or not user.is_active:
        return None
    return _person(user, actor, SCOPES[Role(user.role)], None)


def member(user: User, actor: Actor, organization: str) -> Actor | None:
    """`user` in one of their organizations; None where they are no member."""
    found = memberships(user).filter(organization__name=organization).first()
    if found is None or not user.is_active:
        return None
    return _person(user, actor, MEMBER_SCOPES[MemberRole(found.role)], organization)


def _person(user: User, actor: Actor, scopes: frozenset[Scope], organization: str | None) -> Actor:
    return Actor(
        name=user.email,
        scopes=scopes,
        at=actor.at,
        organization=organization,
        address=actor.address,
        request_id=actor.request_id,
        user=user.id,
    )


def memberships(user: User) -> QuerySet[Membership]:
    """The organizations of a person, by name."""
    rows = Membership.objects.filter(user=user, removed_at=None, organization__removed_at=None)
    return rows.select_related("organization").order_by("organization__name")


def is_empty() -> bool:
    """Whether nobody has a role in the console yet."""
    return not User.objects.filter(role__in=list(Role), is_active=True).exists()


@change()
def create(
    actor: Actor, *, email: str, password: str, name: str = "", role: Role | None = None
) -> User:
    """A person whose address is taken as proved, since an administrator says so.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; INVALID_INPUT; ALREADY_EXISTS.
    """
    actor.require_operator(Scope.ADMIN, "person")
    email = checked_email(email)
    check_text(name, TITLE_CHARACTERS_MAX, "/name")
    if User.objects.filter(email=email).exists():
        raise already_exists("a person with the address", email)
    user = User(id=new_id("usr"), created_at=actor.at, email=email, name=name, role=role or "")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise invalid(" ".join(error.messages), "/password") from error
    user.set_password(password)
    user.save()
    audit.record(actor, Action.PERSON_CREATED, email, after=fields(user))
    return user


@change()
def update(
    actor: Actor, email: str, *, role: Role | str | None = None, is_active: bool | None = None
) -> User:
    """Give another role ("" for none), or close and open an account. What is None stays.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND; CONFLICT: the last administrator.
    """
    actor.require_operator(Scope.ADMIN, "person")
    user = find(actor, email)
    before = fields(user)
    if role is not None:
        user.role = Role(role) if role else ""
    if is_active is not None:
        user.is_active = is_active
    if fields(user) == before:
        return user
    user.save()
    if not User.objects.filter(role=Role.ADMIN, is_active=True).exists():
        raise refused(
            f"{email} is the last administrator.", "Make somebody else an administrator first."
        )
    audit.record(actor, Action.PERSON_CHANGED, user.email, before=before, after=fields(user))
    return user


def visible(actor: Actor) -> QuerySet[User]:
    """The people that the actor may know of: all, or those of its organization."""
    rows = User.objects.filter(removed_at=None)
    if actor.organization is None:
        return rows
    return rows.filter(
        memberships__organization__name=actor.organization, memberships__removed_at=None
    )


def find(actor: Actor, email: str) -> User:
    """One visible person.

    Raises:
        Problem: NOT_FOUND.
    """
    user = visible(actor).filter(email=email.lower()).first()
    if user is None:
        raise not_found("person", email)
    return user


@change()
def found_organization(actor: Actor, user: User, *, name: str, title: str = "") -> Organization:
    """An organization of one's own, made by a person who has signed up, as its owner.

    Raises:
        Problem: INVALID_INPUT; ALREADY_EXISTS; CONFLICT: already in as many as one may found.
    """
    if memberships(user).filter(role=MemberRole.OWNER).count() >= ORGANIZATIONS_OWNED_MAX:
        raise refused(
            f"You own {ORGANIZATIONS_OWNED_MAX} organizations already.", "Use one of them."
        )
    system = Actor.system(user.email, actor.at)
    organization = organizations.create(system, name=name, title=title)
    add_member(system, organization, user, MemberRole.OWNER)
    return organization


ORGANIZATIONS_OWNED_MAX = 5


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
                f"'{organization.name}' has {MEMBERS_MAX:,} members already.", "Remove some first."
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
    _check_owner(organization)
    _note(actor, Action.MEMBER_REMOVED, organization, email, before={"role": found.role})


@change()
def invite(actor: Actor, organization: Organization, *, email: str, role: MemberRole) -> Invitation:
    """Ask an address to join; an open invitation of the same address is renewed.

    Raises:
        Problem: FORBIDDEN without the scope `members`; INVALID_INPUT; CONFLICT: a member already,
            or too many invitations are open.
    """
    actor.require(Scope.MEMBERS)
    email = checked_email(email)
    if organization.memberships.filter(user__email=email, removed_at=None).exists():
        raise refused(f"{email} is a member already.", "Change the role in the list of members.")
    still_open = organization.invitations.filter(removed_at=None, accepted_at=None)
    if still_open.exclude(email=email).count() >= INVITATIONS_OPEN_MAX:
        raise refused(
            f"{INVITATIONS_OPEN_MAX} invitations are open already.", "Withdraw some first."
        )
    still_open.filter(email=email).update(removed_at=actor.at)
    invitation = Invitation.objects.create(
        id=new_id("inv"),
        created_at=actor.at,
        organization=organization,
        email=email,
        role=role,
        invited_by=User.objects.filter(id=actor.user).first(),
        expires_at=actor.at + INVITATION_LASTS,
    )
    _note(actor, Action.MEMBER_INVITED, organization, email, after={"role": role})
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


def invitations_for(actor: Actor, user: User) -> QuerySet[Invitation]:
    """The invitations that a person may accept now."""
    return Invitation.objects.filter(
        email=user.email, removed_at=None, accepted_at=None, expires_at__gt=actor.at
    ).select_related("organization", "invited_by")


@change()
def accept(actor: Actor, user: User, invitation_id: str) -> Organization:
    """Join the organization that invites.

    Raises:
        Problem: NOT_FOUND: withdrawn, over, accepted, or of another address.
    """
    found = invitations_for(actor, user).filter(id=invitation_id).first()
    if found is None:
        raise not_found("invitation")
    found.accepted_at = actor.at
    found.save()
    add_member(Actor.system(user.email, actor.at), found.organization, user, MemberRole(found.role))
    return found.organization


def checked_email(email: str) -> str:
    """The address in lower case.

    Raises:
        Problem: INVALID_INPUT.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise invalid(f"'{email[:80]}' is no e-mail address.", "/email") from error
    return email


def fields(user: User) -> dict[str, Any]:
    """What the audit log keeps of a person."""
    return as_fields(user, "id", "email", "name", "role", "is_active")


def _check_owner(organization: Organization) -> None:
    owners = organization.memberships.filter(role=MemberRole.OWNER, removed_at=None)
    if not owners.exists():
        raise refused(
            f"This is the last owner of '{organization.name}'.", "Make another member owner first."
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
