"""How are keys and passwords issued? Shown once; after that only their prefix is known."""

from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.durations import instant_in, seconds_in
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

KeyID = Annotated[
    str, typer.Argument(metavar="KEY_ID", help="The key's id, e.g. key_7k3v9q2m4x0z.")
]
Application = Annotated[
    str, typer.Argument(metavar="APPLICATION", help="demo, or acme/demo where it is not unique.")
]
OnlyApplication = Annotated[
    str | None, typer.Option("--application", help="Only this application's.")
]
ExpiresIn = Annotated[
    str | None, typer.Option("--expires-in", help="Until when it works, e.g. 90d.")
]
COLUMNS = {
    "id": "id",
    "kind": "kind",
    "application": "application",
    "name": "name",
    "scopes": "scopes",
    "prefix": "prefix",
    "state": "state",
    "expires": "expires_at",
    "last used": "last_used_at",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate key`."""
    app.add_typer(keys, name="key")


keys = group("API keys, and user names with passwords: what callers send.")


@rest_command(
    keys,
    "create",
    examples=[
        "headgate key create demo",
        "headgate key create acme/demo --name ci --expires-in 90d",
        "headgate key create demo --scope orders:read --scope role:clerk",
        "headgate key create demo --basic",
    ],
)
def create(
    api: Client,
    out: Output,
    *,
    application: Application,
    name: Annotated[str | None, typer.Option("--name", help="What it is for.")] = None,
    expires_in: ExpiresIn = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="All that it may do; repeatable. Without: not restricted."),
    ] = None,
    is_basic: Annotated[
        bool, typer.Option("--basic", help="A user name and a password, for HTTP Basic.")
    ] = False,
) -> None:
    """Make a key and print it: this once, never again."""
    body: dict[str, object] = {"application": application}
    if name:
        body["name"] = name
    if scopes:
        body["scopes"] = scopes
    if is_basic:
        body["kind"] = "basic"
    if expires_in:
        body["expires_at"] = instant_in(expires_in)
    made = api.post("/keys", body)
    _show_secret(out, made, f"Key {made['id']} of {application}")


@rest_command(keys, "list", examples=["headgate key list", "headgate key list --application demo"])
def show_all(
    api: Client,
    out: Output,
    *,
    application: OnlyApplication = None,
) -> None:
    """List the keys by id and prefix."""
    out.table(
        api.items("/keys", {"application": application}),
        COLUMNS,
        empty="There are no keys. Make one: headgate key create APPLICATION",
    )


@rest_command(keys, "show", examples=["headgate key show key_7k3v9q2m4x0z"])
def show(api: Client, out: Output, *, key: KeyID) -> None:
    """Show what is known about a key (not its text)."""
    out.record(api.get(f"/keys/{segment(key)}"))


@rest_command(
    keys,
    "restrict",
    examples=[
        "headgate key restrict key_7k3v9q2m4x0z --scope orders:read",
        "headgate key restrict key_7k3v9q2m4x0z",
    ],
)
def restrict(
    api: Client,
    out: Output,
    *,
    key: KeyID,
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="All that it may do; repeatable. Without: not restricted."),
    ] = None,
) -> None:
    """Say what a key may do; without a scope it may do everything."""
    made = api.patch(f"/keys/{segment(key)}", {"scopes": scopes or []})
    told = f"Key {key} has the scopes {', '.join(made['scopes'])}."
    out.result(made, told if made["scopes"] else f"Key {key} is not restricted.")


@rest_command(keys, "rotate", examples=["headgate key rotate key_7k3v9q2m4x0z --overlap 24h"])
def rotate(
    api: Client,
    out: Output,
    *,
    key: KeyID,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old key still works.")
    ] = "1h",
) -> None:
    """Replace a key: print the new one, and let the old one work for the overlap."""
    made = api.post(f"/keys/{segment(key)}/rotate", {"overlap_seconds": seconds_in(overlap)})
    _show_secret(out, made, f"Key {made['id']} replaces {key}, which works for another {overlap}")


@rest_command(keys, "revoke", examples=["headgate key revoke key_7k3v9q2m4x0z"])
def revoke(api: Client, out: Output, *, key: KeyID) -> None:
    """Stop a key for good, at once."""
    out.result(api.post(f"/keys/{segment(key)}/revoke"), f"Key {key} is revoked.")


def _show_secret(out: Output, made: Any, sentence: str) -> None:
    if made["kind"] == "basic":
        out.secret(made, sentence, user_name=made["id"], password=made["key"])
    else:
        out.secret(made, sentence, made["key"])
