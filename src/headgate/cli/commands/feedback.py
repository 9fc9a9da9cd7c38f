"""What do readers say of the portal's pages, and which of it is done?"""

from typing import Annotated

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

COLUMNS = {
    "id": "id",
    "at": "at",
    "page": "page",
    "helpful": "is_helpful",
    "state": "state",
    "person": "person",
    "text": "text",
}


def add(app: typer.Typer) -> None:
    """Put the group under `headgate feedback`."""
    app.add_typer(feedback, name="feedback")


feedback = group("Feedback: whether readers find the portal's pages helpful.")
Answer = Annotated[str, typer.Argument(metavar="ANSWER", help="The answer's id.")]


@rest_command(
    feedback,
    "list",
    examples=[
        "headgate feedback list",
        "headgate feedback list --state open --not-helpful --page /apis/pets",
    ],
)
def show_all(
    api: Client,
    out: Output,
    *,
    state: Annotated[str | None, typer.Option("--state", help="open or done.")] = None,
    is_helpful: Annotated[
        bool | None,
        typer.Option("--helpful/--not-helpful", help="Only those that say so."),
    ] = None,
    page: Annotated[
        str | None, typer.Option("--page", metavar="ADDRESS", help="Only those on this page.")
    ] = None,
) -> None:
    """List what readers say, newest first."""
    query = {"state": state, "is_helpful": is_helpful, "page": page}
    out.table(api.items("/feedback", query), COLUMNS, empty="Nobody has said anything.")


@rest_command(feedback, "show", examples=["headgate feedback show fdb_7k3v9q2m4x0z"])
def show(api: Client, out: Output, *, answer: Answer) -> None:
    """One answer, whole."""
    out.record(api.get(_path(answer)))


@rest_command(feedback, "done", examples=["headgate feedback done fdb_7k3v9q2m4x0z"])
def done(api: Client, out: Output, *, answer: Answer) -> None:
    """Mark an answer as done."""
    out.result(api.post(f"{_path(answer)}/done"), f"{answer} is done.")


@rest_command(feedback, "reopen", examples=["headgate feedback reopen fdb_7k3v9q2m4x0z"])
def reopen(api: Client, out: Output, *, answer: Answer) -> None:
    """Mark an answer as open again."""
    out.result(api.post(f"{_path(answer)}/reopen"), f"{answer} is open again.")


def _path(answer: str) -> str:
    return f"/feedback/{segment(answer)}"
