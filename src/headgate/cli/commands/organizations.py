"""How are organizations kept? An organization is a consumer: it owns applications."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

Name = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="The organization's name.")]
Title = Annotated[str | None, typer.Option("--title", help="Name for people.")]
COLUMNS = {"name": "name", "title": "title", "id": "id"}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate organization`."""
    app.add_typer(organizations, name="organization")


organizations = group("Organizations: who consumes, the owners of applications.")


@rest_command(organizations, "create", examples=["headgate organization create acme"])
def create(api: Client, out: Output, *, name: Name, title: Title = None) -> None:
    """Create an organization."""
    made = api.post("/organizations", {"name": name} | ({"title": title} if title else {}))
    out.result(made, f"Organization {name} is there.")


@rest_command(organizations, "list", examples=["headgate organization list"])
def show_all(api: Client, out: Output) -> None:
    """List the organizations."""
    out.table(
        api.items("/organizations"),
        COLUMNS,
        empty="There are no organizations. Make one: headgate organization create NAME",
    )


@rest_command(organizations, "show", examples=["headgate organization show acme"])
def show(api: Client, out: Output, *, name: Name) -> None:
    """Show one organization."""
    out.record(api.get(f"/organizations/{segment(name)}"))


@rest_command(
    organizations, "update", examples=["headgate organization update acme --title 'Acme Ltd'"]
)
def update(
    api: Client,
    out: Output,
    *,
    name: Name,
    title: Annotated[str, typer.Option("--title", help="Name for people.")],
) -> None:
    """Change an organization's title."""
    changed = api.patch(f"/organizations/{segment(name)}", {"title": title})
    out.result(changed, f"Organization {name} is changed.")


@rest_command(organizations, "delete", examples=["headgate organization delete acme"])
def delete(api: Client, out: Output, *, name: Name) -> None:
    """Remove an organization that has no applications."""
    out.result(api.delete(f"/organizations/{segment(name)}"), f"Organization {name} is removed.")
