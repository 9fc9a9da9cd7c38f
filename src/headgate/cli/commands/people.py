"""Who has an account? People who sign in to the console or the portal, and their organizations."""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command
from headgate.cli.secret_input import read_secret

COLUMNS = {
    "email": "email",
    "name": "name",
    "role": "role",
    "active": "is_active",
    "last sign-in": "last_sign_in_at",
}
MEMBER_COLUMNS = {"email": "email", "role": "role", "since": "since"}


def add(app: typer.Typer) -> None:
    """Put the groups under `headgate person` and `headgate member`."""
    app.add_typer(people, name="person")
    app.add_typer(members, name="member")


people = group("People with an account: who signs in to the console and the portal.")
members = group("Members: who belongs to an organization, with which role.")
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]
Organization = Annotated[
    str, typer.Argument(metavar="ORGANIZATION", help="The organization's name.")
]


@rest_command(
    people,
    "create",
    examples=["headgate person create ada@example.com --role admin < password.txt"],
)
def create(
    api: Client,
    out: Output,
    *,
    email: Email,
    role: Annotated[
        str | None,
        typer.Option(
            "--role",
            help="In the console: admin, publisher, operator, billing, security, auditor.",
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="As others read it.")] = "",
) -> None:
    """Make an account. The password is asked for, or read from stdin; never an argument."""
    body: dict[str, object] = {"email": email, "name": name, "password": read_secret("Password")}
    if role:
        body["role"] = role
    out.result(api.post("/people", body), f"{email} can sign in.")


@rest_command(people, "list", examples=["headgate person list"])
def show_all(api: Client, out: Output) -> None:
    """List the people with an account."""
    out.table(api.items("/people"), COLUMNS, empty="Nobody has an account yet.")


@rest_command(
    people,
    "change",
    examples=[
        "headgate person change ada@example.com --role auditor",
        "headgate person change ada@example.com --close",
    ],
)
def change(
    api: Client,
    out: Output,
    *,
    email: Email,
    role: Annotated[str | None, typer.Option("--role", help="The new role in the console.")] = None,
    has_no_role: Annotated[
        bool, typer.Option("--no-role", help="Take the role in the console away.")
    ] = False,
    is_closed: Annotated[
        bool | None,
        typer.Option("--close/--open", help="Close the account, or open it again."),
    ] = None,
) -> None:
    """Give another role, or close and open an account."""
    body: dict[str, object] = {"has_no_role": has_no_role}
    if role:
        body["role"] = role
    if is_closed is not None:
        body["is_active"] = not is_closed
    out.result(api.patch(f"/people/{segment(email)}", body), f"{email} is changed.")


@rest_command(members, "list", examples=["headgate member list acme"])
def show_members(api: Client, out: Output, *, organization: Organization) -> None:
    """List who belongs to an organization."""
    path = f"/organizations/{segment(organization)}/members"
    out.table(api.items(path), MEMBER_COLUMNS, empty="It has no members.")


@rest_command(members, "add", examples=["headgate member add acme ada@example.com --role owner"])
def add_member(
    api: Client,
    out: Output,
    *,
    organization: Organization,
    email: Email,
    role: Annotated[str, typer.Option("--role", help="owner, developer or viewer.")] = "developer",
) -> None:
    """Make a person a member, or change the role of one."""
    path = f"/organizations/{segment(organization)}/members/{segment(email)}"
    made = api.put(path, {"role": role})
    out.result(made, f"{email} is {role} of {organization}.")


@rest_command(members, "remove", examples=["headgate member remove acme ada@example.com"])
def remove(api: Client, out: Output, *, organization: Organization, email: Email) -> None:
    """End a membership."""
    path = f"/organizations/{segment(organization)}/members/{segment(email)}"
    out.result(api.delete(path), f"{email} no longer belongs to {organization}.")
