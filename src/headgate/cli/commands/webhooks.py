"""Where are events sent, and how does it go? Webhooks and their deliveries."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.durations import seconds_in
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

Identifier = Annotated[str, typer.Argument(metavar="WEBHOOK_ID", help="The webhook's id.")]
COLUMNS = {
    "id": "id",
    "url": "url",
    "organization": "organization",
    "team": "team",
    "types": "types",
    "enabled": "is_enabled",
    "failing since": "failing_since",
    "delivered": "delivered_at",
}
DELIVERY_COLUMNS = {
    "id": "id",
    "type": "type",
    "event": "event",
    "state": "state",
    "tries": "tries",
    "next": "due_at",
    "status": "last.status",
    "error": "last.error",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate webhook`."""
    app.add_typer(webhooks, name="webhook")


webhooks = group("Webhooks: URLs that events are sent to, signed (Standard Webhooks).")


@rest_command(
    webhooks,
    "create",
    examples=[
        "headgate webhook create https://hooks.example.com/headgate --type quota.exhausted",
        "headgate webhook create https://acme.example/hook --organization acme --team payments",
    ],
)
def create(
    api: Client,
    out: Output,
    *,
    target: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted.")],
    kinds: Annotated[
        list[str] | None, typer.Option("--type", help="Which events; repeatable. None: all.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option("--organization", help="Only this organization's events.")
    ] = None,
    team: Annotated[
        str | None, typer.Option("--team", help="Only what is about an application of this team.")
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Let it be an address of this network, or http."),
    ] = False,
) -> None:
    """Have events sent to a URL, and print the secret that signs them: this once."""
    body: dict[str, object] = {"url": target, "types": kinds or [], "description": description}
    if organization:
        body["organization"] = organization
    if team:
        body["team"] = team
    if allow_private:
        body["allow_private"] = True
    made = api.post("/webhooks", body)
    out.secret(made, f"Webhook {made['id']} is sent events from now on", str(made["secret"]))


@rest_command(webhooks, "list", examples=["headgate webhook list"])
def show_all(api: Client, out: Output) -> None:
    """List the webhooks and how they are."""
    out.table(
        api.items("/webhooks"),
        COLUMNS,
        empty="There are no webhooks. Make one: headgate webhook create URL",
    )


@rest_command(webhooks, "show", examples=["headgate webhook show whk_7k3v9q2m4x0z"])
def show(api: Client, out: Output, *, identifier: Identifier) -> None:
    """Show one webhook."""
    out.record(api.get(f"/webhooks/{segment(identifier)}"))


@rest_command(webhooks, "test", examples=["headgate webhook test whk_7k3v9q2m4x0z"])
def test(api: Client, out: Output, *, identifier: Identifier) -> None:
    """Send this webhook alone an event of the type webhook.test."""
    sent = api.post(f"/webhooks/{segment(identifier)}/test")
    out.result(
        sent,
        f"Event {sent['event']} is on its way; see: headgate webhook deliveries {identifier}",
    )


@rest_command(
    webhooks,
    "deliveries",
    examples=["headgate webhook deliveries whk_7k3v9q2m4x0z --state given_up"],
)
def show_deliveries(
    api: Client,
    out: Output,
    *,
    identifier: Identifier,
    state: Annotated[
        str | None, typer.Option("--state", help="waiting, delivered or given_up.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 50,
) -> None:
    """Show what was sent, newest first (`--json`: with every attempt and its answer)."""
    where = f"/webhooks/{segment(identifier)}/deliveries"
    found = list(api.items(where, {"state": state}, items_max=limit))
    if not out.is_json:
        found = [row | {"last": (row["attempts"] or [None])[-1]} for row in found]
    out.table(found, DELIVERY_COLUMNS, empty="Nothing was sent yet.")


@rest_command(
    webhooks, "redeliver", examples=["headgate webhook redeliver whk_7k3v9q2m4x0z dlv_7k3v9q2m4x0z"]
)
def redeliver(
    api: Client,
    out: Output,
    *,
    identifier: Identifier,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY_ID", help="The delivery's id.")],
) -> None:
    """Send an event once more, from the first attempt on."""
    where = f"/webhooks/{segment(identifier)}/deliveries/{segment(delivery)}/redeliver"
    out.result(api.post(where), f"Delivery {delivery} is on its way again.")


@rest_command(
    webhooks, "rotate", examples=["headgate webhook rotate whk_7k3v9q2m4x0z --overlap 1h"]
)
def rotate(
    api: Client,
    out: Output,
    *,
    identifier: Identifier,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long both secrets sign, e.g. 1h; 0s: not at all.")
    ] = "24h",
) -> None:
    """Make a new secret and print it: this once. For the overlap both sign."""
    body = {"overlap_seconds": seconds_in(overlap)}
    made = api.post(f"/webhooks/{segment(identifier)}/rotate", body)
    out.secret(made, f"Webhook {identifier} has a new secret", str(made["secret"]))


@rest_command(webhooks, "enable", examples=["headgate webhook enable whk_7k3v9q2m4x0z"])
def enable(api: Client, out: Output, *, identifier: Identifier) -> None:
    """Send a webhook events again; those of meanwhile stand in `headgate events`."""
    changed = api.patch(f"/webhooks/{segment(identifier)}", {"is_enabled": True})
    out.result(changed, f"Webhook {identifier} is sent events from now on.")


@rest_command(webhooks, "disable", examples=["headgate webhook disable whk_7k3v9q2m4x0z"])
def disable(api: Client, out: Output, *, identifier: Identifier) -> None:
    """Send a webhook nothing, until it is enabled."""
    changed = api.patch(f"/webhooks/{segment(identifier)}", {"is_enabled": False})
    out.result(changed, f"Webhook {identifier} is sent nothing more.")


@rest_command(webhooks, "delete", examples=["headgate webhook delete whk_7k3v9q2m4x0z"])
def delete(api: Client, out: Output, *, identifier: Identifier) -> None:
    """End a webhook at once; what waits for it is not sent."""
    out.result(api.delete(f"/webhooks/{segment(identifier)}"), f"Webhook {identifier} is deleted.")
