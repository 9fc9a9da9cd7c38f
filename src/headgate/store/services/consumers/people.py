"""Who has an account, with which role in the console, and who are they in an organization?"""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import Membership, User
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.consumers import reach
from headgate.store.services.consumers.roles import MEMBER_SCOPES, SCOPES, MemberRole, Role
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
    scopes = MEMBER_SCOPES[MemberRole(found.role)]
    return _person(user, actor, scopes, organization, reach.teams_of(found))


def _person(
    user: User,
    actor: Actor,
    scopes: frozenset[Scope],
    organization: str | None,
    teams: frozenset[int] | None = None,
) -> Actor:
    return Actor(
        name=user.email,
        scopes=scopes,
        at=actor.at,
        organization=organization,
        teams=teams,
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
    was_admin = user.role == Role.ADMIN and user.is_active
    if role is not None:
        user.role = Role(role) if role else ""
    if is_active is not None:
        user.is_active = is_active
    if fields(user) == before:
        return user
    user.save()
    if was_admin and not User.objects.filter(role=Role.ADMIN, is_active=True).exists():
        raise refused(
            phrase("{email} is the last administrator.", email=email),
            "Make somebody else an administrator first.",
        )
    audit.record(actor, Action.PERSON_CHANGED, user.email, before=before, after=fields(user))
    return user


def page(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT) -> Page[User]:
    """People in the order in which they came.

    Raises:
        Problem: FORBIDDEN without the scope `admin`.
    """
    actor.require_operator(Scope.ADMIN, "person")
    return page_of(visible(actor), cursor, limit)


def get(actor: Actor, email: str) -> User:
    """One person.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND.
    """
    actor.require_operator(Scope.ADMIN, "person")
    return find(actor, email)


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


def checked_email(email: str, pointer: str = "/email") -> str:
    """The address in lower case.

    Raises:
        Problem: INVALID_INPUT.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise invalid(
            phrase("'{email}' is no e-mail address.", email=email[:80]), pointer
        ) from error
    return email


def fields(user: User) -> dict[str, Any]:
    """What the audit log keeps of a person."""
    return as_fields(user, "id", "email", "name", "role", "is_active")
