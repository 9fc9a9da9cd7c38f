"""How is a command over the REST API declared? Its own parameters; this adds the shared ones.

A function marked with `rest_command` gets a connected client and an output first. Every such
command has `--json`, `--url`, `--token` and `--data`, and ends 0 when done, 1 when the request
failed, 2 when it was used wrongly.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from headgate.cli.connection import find_connection
from headgate.cli.output import Output
from headgate.core.problems import Problem

FAILED = 1
USED_WRONGLY = 2

_SHARED: dict[str, Any] = {
    "as_json": Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")],
    "url": Annotated[
        str | None,
        typer.Option("--url", help="The control plane [env: HEADGATE_URL]."),
    ],
    "token": Annotated[
        str | None,
        typer.Option("--token", help="A REST token [env: HEADGATE_TOKEN]."),
    ],
    "data": Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Data folder where address and token are found [env: HEADGATE_DATA].",
        ),
    ],
}
_DEFAULTS: dict[str, Any] = {"as_json": False, "url": None, "token": None, "data": None}

Command = Callable[..., None]


def group(help_text: str, *, cls: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """A group of commands such as `headgate plan …`; `cls` reads its words."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None, cls=cls)


def with_examples(help_text: str | None, examples: Sequence[str]) -> str:
    """The help text with its examples below, kept line by line."""
    lines = "\n".join(f"  {example}" for example in examples)
    return f"{inspect.cleandoc(help_text or '')}\n\n\b\nExamples:\n{lines}"


def rest_command(
    app: typer.Typer, name: str, *, examples: Sequence[str]
) -> Callable[[Command], Command]:
    """Add `function(api, out, …)` to `app` as the command `name`; its docstring is the help."""

    def register(function: Command) -> Command:
        @functools.wraps(function)
        def run(
            *, as_json: bool, url: str | None, token: str | None, data: Path | None, **given: Any
        ) -> None:
            from headgate.cli.client import Client  # the HTTP client: only when one is needed

            out = Output(is_json=as_json)
            try:
                with Client(lambda: find_connection(url, token, data)) as api:
                    function(api, out, **given)
            except Problem as problem:
                out.problem(problem)
                raise typer.Exit(FAILED) from problem

        own = list(inspect.signature(function, eval_str=True).parameters.values())[2:]
        shared = [
            inspect.Parameter(
                key, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[key], annotation=annotation
            )
            for key, annotation in _SHARED.items()
        ]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + shared
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name, help=with_examples(function.__doc__, examples))(run)
        return function

    return register
