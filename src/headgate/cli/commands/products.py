"""How are products made? A product is what applications subscribe to: APIs in a bundle."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

Name = Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name.")]
Title = Annotated[str | None, typer.Option("--title", help="Name for people.")]
APIs = Annotated[
    list[str] | None, typer.Option("--api", help="An API that the product opens; repeatable.")
]
COLUMNS = {"name": "name", "title": "title", "apis": "apis", "plans": "plans"}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate product`."""
    app.add_typer(products, name="product")


products = group("Products: APIs bundled for subscription.")


@rest_command(products, "create", examples=["headgate product create basic --api httpbin"])
def create(api: Client, out: Output, *, name: Name, apis: APIs = None, title: Title = None) -> None:
    """Create a product that opens the named APIs."""
    body = {"name": name, "apis": apis or []} | ({"title": title} if title else {})
    made = api.post("/products", body)
    opened = ", ".join(apis or []) or "no API yet"
    out.result(made, f"Product {name} is there and opens {opened}.")


@rest_command(products, "list", examples=["headgate product list"])
def show_all(api: Client, out: Output) -> None:
    """List the products."""
    out.table(
        api.items("/products"),
        COLUMNS,
        empty="There are no products. Make one: headgate product create basic --api NAME",
    )


@rest_command(products, "show", examples=["headgate product show basic"])
def show(api: Client, out: Output, *, name: Name) -> None:
    """Show one product."""
    out.record(api.get(f"/products/{segment(name)}"))


@rest_command(
    products, "update", examples=["headgate product update basic --api httpbin --api petstore"]
)
def update(api: Client, out: Output, *, name: Name, apis: APIs = None, title: Title = None) -> None:
    """Change the title, or replace the list of APIs that the product opens."""
    body: dict[str, object] = {}
    if apis:
        body["apis"] = apis
    if title is not None:
        body["title"] = title
    if not body:
        raise typer.BadParameter("say what to change: --api or --title")
    out.result(api.patch(f"/products/{segment(name)}", body), f"Product {name} is changed.")


@rest_command(products, "delete", examples=["headgate product delete basic"])
def delete(api: Client, out: Output, *, name: Name) -> None:
    """Remove a product that nobody is subscribed to."""
    out.result(api.delete(f"/products/{segment(name)}"), f"Product {name} is removed.")
