"""How do machines join a gateway, and how are they kept out? `headgate node` itself runs one."""

from pathlib import Path
from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.commands.processes import node as run_node
from headgate.cli.output import Output
from headgate.cli.rest import rest_command, with_examples
from headgate.core.problems import Problem, ProblemType
from headgate.core.units import parse_duration
from headgate.store.files import write_whole

Name = Annotated[str, typer.Argument(metavar="NAME", help="The node's name.")]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help="Write the token there (mode 0600) instead of printing it."),
]
COLUMNS = {
    "name": "name",
    "gateway": "gateway",
    "envoy": "envoy_state",
    "revision": "revision_live",
    "seen": "seen_at",
    "version": "agent_version",
}
TOKEN_COLUMNS = {"id": "id", "prefix": "prefix", "made": "created_at", "expires": "expires_at"}
EXAMPLES = ["headgate node --control-plane https://headgate.example.com --name edge1"]

nodes = typer.Typer(
    help=with_examples(run_node.__doc__, EXAMPLES),
    invoke_without_command=True,
    rich_markup_mode=None,
)


def add(app: typer.Typer) -> None:
    """Put the process and its group under `headgate node`."""
    nodes.callback()(run_node)
    app.add_typer(nodes, name="node")


@rest_command(
    nodes,
    "add",
    examples=[
        "headgate node add edge1",
        "headgate node add edge1 --gateway staging --token-file node.token",
    ],
)
def add_node(
    api: Client,
    out: Output,
    *,
    name: Name,
    gateway: Annotated[str, typer.Option("--gateway", help="The gateway it serves.")] = "default",
    token_file: TokenFile = None,
) -> None:
    """Add a node and print the token that lets it in: this once, never again.

    The token is this node's alone: under another name it opens nothing.
    """
    made = api.post("/nodes", {"name": name, "gateway": gateway})
    where = f" --gateway {gateway}" if gateway != "default" else ""
    start = f"headgate node --control-plane URL --token-file FILE --name {name}{where}"
    _hand_over(out, made, token_file, f"Node {name}. Start it on its machine: {start}")


@rest_command(nodes, "list", examples=["headgate node list"])
def show_all(api: Client, out: Output) -> None:
    """List the nodes with their last report."""
    out.table(api.items("/nodes"), COLUMNS, empty="There are no nodes. Add one: headgate node add")


@rest_command(nodes, "show", examples=["headgate node show edge1"])
def show(api: Client, out: Output, *, name: Name) -> None:
    """Show what a node reported last."""
    out.record(api.get(f"/nodes/{segment(name)}"))


@rest_command(nodes, "tokens", examples=["headgate node tokens edge1"])
def tokens(api: Client, out: Output, *, name: Name) -> None:
    """List the tokens that let a node in, by id and prefix."""
    found = api.get(f"/nodes/{segment(name)}/tokens")["items"]
    out.table(
        found, TOKEN_COLUMNS, empty=f"None: {name} is kept out. Let it in: headgate node rotate"
    )


@rest_command(
    nodes,
    "rotate",
    examples=[
        "headgate node rotate edge1 --overlap 1h",
        "headgate node rotate local --overlap 0s --token-file .headgate/node/node.token",
    ],
)
def rotate(
    api: Client,
    out: Output,
    *,
    name: Name,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the present token still works.")
    ] = "1h",
    token_file: TokenFile = None,
) -> None:
    """Replace a node's token: print the new one, and let the old one work for the overlap.

    A running node reads its token's file at every call: replacing the file is enough.
    """
    try:
        seconds = int(parse_duration(overlap).total_seconds())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    made = api.post(f"/nodes/{segment(name)}/rotate", {"overlap_seconds": seconds})
    _hand_over(out, made, token_file, f"The old token of {name} works for another {overlap}")


@rest_command(nodes, "revoke", examples=["headgate node revoke edge1"])
def revoke(api: Client, out: Output, *, name: Name) -> None:
    """End a node's tokens at once: it serves on with what it has, and gets nothing new."""
    done = api.post(f"/nodes/{segment(name)}/revoke", None)
    out.result(done, f"Node {name} is kept out. Let it in again: headgate node rotate {name}")


@rest_command(nodes, "delete", examples=["headgate node delete edge1"])
def delete(api: Client, out: Output, *, name: Name) -> None:
    """Forget a node that is gone for good, and end its tokens."""
    out.result(api.delete(f"/nodes/{segment(name)}"), f"Node {name} is forgotten.")


def _hand_over(out: Output, made: Any, token_file: Path | None, sentence: str) -> None:
    """The token to its file or to stdout; everything else beside it."""
    if token_file is not None:
        try:
            write_whole(token_file, f"{made['token']}\n")
        except OSError as error:
            raise Problem(
                ProblemType.UNAVAILABLE,
                f"The token was made, but {token_file} cannot be written: {error.strerror}.",
                f"Mend that, then make another: headgate node rotate {made['node']}",
            ) from error
        made = {**made, "token": None}
    if out.is_json:
        out.value(made)
        return
    if token_file is None:
        out.line(str(made["token"]))
    out.note(f"{sentence}. Token {made['id']} is shown this once: keep it safe.")
