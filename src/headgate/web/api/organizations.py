"""REST: organizations."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from headgate.store.models import Organization
from headgate.store.services.consumers import organizations
from headgate.web.api.fields import (
    Input,
    Name,
    Output,
    SettableState,
    State,
    Title,
    created,
    is_suspended,
    state_of,
)
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class OrganizationIn(Input):
    """A new organization."""

    name: Name
    title: Title = ""


class OrganizationChange(Input):
    """What to change; what is left out stays."""

    title: Title | None = None
    state: State | None = None


class OrganizationOut(Output):
    """A company or team that consumes APIs."""

    id: str
    name: str
    title: str
    state: SettableState
    created_at: datetime


def show(organization: Organization) -> OrganizationOut:
    """As it is answered."""
    return OrganizationOut(
        id=organization.id,
        name=organization.name,
        title=organization.title,
        state=state_of(is_suspended=organization.is_suspended),
        created_at=organization.created_at,
    )


@router.get("/organizations", response=PageOut[OrganizationOut], operation_id="listOrganizations")
def list_organizations(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Organizations in the order in which they were made."""
    page = organizations.page(actor(request), cursor=paging.position, limit=paging.limit)
    return page_out(page, show)


@router.post("/organizations", response={201: OrganizationOut}, operation_id="createOrganization")
def create_organization(
    request: HttpRequest, response: HttpResponse, body: OrganizationIn
) -> object:
    """Create an organization."""
    made = organizations.create(actor(request), name=body.name, title=body.title)
    return created(response, show(made), "organizations", made.name)


@router.get("/organizations/{name}", response=OrganizationOut, operation_id="getOrganization")
def get_organization(request: HttpRequest, name: str) -> object:
    """One organization."""
    return show(organizations.get(actor(request), name))


@router.patch("/organizations/{name}", response=OrganizationOut, operation_id="changeOrganization")
def change_organization(request: HttpRequest, name: str, body: OrganizationChange) -> object:
    """Change an organization. Suspending it stops all keys of its applications."""
    changed = organizations.update(
        actor(request), name, title=body.title, is_suspended=is_suspended(body.state)
    )
    return show(changed)


@router.delete("/organizations/{name}", response={204: None}, operation_id="deleteOrganization")
def delete_organization(request: HttpRequest, name: str) -> None:
    """Delete an organization that has no applications."""
    organizations.delete(actor(request), name)
