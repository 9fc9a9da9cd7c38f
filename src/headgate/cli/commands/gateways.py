"""Which gateways are there, and which revision does each run?"""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

Gateway = Annotated[str, typer.Argument(metavar="GATEWAY", help="The gateway's name.")]
COLUMNS = {"name": "name", "title": "title", "revision": "revision", "nodes": "nodes"}
REVISION_COLUMNS = {"revision": "revision", "at": "created_at", "by": "created_by", "what": "note"}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate gateway`."""
    app.add_typer(gateways, name="gateway")


gateways = group("Gateways: the environments that APIs are published to.")


@rest_command(gateways, "list", examples=["headgate gateway list"])
def show_all(api: Client, out: Output) -> None:
    """List the gateways."""
    out.table(api.get("/gateways")["items"], COLUMNS, empty="There are no gateways.")


@rest_command(gateways, "revisions", examples=["headgate gateway revisions default"])
def revisions(
    api: Client,
    out: Output,
    *,
    gateway: Gateway = "default",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
) -> None:
    """List the published states, newest first."""
    found = api.items(f"/gateways/{segment(gateway)}/revisions", items_max=limit)
    out.table(found, REVISION_COLUMNS, empty="Nothing has been published yet.")


@rest_command(gateways, "rollback", examples=["headgate gateway rollback default 4"])
def rollback(
    api: Client,
    out: Output,
    *,
    gateway: Gateway,
    revision: Annotated[int, typer.Argument(metavar="REVISION", help="The state to go back to.")],
) -> None:
    """Publish an earlier state again, as a new revision."""
    made = api.post(f"/gateways/{segment(gateway)}/rollback", {"revision": revision})
    out.result(made, f"Gateway {gateway} runs revision {revision} again, as {made['revision']}.")
