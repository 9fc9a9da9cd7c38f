"""Who changed what, when and from where? The audit log."""

from typing import Annotated

import typer

from headgate.cli.client import Client
from headgate.cli.output import Output
from headgate.cli.rest import rest_command

COLUMNS = {
    "at": "at",
    "actor": "actor",
    "action": "action",
    "what": "subject_kind",
    "subject": "subject",
    "address": "address",
}


def add(app: typer.Typer) -> None:
    """Put `audit` at the top."""
    rest_command(app, "audit", examples=["headgate audit", "headgate audit --limit 500 --json"])(
        audit
    )


def audit(
    api: Client,
    out: Output,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many entries.")] = 50,
) -> None:
    """Show the latest changes: who, what, from where (`--json`: with before and after)."""
    out.table(api.items("/audit", items_max=limit), COLUMNS, empty="Nothing has been changed yet.")
