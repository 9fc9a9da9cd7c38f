"""Which data has to be asked for, who asks for it, and who lets them have it?"""

from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.durations import instant_in
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command
from headgate.core.problems import Problem, ProblemType

API = Annotated[str, typer.Argument(metavar="API", help="The API, in all of its versions.")]
Operation = Annotated[
    str, typer.Argument(metavar="[OPERATION]", help="The operation's id; without: the whole API.")
]
Request = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id.")]
Word = Annotated[str, typer.Option("--word", help="What is said to those who asked.")]
MARKS = {
    "id": "id",
    "api": "api",
    "operation": "operation",
    "owner": "owner",
    "at most (days)": "days_max",
    "why": "why",
}
REQUESTS = {
    "id": "id",
    "application": "application",
    "api": "api",
    "operation": "operation",
    "state": "state",
    "days": "days",
    "until": "until",
    "reason": "reason",
}


def add(app: typer.Typer) -> None:
    """Put `sensitive …` and `access …` at the top."""
    app.add_typer(marks, name="sensitive")
    app.add_typer(requests, name="access")


marks = group("Sensitive data: what may be called with a grant only, and who decides.")
requests = group("Access to sensitive data: who asks, who has it, until when.")


@rest_command(
    marks,
    "mark",
    examples=[
        "headgate sensitive mark pets --owner ann@example.com --why 'Names of customers'",
        "headgate sensitive mark pets getPet --owner ann@example.com --why 'Health' --days-max 30",
    ],
)
def mark(
    api: Client,
    out: Output,
    *,
    name: API,
    operation: Operation = "",
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="MAIL", help="The person who decides.")
    ] = None,
    why: Annotated[
        str | None, typer.Option("--why", help="Why it is sensitive, for those who ask.")
    ] = None,
    days_max: Annotated[
        int | None, typer.Option("--days-max", help="The longest grant; at first 90 days.")
    ] = None,
) -> None:
    """Let only applications with a grant call an API or operation. In force at once.

    Again, to change owner, reason or the longest grant.
    """
    given = {"owner": owner, "why": why, "days_max": days_max}
    body: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    known = find(api, name, operation)
    if known is None:
        if owner is None or why is None:
            raise typer.BadParameter("a new mark needs --owner and --why")
        made = api.post("/sensitive", body | {"api": name, "operation": operation})
    else:
        made = api.patch(f"/sensitive/{segment(known['id'])}", body)
    place = f"{name} {operation}".strip()
    out.result(made, f"{place} is for applications with a grant; {made['owner']} decides.")


@rest_command(marks, "list", examples=["headgate sensitive list"])
def list_marks(api: Client, out: Output) -> None:
    """Everything that is marked as sensitive."""
    out.table(api.items("/sensitive"), MARKS, empty="Nothing is marked as sensitive.")


@rest_command(marks, "unmark", examples=["headgate sensitive unmark pets getPet"])
def unmark(api: Client, out: Output, *, name: API, operation: Operation = "") -> None:
    """Open it to every subscriber again. Requests and grants end."""
    known = find(api, name, operation)
    place = f"{name} {operation}".strip()
    if known is None:
        raise Problem(
            ProblemType.NOT_FOUND,
            f"'{place}' is not marked as sensitive.",
            "See what is: headgate sensitive list",
        )
    done = api.delete(f"/sensitive/{segment(known['id'])}")
    out.result(done, f"{place} is open to every subscriber.")


@rest_command(
    requests,
    "ask",
    examples=["headgate access ask demo pets getPet --reason 'Billing run' --days 30"],
)
def ask(
    api: Client,
    out: Output,
    *,
    application: Annotated[str, typer.Argument(metavar="APPLICATION", help="demo, or acme/demo.")],
    name: API,
    operation: Operation = "",
    reason: Annotated[str, typer.Option("--reason", help="What it is needed for.")],
    days: Annotated[
        int | None, typer.Option("--days", help="For how long; without: as long as can be.")
    ] = None,
) -> None:
    """Ask for access to sensitive data. Its owner is told by mail."""
    body = {"application": application, "api": name, "operation": operation, "reason": reason}
    made = api.post("/access-requests", body | {"days": days})
    out.result(made, f"{made['application']} has asked ({made['id']}).")


@rest_command(
    requests,
    "list",
    examples=["headgate access list", "headgate access list --state granted --api pets"],
)
def list_requests(
    api: Client,
    out: Output,
    *,
    state: Annotated[
        str | None, typer.Option("--state", help="asked, granted, refused, revoked, lapsed …")
    ] = None,
    application: Annotated[
        str | None, typer.Option("--app", help="Only those of this application.")
    ] = None,
    name: Annotated[str | None, typer.Option("--api", help="Only those for this API.")] = None,
) -> None:
    """Requests and grants, newest first."""
    given = {"state": state, "application": application, "api": name}
    query = {key: value for key, value in given.items() if value}
    out.table(api.items("/access-requests", query), REQUESTS, empty="Nobody has asked.")


@rest_command(requests, "show", examples=["headgate access show dar_7k3v9q2m4x0z"])
def show(api: Client, out: Output, *, request: Request) -> None:
    """One request, and what became of it."""
    out.record(api.get(f"/access-requests/{segment(request)}"))


@rest_command(
    requests,
    "grant",
    examples=[
        "headgate access grant dar_7k3v9q2m4x0z",
        "headgate access grant dar_7k3v9q2m4x0z --for 7d --word 'Only for the audit'",
    ],
)
def grant(
    api: Client,
    out: Output,
    *,
    request: Request,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="7d, 12h; without: as it was asked."),
    ] = None,
    word: Word = "",
) -> None:
    """Let the application have the data for a time. In force at once."""
    until = instant_in(duration) if duration else None
    made = _step(api, request, "grant", {"until": until, "word": word})
    out.result(made, f"{made['application']} has access until {made['until']}.")


@rest_command(
    requests, "refuse", examples=["headgate access refuse dar_7k3v9q2m4x0z --word 'Use /stats'"]
)
def refuse(
    api: Client,
    out: Output,
    *,
    request: Request,
    word: Annotated[str, typer.Option("--word", help="Why; those who asked read it.")],
) -> None:
    """Say no, and why."""
    made = _step(api, request, "refuse", {"word": word})
    out.result(made, f"The request of {made['application']} is refused.")


@rest_command(requests, "revoke", examples=["headgate access revoke dar_7k3v9q2m4x0z"])
def revoke(api: Client, out: Output, *, request: Request, word: Word = "") -> None:
    """Take a grant away before its end. In force at once."""
    made = _step(api, request, "revoke", {"word": word})
    out.result(made, f"{made['application']} has no access any more.")


@rest_command(requests, "withdraw", examples=["headgate access withdraw dar_7k3v9q2m4x0z"])
def withdraw(api: Client, out: Output, *, request: Request) -> None:
    """Ask no longer, or give a grant back."""
    made = _step(api, request, "withdraw", None)
    out.result(made, f"The request of {made['application']} is withdrawn.")


def find(api: Client, name: str, operation: str) -> dict[str, Any] | None:
    """The mark at a place, if there is one."""
    for row in api.items("/sensitive"):
        if (row["api"], row["operation"]) == (name.partition("@")[0], operation):
            return dict(row)
    return None


def _step(api: Client, request: str, step: str, body: dict[str, Any] | None) -> Any:
    return api.post(f"/access-requests/{segment(request)}/{step}", body)
