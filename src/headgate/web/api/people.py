"""REST: people with an account, and who belongs to an organization."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, SecretStr, Strict

from headgate.store.models import Membership, User
from headgate.store.models.people import EMAIL_CHARACTERS_MAX
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services.consumers import members, people
from headgate.store.services.consumers.roles import MemberRole, Role
from headgate.web.accounts.verified import verify
from headgate.web.api.fields import Input, Output, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

PASSWORD_CHARACTERS_MAX = 200
router = Router()


class PersonIn(Input):
    """A new person, whose address is taken as proved."""

    email: str = Field(..., max_length=EMAIL_CHARACTERS_MAX, examples=["ada@example.com"])
    password: SecretStr = Field(..., max_length=PASSWORD_CHARACTERS_MAX)
    name: str = Field("", max_length=TITLE_CHARACTERS_MAX)
    role: Annotated[Role, Strict(strict=False)] | None = Field(
        None, description="Theirs in the console; none: the portal only."
    )


class PersonChange(Input):
    """What changes; what is left out stays."""

    role: Annotated[Role, Strict(strict=False)] | None = Field(
        None, description="Theirs in the console from now on."
    )
    has_no_role: bool = Field(default=False, description="Take the role away.")
    is_active: bool | None = Field(None, description="false closes the account, true opens it.")


class PersonOut(Output):
    """A person with an account."""

    id: str
    email: str
    name: str
    role: str = Field(..., description="In the console; empty: none.")
    is_active: bool
    created_at: datetime
    last_sign_in_at: datetime | None


class MemberIn(Input):
    """Somebody who shall belong to an organization."""

    role: Annotated[MemberRole, Strict(strict=False)] = MemberRole.DEVELOPER


class MemberOut(Output):
    """A person's place in an organization."""

    email: str
    role: MemberRole
    since: datetime


def show(user: User) -> PersonOut:
    """As it is answered."""
    return PersonOut(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        is_active=user.is_active,
        created_at=user.created_at,
        last_sign_in_at=user.last_login,
    )


def show_member(one: Membership) -> MemberOut:
    """As it is answered."""
    return MemberOut(email=one.user.email, role=MemberRole(one.role), since=one.created_at)


@router.get("/people", response=PageOut[PersonOut], operation_id="listPeople")
def list_people(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """People with an account, in the order in which they came."""
    return page_out(people.page(actor(request), cursor=paging.position, limit=paging.limit), show)


@router.post("/people", response={201: PersonOut}, operation_id="createPerson")
def create_person(request: HttpRequest, response: HttpResponse, body: PersonIn) -> object:
    """Make an account for somebody whose address you vouch for."""
    user = people.create(
        actor(request),
        email=body.email,
        password=body.password.get_secret_value(),
        name=body.name,
        role=body.role,
    )
    verify(user)
    return created(response, show(user), "people", user.email)


@router.get("/people/{email}", response=PersonOut, operation_id="getPerson")
def get_person(request: HttpRequest, email: str) -> object:
    """One person."""
    return show(people.get(actor(request), email))


@router.patch("/people/{email}", response=PersonOut, operation_id="changePerson")
def change_person(request: HttpRequest, email: str, body: PersonChange) -> object:
    """Give another role, or close and open an account. A closed one is signed out at once."""
    role = "" if body.has_no_role else body.role
    return show(people.update(actor(request), email, role=role, is_active=body.is_active))


@router.get(
    "/organizations/{name}/members", response=PageOut[MemberOut], operation_id="listMembers"
)
def list_members(request: HttpRequest, name: str, paging: Query[PageQuery]) -> object:
    """Who belongs to an organization."""
    found = members.page(actor(request), name, cursor=paging.position, limit=paging.limit)
    return page_out(found, show_member)


@router.put("/organizations/{name}/members/{email}", response=MemberOut, operation_id="setMember")
def set_member(request: HttpRequest, name: str, email: str, body: MemberIn) -> object:
    """Make a person a member, or change the role of one."""
    return show_member(members.put(actor(request), name, email, body.role))


@router.delete(
    "/organizations/{name}/members/{email}", response={204: None}, operation_id="removeMember"
)
def remove_member(request: HttpRequest, name: str, email: str) -> None:
    """End a membership; an organization keeps its last owner."""
    members.remove(actor(request), name, email)
