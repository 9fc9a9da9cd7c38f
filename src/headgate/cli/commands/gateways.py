"""Which gateways are there, and which revision does each run?"""

from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

Gateway = Annotated[str, typer.Argument(metavar="GATEWAY", help="The gateway's name.")]
COLUMNS = {"name": "name", "title": "title", "revision": "revision", "nodes": "nodes"}
REVISION_COLUMNS = {
    "revision": "revision",
    "at": "created_at",
    "by": "created_by",
    "why": "note",
    "what changed": "changed",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate gateway`."""
    app.add_typer(gateways, name="gateway")


gateways = group("Gateways: the environments that APIs are published to.")


@rest_command(gateways, "list", examples=["headgate gateway list"])
def show_all(api: Client, out: Output) -> None:
    """List the gateways."""
    out.table(api.get("/gateways")["items"], COLUMNS, empty="There are no gateways.")


@rest_command(
    gateways,
    "revisions",
    examples=["headgate gateway revisions default", "headgate gateway revisions --api pets@v1"],
)
def revisions(
    api: Client,
    out: Output,
    *,
    gateway: Gateway = "default",
    only: Annotated[
        str, typer.Option("--api", metavar="API[@VERSION]", help="Those that changed it.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
) -> None:
    """List the published states, newest first: who, when, and what each changed."""
    path = f"/gateways/{segment(gateway)}/revisions"
    found = api.items(path, {"api": only or None}, items_max=limit)
    if not out.is_json:
        found = ({**one, "changed": changed(one)} for one in found)
    out.table(found, REVISION_COLUMNS, empty="Nothing has been published yet.")


def changed(revision: Any) -> str:
    """What a revision changed, in a line."""
    if revision["is_first_known"]:
        return "not known any more"
    parts = [
        f"{one['api']} {one['kind']}" + (f" ({', '.join(one['what'])})" if one["what"] else "")
        for one in revision["changes"]
    ]
    return "; ".join([*parts, *revision["other_changes"]])


@rest_command(
    gateways,
    "rollback",
    examples=[
        "headgate gateway rollback default 4",
        "headgate gateway rollback default 4 --api pets@v1",
    ],
)
def rollback(
    api: Client,
    out: Output,
    *,
    gateway: Gateway,
    revision: Annotated[int, typer.Argument(metavar="REVISION", help="The state to go back to.")],
    only: Annotated[
        str, typer.Option("--api", metavar="API[@VERSION]", help="It alone; all others stay.")
    ] = "",
) -> None:
    """Publish an earlier state again, as a new revision; with --api one API's alone.

    Documents, policies and settings stay as edited: the next publication brings them back.
    """
    body = {"revision": revision} | ({"api": only} if only else {})
    made = api.post(f"/gateways/{segment(gateway)}/rollback", body)
    what = f"{only} of revision" if only else "revision"
    out.result(made, f"Gateway {gateway} runs {what} {revision} again, as {made['revision']}.")
