"""How is what the gateways have cached declared void?"""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import FAILED, group, rest_command
from headgate.core.problems import Problem, ProblemType

WAIT_SECONDS = 10


def add(app: typer.Typer) -> None:
    """Put the group under `headgate cache`."""
    app.add_typer(cache, name="cache")


cache = group("The cache: answers that gateways keep under the policy `cache`.")


@rest_command(
    cache, "purge", examples=["headgate cache purge pets", "headgate cache purge pets getPet"]
)
def purge(
    api: Client,
    out: Output,
    *,
    name: Annotated[str, typer.Argument(metavar="API", help="The API's name.")],
    operation: Annotated[
        str, typer.Argument(metavar="[OPERATION]", help="One operation's id; by default all.")
    ] = "",
    gateway: Annotated[str, typer.Option("--gateway", help="Where.")] = "default",
) -> None:
    """Declare void what is cached, and wait until every node knows. Drafts stay drafts."""
    body = {"gateway": gateway, "operation": operation, "wait_seconds": WAIT_SECONDS}
    with out.working(f"purging {name}"):
        made = api.post(f"/apis/{segment(name)}/purge-cache", body)
    what = f"{operation} of {name}" if operation else name
    if made["live"]:
        out.result(made, f"Nothing that was cached of {what} is given any more.")
        return
    out.problem(
        Problem(
            ProblemType.UNAVAILABLE,
            f"Not every node has taken revision {made['revision']}, which purges {what}.",
            "`headgate status` says what each node does.",
        )
    )
    raise typer.Exit(FAILED)
