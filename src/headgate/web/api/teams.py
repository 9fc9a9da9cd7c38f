"""REST: the teams of an organization, and who is in one."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Strict

from headgate.store.models import Team, TeamPlace
from headgate.store.services.consumers import teams
from headgate.store.services.consumers.roles import TeamRole
from headgate.web.api.fields import Input, Name, Output, Title, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class TeamIn(Input):
    """A new team."""

    name: Name
    title: Title = ""


class TeamChange(Input):
    """What to change; what is left out stays."""

    title: Title | None = None


class TeamOut(Output):
    """Some of an organization's people, who share applications."""

    id: str
    name: str
    organization: str
    title: str
    created_at: datetime


class TeamMemberIn(Input):
    """A member of the organization who shall be in the team."""

    role: Annotated[TeamRole, Strict(strict=False)] = TeamRole.MEMBER


class TeamMemberOut(Output):
    """A person's place in a team."""

    email: str
    role: TeamRole
    since: datetime


def show(team: Team) -> TeamOut:
    """As it is answered."""
    return TeamOut(
        id=team.id,
        name=team.name,
        organization=team.organization.name,
        title=team.title,
        created_at=team.created_at,
    )


def show_member(one: TeamPlace) -> TeamMemberOut:
    """As it is answered."""
    return TeamMemberOut(
        email=one.membership.user.email, role=TeamRole(one.role), since=one.created_at
    )


@router.get("/organizations/{name}/teams", response=PageOut[TeamOut], operation_id="listTeams")
def list_teams(request: HttpRequest, name: str, paging: Query[PageQuery]) -> object:
    """The teams of an organization."""
    found = teams.page(actor(request), name, cursor=paging.position, limit=paging.limit)
    return page_out(found, show)


@router.post("/organizations/{name}/teams", response={201: TeamOut}, operation_id="createTeam")
def create_team(request: HttpRequest, response: HttpResponse, name: str, body: TeamIn) -> object:
    """Make a team, with nobody in it."""
    made = teams.create(actor(request), name, name=body.name, title=body.title)
    return created(response, show(made), "organizations", name, "teams", made.name)


@router.get("/organizations/{name}/teams/{team}", response=TeamOut, operation_id="getTeam")
def get_team(request: HttpRequest, name: str, team: str) -> object:
    """One team."""
    return show(teams.get(actor(request), name, team))


@router.patch("/organizations/{name}/teams/{team}", response=TeamOut, operation_id="changeTeam")
def change_team(request: HttpRequest, name: str, team: str, body: TeamChange) -> object:
    """Call a team something else."""
    return show(teams.update(actor(request), name, team, title=body.title))


@router.delete(
    "/organizations/{name}/teams/{team}", response={204: None}, operation_id="deleteTeam"
)
def delete_team(request: HttpRequest, name: str, team: str) -> None:
    """End a team that has no applications; its tokens end with it."""
    teams.delete(actor(request), name, team)


@router.get(
    "/organizations/{name}/teams/{team}/members",
    response=PageOut[TeamMemberOut],
    operation_id="listTeamMembers",
)
def list_team_members(
    request: HttpRequest, name: str, team: str, paging: Query[PageQuery]
) -> object:
    """Who is in a team."""
    found = teams.members_page(
        actor(request), name, team, cursor=paging.position, limit=paging.limit
    )
    return page_out(found, show_member)


@router.put(
    "/organizations/{name}/teams/{team}/members/{email}",
    response=TeamMemberOut,
    operation_id="setTeamMember",
)
def set_team_member(
    request: HttpRequest, name: str, team: str, email: str, body: TeamMemberIn
) -> object:
    """Give a member of the organization a place in a team, or another role there."""
    return show_member(teams.put_member(actor(request), name, team, email, body.role))


@router.delete(
    "/organizations/{name}/teams/{team}/members/{email}",
    response={204: None},
    operation_id="removeTeamMember",
)
def remove_team_member(request: HttpRequest, name: str, team: str, email: str) -> None:
    """Take somebody out of a team."""
    teams.remove_member(actor(request), name, team, email)
