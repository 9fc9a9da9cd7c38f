"""Which client certificates speak for applications? By their authority and one of their names."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.commands.applications import path_of
from headgate.cli.commands.keys import Application, OnlyApplication
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

COLUMNS = {
    "id": "id",
    "application": "application",
    "authority": "issuer",
    "kind": "kind",
    "name": "name",
    "state": "state",
    "last used": "last_used_at",
}


class By(StrEnum):
    """Which name of a certificate counts."""

    SUBJECT = "subject"
    DNS = "dns"
    URI = "uri"


def add(app: typer.Typer) -> None:
    """Put the group under `headgate certificate`."""
    app.add_typer(certificates, name="certificate")


certificates = group("Client certificates: callers known by them (policy `mtls`).")


@rest_command(
    certificates,
    "trust",
    examples=[
        "headgate certificate trust demo robot.pem",
        "headgate certificate trust demo robot.pem --by dns",
        "headgate certificate trust demo --issuer CN=Acme --name CN=robot",
    ],
)
def trust(
    api: Client,
    out: Output,
    *,
    application: Application,
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="A certificate (PEM) to read the names of."
        ),
    ] = None,
    by: Annotated[
        By, typer.Option("--by", help="The name that counts: the first of its kind.")
    ] = By.SUBJECT,
    issuer: Annotated[
        str, typer.Option("--issuer", help="Without a file: the authority's name (RFC 2253).")
    ] = "",
    name: Annotated[str, typer.Option("--name", help="Without a file: the name.")] = "",
) -> None:
    """Let certificates of an authority and name speak for an application."""
    body: dict[str, object] = {"kind": by.value}
    if file is None:
        body |= {"issuer": issuer, "name": name}
    else:
        body["certificate"] = file.read_text(encoding="ascii", errors="replace")
    made = api.post(f"{path_of(api, application)}/certificates", body)
    told = f"{made['name']} of {made['issuer']} speaks for {made['application']}: {made['id']}"
    out.result(made, told)


@rest_command(certificates, "list", examples=["headgate certificate list"])
def show_all(
    api: Client,
    out: Output,
    *,
    application: OnlyApplication = None,
) -> None:
    """List the names on certificates that speak for applications."""
    found = api.items("/certificates", {"application": application})
    out.table(found, COLUMNS, empty="No certificate speaks for an application.")


@rest_command(certificates, "remove", examples=["headgate certificate remove crt_7k3v9q2m4x0z"])
def remove(
    api: Client,
    out: Output,
    *,
    certificate: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")],
) -> None:
    """Let certificates of a name speak for an application no longer."""
    made = api.post(f"/certificates/{segment(certificate)}/end", {})
    out.result(made, f"{made['name']} of {made['issuer']} speaks for nobody any more.")
