"""REST: applications."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.store.models import Application
from headgate.store.services.consumers import applications
from headgate.web.api.fields import (
    Description,
    Input,
    Name,
    Output,
    SettableState,
    State,
    created,
    is_suspended,
    state_of,
)
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class ApplicationIn(Input):
    """A new application."""

    name: Name
    organization: Name
    description: Description = ""
    team: Name | None = Field(None, description="The team that it belongs to; none: everybody's.")
    create_organization: bool = Field(
        default=False, description="Make the organization too if there is none of that name."
    )


class ApplicationChange(Input):
    """What to change; what is left out stays."""

    description: Description | None = None
    state: State | None = None
    team: Name | None = Field(None, description="The team that it belongs to from now on.")
    has_no_team: bool = Field(
        default=False, description="Take it from its team: it is for all of the organization."
    )


class ApplicationOut(Output):
    """A program of an organization; it holds keys and subscriptions."""

    id: str
    name: str
    organization: str
    path: str = Field(..., description="`organization/name`")
    description: str
    team: str = Field(..., description="Whose it is; empty: all of the organization's.")
    state: SettableState = Field(
        ..., description="Its own; a suspended organization stops it as well."
    )
    created_at: datetime


class ApplicationQuery(PageQuery):
    """Which applications."""

    organization: str | None = Field(None, description="Only those of this organization.")


def show(application: Application) -> ApplicationOut:
    """As it is answered."""
    return ApplicationOut(
        id=application.id,
        name=application.name,
        organization=application.organization.name,
        path=application.path,
        description=application.description,
        team=application.team.name if application.team else "",
        state=state_of(is_suspended=application.is_suspended),
        created_at=application.created_at,
    )


@router.get("/applications", response=PageOut[ApplicationOut], operation_id="listApplications")
def list_applications(request: HttpRequest, query: Query[ApplicationQuery]) -> object:
    """Applications in the order in which they were made."""
    page = applications.page(
        actor(request),
        organization=query.organization,
        cursor=query.position,
        limit=query.limit,
    )
    return page_out(page, show)


@router.post("/applications", response={201: ApplicationOut}, operation_id="createApplication")
def create_application(request: HttpRequest, response: HttpResponse, body: ApplicationIn) -> object:
    """Create an application."""
    made = applications.create(
        actor(request),
        name=body.name,
        organization=body.organization,
        description=body.description,
        team=body.team,
        create_organization=body.create_organization,
    )
    return created(response, show(made), "applications", made.organization.name, made.name)


@router.get(
    "/applications/{organization}/{name}", response=ApplicationOut, operation_id="getApplication"
)
def get_application(request: HttpRequest, organization: str, name: str) -> object:
    """One application."""
    return show(applications.get(actor(request), f"{organization}/{name}"))


@router.patch(
    "/applications/{organization}/{name}",
    response=ApplicationOut,
    operation_id="changeApplication",
)
def change_application(
    request: HttpRequest, organization: str, name: str, body: ApplicationChange
) -> object:
    """Change an application. Suspending it stops all of its keys. Giving it to another team needs
    the scope `members`."""
    changed = applications.update(
        actor(request),
        f"{organization}/{name}",
        description=body.description,
        is_suspended=is_suspended(body.state),
        team="" if body.has_no_team else body.team,
    )
    return show(changed)


@router.delete(
    "/applications/{organization}/{name}",
    response={204: None},
    operation_id="deleteApplication",
)
def delete_application(request: HttpRequest, organization: str, name: str) -> None:
    """Delete an application: its keys are revoked, its subscriptions cancelled."""
    applications.delete(actor(request), f"{organization}/{name}")
