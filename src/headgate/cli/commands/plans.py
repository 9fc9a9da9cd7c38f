"""How are plans made? A plan says how much a subscription to its product may use."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command
from headgate.model.limits import LimitKind, parse_limit

Plan = Annotated[str, typer.Argument(metavar="PRODUCT/PLAN", help="The plan, e.g. basic/free.")]
Rates = Annotated[
    list[str] | None,
    typer.Option(
        "--rate",
        help="A smooth limit such as 10/second, 10/second+50 with a burst, or `10/second shared` by"
        " all nodes; repeatable.",
    ),
]
Quotas = Annotated[
    list[str] | None,
    typer.Option(
        "--quota",
        help="A calendar allowance such as 1000/month, or 1000/month@15 from the 15th; repeatable.",
    ),
]
Concurrent = Annotated[
    str | None, typer.Option("--concurrent", help="How many calls may run at one time, such as 5.")
]
Approval = Annotated[
    bool | None,
    typer.Option(
        "--needs-approval/--no-approval",
        help="Whether organizations ask for it and an operator grants it.",
    ),
]
Title = Annotated[str | None, typer.Option("--title", help="Name for people.")]
COLUMNS = {
    "plan": "plan",
    "rates": "rates",
    "quotas": "quotas",
    "concurrent": "concurrent",
    "needs_approval": "approval",
    "title": "title",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate plan`."""
    app.add_typer(plans, name="plan")


plans = group("Plans: how much a subscription may use.")


def path_of(plan: str) -> str:
    """The resource of `product/plan`."""
    product, _, name = plan.partition("/")
    if not product or not name:
        raise typer.BadParameter(f"{plan!r} names no plan; write PRODUCT/PLAN, e.g. basic/free")
    return f"/products/{segment(product)}/plans/{segment(name)}"


def checked(kind: LimitKind, texts: list[str] | None) -> list[str]:
    """The limits as given, once each is known to be one."""
    try:
        for text in texts or []:
            parse_limit(kind, text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return texts or []


@rest_command(
    plans,
    "create",
    examples=[
        "headgate plan create basic/free --rate 10/second --quota 1000/month",
        "headgate plan create basic/pro --rate 100/second+200 --concurrent 20",
        "headgate plan create basic/new --quota '1000/day shadow'",
        "headgate plan create basic/partner --rate 500/second --needs-approval",
    ],
)
def create(
    api: Client,
    out: Output,
    *,
    plan: Plan,
    rates: Rates = None,
    quotas: Quotas = None,
    concurrent: Concurrent = None,
    needs_approval: Approval = None,
    title: Title = None,
) -> None:
    """Create a plan of a product. Without a limit its use is not limited.

    With ' shadow' behind a limit, it is counted and recorded, and refuses nothing.
    """
    collection, _, name = path_of(plan).rpartition("/")
    body: dict[str, object] = {
        "name": name,
        "rates": checked(LimitKind.RATE, rates),
        "quotas": checked(LimitKind.QUOTA, quotas),
    }
    if title:
        body["title"] = title
    if concurrent:
        body["concurrent"] = checked(LimitKind.CONCURRENT, [concurrent])[0]
    if needs_approval is not None:
        body["needs_approval"] = needs_approval
    made = api.post(collection, body)
    running = [f"{concurrent} at one time"] if concurrent else []
    limits = ", ".join([*(rates or []), *(quotas or []), *running]) or "no limits"
    out.result(made, f"Plan {plan} is there: {limits}.")


@rest_command(plans, "list", examples=["headgate plan list", "headgate plan list basic"])
def show_all(
    api: Client,
    out: Output,
    *,
    product: Annotated[
        str | None, typer.Argument(metavar="PRODUCT", help="Only this product's.")
    ] = None,
) -> None:
    """List the plans of one product, or of all."""
    names = [product] if product else [item["name"] for item in api.items("/products")]
    found = [
        {**plan, "plan": f"{name}/{plan['name']}"}
        for name in names
        for plan in api.items(f"/products/{segment(name)}/plans")
    ]
    out.table(
        found, COLUMNS, empty="There are no plans. Make one: headgate plan create PRODUCT/PLAN"
    )


@rest_command(plans, "show", examples=["headgate plan show basic/free"])
def show(api: Client, out: Output, *, plan: Plan) -> None:
    """Show one plan."""
    out.record(api.get(path_of(plan)))


@rest_command(plans, "update", examples=["headgate plan update basic/free --rate 20/second"])
def update(
    api: Client,
    out: Output,
    *,
    plan: Plan,
    rates: Rates = None,
    quotas: Quotas = None,
    concurrent: Concurrent = None,
    needs_approval: Approval = None,
    title: Title = None,
    without_rates: Annotated[bool, typer.Option("--no-rate", help="Remove every rate.")] = False,
    without_quotas: Annotated[bool, typer.Option("--no-quota", help="Remove every quota.")] = False,
    without_concurrent: Annotated[
        bool, typer.Option("--no-concurrent", help="Let any number of calls run at one time.")
    ] = False,
) -> None:
    """Replace a plan's limits or title; what is not named stays. In force at once."""
    body: dict[str, object] = {}
    if rates or without_rates:
        body["rates"] = checked(LimitKind.RATE, rates)
    if quotas or without_quotas:
        body["quotas"] = checked(LimitKind.QUOTA, quotas)
    if concurrent or without_concurrent:
        body["concurrent"] = "".join(
            checked(LimitKind.CONCURRENT, [concurrent] if concurrent else [])
        )
    if needs_approval is not None:
        body["needs_approval"] = needs_approval
    if title is not None:
        body["title"] = title
    if not body:
        raise typer.BadParameter("say what to change: --rate, --quota, --concurrent, --no-…")
    out.result(api.patch(path_of(plan), body), f"Plan {plan} is changed.")


@rest_command(plans, "delete", examples=["headgate plan delete basic/free"])
def delete(api: Client, out: Output, *, plan: Plan) -> None:
    """Remove a plan that nobody is subscribed to."""
    out.result(api.delete(path_of(plan)), f"Plan {plan} is removed.")
