"""How does an application get OAuth credentials? A secret is shown once, then only its prefix."""

from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.commands.applications import path_of
from headgate.cli.commands.keys import Application, ExpiresIn, OnlyApplication
from headgate.cli.durations import instant_in, seconds_in
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

ClientID = Annotated[
    str, typer.Argument(metavar="CLIENT_ID", help="The client's id, e.g. cli_7k3v9q2m4x0z.")
]
COLUMNS = {
    "id": "id",
    "application": "application",
    "name": "name",
    "state": "state",
    "scopes": "scopes",
    "expires": "expires_at",
    "last used": "last_used_at",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate client`."""
    app.add_typer(clients, name="client")


clients = group("OAuth clients: what programs get access tokens with.")


@rest_command(
    clients,
    "create",
    examples=[
        "headgate client create demo",
        "headgate client create acme/demo --name nightly --scope orders:read --scope orders:write",
        "headgate client create acme/tv --public --scope watch",
    ],
)
def create(
    api: Client,
    out: Output,
    *,
    application: Application,
    name: Annotated[
        str, typer.Option("--name", help="Its name within the application.")
    ] = "default",
    scopes: Annotated[
        list[str] | None, typer.Option("--scope", help="What its tokens may say; repeatable.")
    ] = None,
    is_public: Annotated[
        bool,
        typer.Option("--public", help="Without a secret: a program in its user's hands, a device."),
    ] = False,
    has_device_flow: Annotated[
        bool, typer.Option("--device-flow", help="Devices may ask to be let in, by a code.")
    ] = False,
    lifetime: Annotated[
        str | None,
        typer.Option("--token-lifetime", help="How long a token lives: 1m to 24h, by default 1h."),
    ] = None,
    expires_in: ExpiresIn = None,
) -> None:
    """Make a client; print its id and its secret: this once, never again."""
    body: dict[str, object] = {
        "name": name,
        "scopes": scopes or [],
        "is_public": is_public,
    }
    if lifetime:
        body["token_seconds"] = seconds_in(lifetime)
    if has_device_flow:
        body["has_device_flow"] = True
    if expires_in:
        body["expires_at"] = instant_in(expires_in)
    made = api.post(f"{path_of(api, application)}/clients", body)
    _show_secret(out, made, f"Client {made['id']} of {made['application']}")


@rest_command(
    clients, "list", examples=["headgate client list", "headgate client list --application demo"]
)
def show_all(
    api: Client,
    out: Output,
    *,
    application: OnlyApplication = None,
) -> None:
    """List the clients."""
    out.table(
        api.items("/clients", {"application": application}),
        COLUMNS,
        empty="There are no OAuth clients. Make one: headgate client create APPLICATION",
    )


@rest_command(clients, "show", examples=["headgate client show cli_7k3v9q2m4x0z"])
def show(api: Client, out: Output, *, client: ClientID) -> None:
    """Show what is known about a client (not its secrets)."""
    out.record(api.get(f"/clients/{segment(client)}"))


@rest_command(
    clients,
    "rotate",
    examples=["headgate client rotate cli_7k3v9q2m4x0z --overlap 24h"],
)
def rotate(
    api: Client,
    out: Output,
    *,
    client: ClientID,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old secret still works.")
    ] = "1h",
) -> None:
    """Give a client a new secret, and let the old one work for the overlap."""
    body = {"overlap_seconds": seconds_in(overlap)}
    made = api.post(f"/clients/{segment(client)}/rotate", body)
    _show_secret(out, made, f"The old secret works for another {overlap}")


@rest_command(clients, "revoke", examples=["headgate client revoke cli_7k3v9q2m4x0z"])
def revoke(api: Client, out: Output, *, client: ClientID) -> None:
    """Stop a client and all of its tokens for good, at once."""
    out.result(api.post(f"/clients/{segment(client)}/revoke"), f"Client {client} is revoked.")


def _show_secret(out: Output, made: Any, sentence: str) -> None:
    if made["client_secret"] is None:
        out.secret(made, f"{sentence}. It is public: it has no secret.", client_id=made["id"])
        return
    out.secret(made, sentence, client_id=made["id"], client_secret=made["client_secret"])


TRUSTED_COLUMNS = {
    "id": "id",
    "application": "application",
    "issuer": "issuer",
    "client": "client_id",
    "state": "state",
    "last used": "last_used_at",
}


@rest_command(
    clients,
    "trust",
    examples=["headgate client trust demo --issuer https://login.example.com --client-id robot"],
)
def trust(
    api: Client,
    out: Output,
    *,
    application: Application,
    issuer: Annotated[str, typer.Option("--issuer", help="The claim `iss` of its tokens.")],
    client_id: Annotated[str, typer.Option("--client-id", help="The client at that issuer.")],
) -> None:
    """Let tokens of a client of another issuer speak for an application."""
    body = {"issuer": issuer, "client_id": client_id}
    made = api.post(f"{path_of(api, application)}/trusted-clients", body)
    out.result(made, f"{client_id} of {issuer} speaks for {made['application']}: {made['id']}")


@rest_command(clients, "trusted", examples=["headgate client trusted"])
def trusted(
    api: Client,
    out: Output,
    *,
    application: OnlyApplication = None,
) -> None:
    """List the clients of other issuers that speak for applications."""
    found = api.items("/trusted-clients", {"application": application})
    out.table(found, TRUSTED_COLUMNS, empty="No client of another issuer is trusted.")


@rest_command(clients, "distrust", examples=["headgate client distrust cli_7k3v9q2m4x0z"])
def distrust(api: Client, out: Output, *, client: ClientID) -> None:
    """Let a client of another issuer speak for its application no longer."""
    made = api.post(f"/trusted-clients/{segment(client)}/end", {})
    out.result(made, f"{made['client_id']} of {made['issuer']} speaks for nobody any more.")
