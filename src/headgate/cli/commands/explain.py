"""Why was this request answered as it was?"""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import rest_command

STEP_COLUMNS = {"step": "name", "outcome": "outcome", "detail": "detail"}


def add(app: typer.Typer) -> None:
    """Put `headgate explain` at the top."""
    rest_command(
        app, "explain", examples=["headgate explain 6f1c2c1e-9a36-4f0c-8b8e-1f8a4a1d3b55"]
    )(explain)


def explain(
    api: Client,
    out: Output,
    *,
    request_id: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST_ID", help="The field `x-request-id` of the answer, or of `logs`."
        ),
    ],
) -> None:
    """Show a request's way through the gateway, step by step, and what to do about its answer.

    A request can be explained within three seconds, for as long as its record is kept.
    """
    found = api.get(f"/traffic/requests/{segment(request_id)}/explanation")
    if out.is_json:
        out.value(found)
        return
    out.line(f"{found['method']} {found['path']}: {found['status']} {found['verdict']}")
    out.line(found["summary"])
    if found["next_step"]:
        out.line(f"next:  {found['next_step']}")
    out.line("")
    out.table(found["steps"], STEP_COLUMNS, empty="")
