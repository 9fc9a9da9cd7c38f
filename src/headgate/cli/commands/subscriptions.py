"""How does an application get access? It subscribes to a plan of a product."""

from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command
from headgate.core.problems import Problem, ProblemType

Application = Annotated[
    str, typer.Argument(metavar="APPLICATION", help="demo, or acme/demo where it is not unique.")
]
Plan = Annotated[str, typer.Argument(metavar="PRODUCT/PLAN", help="The plan, e.g. basic/free.")]
COLUMNS = {
    "id": "id",
    "application": "application",
    "plan": "plan",
    "state": "state",
    "since": "created_at",
}


def add(app: typer.Typer) -> None:
    """Put `subscribe`, `unsubscribe` and `subscription …` at the top."""
    rest_command(app, "subscribe", examples=["headgate subscribe demo basic/free"])(subscribe)
    rest_command(
        app,
        "unsubscribe",
        examples=["headgate unsubscribe demo basic/free", "headgate unsubscribe sub_7k3v9q2m4x0z"],
    )(unsubscribe)
    app.add_typer(subscriptions, name="subscription")


subscriptions = group("Subscriptions: which application uses which plan.")


def subscribe(api: Client, out: Output, *, application: Application, plan: Plan) -> None:
    """Subscribe an application to a plan; its keys work for the product's APIs at once."""
    if "/" not in plan:
        raise typer.BadParameter(f"{plan!r} names no plan; write PRODUCT/PLAN, e.g. basic/free")
    made = api.post("/subscriptions", {"application": application, "plan": plan})
    out.result(made, f"Application {application} is subscribed to {plan} ({made['id']}).")


def unsubscribe(
    api: Client,
    out: Output,
    *,
    application: Annotated[
        str, typer.Argument(metavar="APPLICATION|ID", help="An application, or a subscription id.")
    ],
    plan: Annotated[str | None, typer.Argument(metavar="[PRODUCT/PLAN]", help="The plan.")] = None,
) -> None:
    """End a subscription at once."""
    found = application if plan is None else find(api, application, plan)["id"]
    ended = api.delete(f"/subscriptions/{segment(found)}")
    out.result(ended, f"Subscription {found} is ended.")


@rest_command(
    subscriptions, "list", examples=["headgate subscription list --application acme/demo"]
)
def show_all(
    api: Client,
    out: Output,
    *,
    application: Annotated[
        str | None, typer.Option("--application", help="Only this application's.")
    ] = None,
) -> None:
    """List the subscriptions."""
    out.table(
        api.items("/subscriptions", {"application": application}),
        COLUMNS,
        empty="There are no subscriptions. Make one: headgate subscribe APPLICATION PRODUCT/PLAN",
    )


@rest_command(
    subscriptions, "change", examples=["headgate subscription change demo basic/free basic/pro"]
)
def change(
    api: Client,
    out: Output,
    *,
    application: Application,
    plan: Plan,
    new_plan: Annotated[
        str, typer.Argument(metavar="NEW_PLAN", help="Another plan of the same product.")
    ],
) -> None:
    """Move a subscription to another plan of the same product."""
    found = find(api, application, plan)
    changed = api.patch(f"/subscriptions/{segment(found['id'])}", {"plan": new_plan})
    out.result(changed, f"Application {application} is now on {new_plan}.")


def find(api: Client, application: str, plan: str) -> Any:
    """The subscription of an application to a plan.

    Raises:
        Problem: there is none.
    """
    for item in api.items("/subscriptions", {"application": application}):
        if item["plan"] == plan:
            return item
    raise Problem(
        ProblemType.NOT_FOUND,
        f"{application} is not subscribed to {plan}.",
        "See `headgate subscription list`.",
    )
