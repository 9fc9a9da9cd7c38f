"""How are REST tokens issued? A token has scopes and may end by itself."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.durations import instant_in
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

COLUMNS = {
    "id": "id",
    "name": "name",
    "scopes": "scopes",
    "organization": "organization",
    "team": "team",
    "node": "node",
    "prefix": "prefix",
    "expires": "expires_at",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate token`."""
    app.add_typer(tokens, name="token")


tokens = group("REST tokens: what commands and scripts send.")


@rest_command(
    tokens,
    "create",
    examples=[
        "headgate token create ci --scope read --scope write --expires-in 90d",
        "headgate token create dashboard --scope traffic",
    ],
)
def create(
    api: Client,
    out: Output,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    scopes: Annotated[list[str], typer.Option("--scope", help="What it may do; repeatable.")],
    organization: Annotated[
        str | None, typer.Option("--organization", help="Only this organization's things.")
    ] = None,
    team: Annotated[
        str | None, typer.Option("--team", help="Only what this team of it may know of.")
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option("--expires-in", help="How long it works, e.g. 90d.")
    ] = None,
) -> None:
    """Make a token and print it: this once, never again. A node's: `headgate node add`."""
    body: dict[str, object] = {"name": name, "scopes": scopes}
    if organization:
        body["organization"] = organization
    if team:
        body["team"] = team
    if expires_in:
        body["expires_at"] = instant_in(expires_in)
    made = api.post("/tokens", body)
    if out.is_json:
        out.value(made)
        return
    out.line(str(made["token"]))
    out.note(f"Token {made['id']} ({name}). It is shown this once: keep it safe.")


@rest_command(tokens, "list", examples=["headgate token list"])
def show_all(api: Client, out: Output) -> None:
    """List the tokens by id and prefix."""
    out.table(api.items("/tokens"), COLUMNS, empty="There are no tokens.")


@rest_command(tokens, "revoke", examples=["headgate token revoke tok_7k3v9q2m4x0z"])
def revoke(
    api: Client,
    out: Output,
    *,
    identifier: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The token's id.")],
) -> None:
    """Stop a token for good, at once."""
    out.result(api.delete(f"/tokens/{segment(identifier)}"), f"Token {identifier} is revoked.")
