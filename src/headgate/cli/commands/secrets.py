"""How does a secret get into the store without standing on a command line? From stdin alone."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command
from headgate.cli.secret_input import read_secret

Name = Annotated[str, typer.Argument(metavar="NAME", help="The secret's name.")]
COLUMNS = {
    "name": "name",
    "version": "version",
    "changed": "changed_at",
    "gateways": "gateways",
    "readable": "is_readable",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate secret`."""
    app.add_typer(secrets, name="secret")


secrets = group("Secrets that policies and upstreams name as ${secret:NAME}; shown never again.")


@rest_command(
    secrets,
    "set",
    examples=["headgate secret set billing-token", "headgate secret set billing-token < token.txt"],
)
def store(api: Client, out: Output, *, name: Name) -> None:
    """Store or replace a secret: asked for at a terminal, otherwise read from stdin.

    One line break at the end is left out. Gateways that use it get the new value at once.
    """
    answer = api.put(f"/secrets/{segment(name)}", {"value": read_secret(f"Value of {name}")})
    where = ", ".join(answer["gateways"])
    live = f"; live on {where}" if where else ""
    out.result(answer, f"Secret {name} is stored, version {answer['version']}{live}.")


@rest_command(secrets, "list", examples=["headgate secret list"])
def show_all(api: Client, out: Output) -> None:
    """List the secrets by name, without their values."""
    out.table(
        api.items("/secrets"), COLUMNS, empty="There are no secrets. Store one: headgate secret set"
    )


@rest_command(secrets, "delete", examples=["headgate secret delete billing-token"])
def delete(api: Client, out: Output, *, name: Name) -> None:
    """Remove a secret that nothing live uses."""
    out.result(api.delete(f"/secrets/{segment(name)}"), f"Secret {name} is deleted.")
