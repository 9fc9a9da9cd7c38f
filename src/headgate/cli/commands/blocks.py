"""How is a caller shut out for a while? By address, credential, application or token."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.commands.applications import path_of
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command
from headgate.core.units import parse_duration
from headgate.model.access import BlockKind

COLUMNS = {
    "id": "id",
    "kind": "kind",
    "subject": "subject",
    "until": "expires_at",
    "reason": "reason",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate block`."""
    app.add_typer(blocks, name="block")


blocks = group("Blocks: refusals that end by themselves.")


@rest_command(
    blocks,
    "add",
    examples=[
        "headgate block add address 203.0.113.0/24 --for 1h --reason 'credential stuffing'",
        "headgate block add application acme/demo --for 30m",
    ],
)
def add_block(
    api: Client,
    out: Output,
    *,
    kind: Annotated[BlockKind, typer.Argument(help="What the subject is.")],
    subject: Annotated[
        str,
        typer.Argument(
            help="An address or network, a credential's id, an application, a token's jti."
        ),
    ],
    duration: Annotated[str, typer.Option("--for", help="How long, e.g. 1h.")] = "1h",
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit log.")] = "",
) -> None:
    """Refuse a caller from now on, for a while."""
    try:
        seconds = int(parse_duration(duration).total_seconds())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    named = subject
    if kind is BlockKind.APPLICATION and not subject.startswith("app_"):
        named = str(api.get(path_of(api, subject))["id"])
    body = {"kind": kind.value, "subject": named, "seconds": seconds, "reason": reason}
    made = api.post("/blocks", body)
    out.result(
        made, f"{kind.value.capitalize()} {subject} is blocked for {duration} ({made['id']})."
    )


@rest_command(blocks, "list", examples=["headgate block list"])
def show_all(api: Client, out: Output) -> None:
    """List the blocks in force."""
    out.table(api.items("/blocks"), COLUMNS, empty="Nothing is blocked.")


@rest_command(blocks, "remove", examples=["headgate block remove 3"])
def remove(
    api: Client,
    out: Output,
    *,
    block: Annotated[str, typer.Argument(metavar="BLOCK_ID", help="The block's id.")],
) -> None:
    """End a block before its time."""
    out.result(api.delete(f"/blocks/{segment(block)}"), f"Block {block} is removed.")
