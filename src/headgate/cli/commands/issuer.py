"""As whom does the installation issue access tokens, and with which keys?"""

from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

COLUMNS = {"key": "key_id", "signs from": "signs_at", "ends": "ends_at"}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate issuer`."""
    app.add_typer(issuer, name="issuer")


issuer = group("The issuer of access tokens: its URL and its keys.")


@rest_command(issuer, "show", examples=["headgate issuer show"])
def show(api: Client, out: Output) -> None:
    """Show under which URL tokens are issued, and the keys that sign them."""
    _show(out, api.get("/issuer"))


@rest_command(
    issuer, "rotate", examples=["headgate issuer rotate", "headgate issuer rotate --drop-former"]
)
def rotate(
    api: Client,
    out: Output,
    *,
    drop_former: Annotated[
        bool,
        typer.Option(
            "--drop-former",
            help="Take all other keys away: every token that was issued ends. For a stolen key.",
        ),
    ] = False,
) -> None:
    """Sign with a new key from now on (it happens by itself every 30 days)."""
    _show(out, api.post("/issuer/rotate", {"drop_former": drop_former}))


@rest_command(issuer, "retire", examples=["headgate issuer retire NzbLsXh8uDCcd-6MNwXF4W_7noWX"])
def retire(
    api: Client,
    out: Output,
    *,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's id.")],
) -> None:
    """Take a former key away before its time: every token that it signed ends."""
    _show(out, api.delete(f"/issuer/keys/{segment(key)}"))


def _show(out: Output, found: Any) -> None:
    if out.is_json:
        out.value(found)
        return
    out.line(f"issuer {found['issuer']}, audience {found['audience']}")
    out.table(
        found["keys"],
        COLUMNS,
        empty="There are no keys yet: the first OAuth client brings the first one.",
    )
