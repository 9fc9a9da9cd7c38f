"""Which teams does an organization have? Their applications are for them and the owners alone."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

COLUMNS = {"name": "name", "title": "title", "since": "created_at", "id": "id"}
MEMBER_COLUMNS = {"email": "email", "role": "role", "since": "since"}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate team`."""
    app.add_typer(teams, name="team")


teams = group("Teams: who of an organization shares which applications.")
Organization = Annotated[
    str, typer.Argument(metavar="ORGANIZATION", help="The organization's name.")
]
Team = Annotated[str, typer.Argument(metavar="TEAM", help="The team's name.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address of a member.")]
Title = Annotated[str, typer.Option("--title", help="As people read it.")]


@rest_command(teams, "create", examples=["headgate team create acme payments --title Payments"])
def create(
    api: Client, out: Output, *, organization: Organization, team: Team, title: Title = ""
) -> None:
    """Make a team, with nobody in it."""
    made = api.post(_path(organization), {"name": team, "title": title})
    out.result(made, f"Team {organization}/{team} is there.")


@rest_command(teams, "list", examples=["headgate team list acme"])
def show_all(api: Client, out: Output, *, organization: Organization) -> None:
    """List the teams of an organization."""
    out.table(api.items(_path(organization)), COLUMNS, empty="It has no teams.")


@rest_command(teams, "update", examples=["headgate team update acme payments --title Money"])
def update(
    api: Client,
    out: Output,
    *,
    organization: Organization,
    team: Team,
    title: Annotated[str, typer.Option("--title", help="As people read it from now on.")],
) -> None:
    """Call a team something else."""
    changed = api.patch(_path(organization, team), {"title": title})
    out.result(changed, f"Team {organization}/{team} is changed.")


@rest_command(teams, "delete", examples=["headgate team delete acme payments"])
def delete(api: Client, out: Output, *, organization: Organization, team: Team) -> None:
    """End a team that has no applications."""
    out.result(api.delete(_path(organization, team)), f"Team {organization}/{team} is removed.")


@rest_command(teams, "members", examples=["headgate team members acme payments"])
def show_members(api: Client, out: Output, *, organization: Organization, team: Team) -> None:
    """List who is in a team."""
    path = f"{_path(organization, team)}/members"
    out.table(api.items(path), MEMBER_COLUMNS, empty="Nobody is in it.")


@rest_command(
    teams, "add", examples=["headgate team add acme payments ada@example.com --role maintainer"]
)
def add_member(
    api: Client,
    out: Output,
    *,
    organization: Organization,
    team: Team,
    email: Email,
    role: Annotated[str, typer.Option("--role", help="maintainer or member.")] = "member",
) -> None:
    """Put a member of the organization into a team, or change the role there."""
    path = f"{_path(organization, team)}/members/{segment(email)}"
    out.result(api.put(path, {"role": role}), f"{email} is {role} of {organization}/{team}.")


@rest_command(teams, "remove", examples=["headgate team remove acme payments ada@example.com"])
def remove_member(
    api: Client, out: Output, *, organization: Organization, team: Team, email: Email
) -> None:
    """Take somebody out of a team."""
    path = f"{_path(organization, team)}/members/{segment(email)}"
    out.result(api.delete(path), f"{email} is no longer in {organization}/{team}.")


def _path(organization: str, team: str = "") -> str:
    path = f"/organizations/{segment(organization)}/teams"
    return f"{path}/{segment(team)}" if team else path
