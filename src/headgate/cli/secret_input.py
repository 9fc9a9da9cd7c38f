"""How does a secret come to a command? Asked for at a terminal, read from stdin otherwise."""

import sys

import typer


def read_secret(what: str) -> str:
    """One text, without the line break at its end.

    Raises:
        typer.BadParameter: stdin is empty.
    """
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, err=True))
    text = sys.stdin.read()
    if not text.removesuffix("\n"):
        raise typer.BadParameter("stdin is empty; write the value there: … < FILE")
    return text.removesuffix("\n").removesuffix("\r")
