"""How are applications kept? An application holds keys and subscribes to plans."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command
from headgate.core.problems import Problem, ProblemType

Application = Annotated[
    str,
    typer.Argument(
        metavar="APPLICATION", help="The name, or ORGANIZATION/NAME where the name is not unique."
    ),
]
Description = Annotated[str | None, typer.Option("--description", help="What it is for.")]
COLUMNS = {
    "name": "name",
    "organization": "organization",
    "team": "team",
    "state": "state",
    "id": "id",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate app`."""
    app.add_typer(applications, name="app")


applications = group("Applications: who calls, the holders of keys.")


@rest_command(applications, "create", examples=["headgate app create demo --organization acme"])
def create(
    api: Client,
    out: Output,
    *,
    name: Annotated[str, typer.Argument(metavar="APPLICATION", help="The application's name.")],
    organization: Annotated[
        str, typer.Option("--organization", help="Its owner; made where it does not exist yet.")
    ],
    description: Description = None,
    team: Annotated[
        str | None, typer.Option("--team", help="The team of the organization that it belongs to.")
    ] = None,
) -> None:
    """Create an application of an organization."""
    body: dict[str, object] = {
        "name": name,
        "organization": organization,
        "create_organization": True,
    }
    if description:
        body["description"] = description
    if team:
        body["team"] = team
    out.result(api.post("/applications", body), f"Application {organization}/{name} is there.")


@rest_command(
    applications, "list", examples=["headgate app list", "headgate app list --organization acme"]
)
def show_all(
    api: Client,
    out: Output,
    *,
    organization: Annotated[
        str | None, typer.Option("--organization", help="Only this organization's.")
    ] = None,
) -> None:
    """List the applications."""
    out.table(
        api.items("/applications", {"organization": organization}),
        COLUMNS,
        empty="There are no applications. Make one: headgate app create NAME --organization ORG",
    )


@rest_command(applications, "show", examples=["headgate app show acme/demo"])
def show(api: Client, out: Output, *, application: Application) -> None:
    """Show one application."""
    out.record(api.get(path_of(api, application)))


@rest_command(
    applications,
    "update",
    examples=[
        "headgate app update demo --state suspended",
        "headgate app update demo --state active",
        "headgate app update acme/demo --team payments",
    ],
)
def update(
    api: Client,
    out: Output,
    *,
    application: Application,
    description: Description = None,
    state: Annotated[
        str | None, typer.Option("--state", help="active, or suspended: its keys are refused.")
    ] = None,
    team: Annotated[
        str | None, typer.Option("--team", help="The team that it belongs to from now on.")
    ] = None,
    has_no_team: Annotated[
        bool, typer.Option("--no-team", help="Take it from its team: it is everybody's.")
    ] = False,
) -> None:
    """Change an application's description, state or team."""
    given = {
        "description": description,
        "state": state,
        "team": team,
        "has_no_team": has_no_team or None,
    }
    body = {name: value for name, value in given.items() if value is not None}
    if not body:
        raise typer.BadParameter("say what to change: --description, --state or --team")
    out.result(api.patch(path_of(api, application), body), f"Application {application} is changed.")


@rest_command(applications, "delete", examples=["headgate app delete acme/demo"])
def delete(api: Client, out: Output, *, application: Application) -> None:
    """Remove an application; its keys stop at once."""
    out.result(api.delete(path_of(api, application)), f"Application {application} is removed.")


def path_of(api: Client, application: str) -> str:
    """The resource of `demo` or `acme/demo`.

    Raises:
        Problem: no application has the name, or several have.
    """
    organization, _, name = application.rpartition("/")
    if not organization:
        found = [item for item in api.items("/applications") if item["name"] == name]
        if len(found) != 1:
            raise _not_one(name, [str(item["organization"]) for item in found])
        organization = found[0]["organization"]
    return f"/applications/{segment(organization)}/{segment(name)}"


def _not_one(name: str, organizations: list[str]) -> Problem:
    if not organizations:
        return Problem(
            ProblemType.NOT_FOUND,
            f"There is no application {name!r}.",
            "See `headgate app list`, or make it: headgate app create NAME --organization ORG.",
        )
    choices = ", ".join(f"{organization}/{name}" for organization in organizations)
    return Problem(
        ProblemType.CONFLICT, f"Several applications are called {name!r}.", f"Say which: {choices}."
    )
