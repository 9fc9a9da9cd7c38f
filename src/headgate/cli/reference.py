"""What does each command do? The page docs/commands.md, from the commands themselves.

`python -m headgate.cli.reference > docs/commands.md`
"""

import inspect
import sys
from typing import Any

import typer

from headgate.cli.main import build

INTRODUCTION = """\
# Commands
Every command that talks to the control plane takes `--json` (for machines), `--url`, `--token` and
`--data`; these are left out below. Where they are not given, `HEADGATE_URL`, `HEADGATE_TOKEN` and
`HEADGATE_DATA` say it, and on the machine where `headgate up` runs the data folder does.

Exit codes: 0 done, 1 the request failed (stderr says why and what to do next), 2 used wrongly.

This page is made by `python -m headgate.cli.reference`.
"""
SHARED = frozenset({"as_json", "url", "token", "data", "help"})


def page() -> str:
    """The whole page, as Markdown."""
    root: Any = typer.main.get_command(build())
    parts = [INTRODUCTION]
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            is_process = command.invoke_without_command
            own = _section(name, command, "##") if is_process else None
            parts.append(own or f"## headgate {name}\n{command.help}\n")
            parts += [_section(f"{name} {n}", c, "###") for n, c in command.commands.items()]
        else:
            parts.append(_section(name, command, "##"))
    return "\n".join(parts)


def _section(name: str, command: Any, heading: str) -> str:
    text, _, examples = inspect.cleandoc(command.help).partition("\n\n\b\nExamples:\n")
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    is_shared = any(p.name == "url" for p in command.params)
    options = [
        p
        for p in command.params
        if p.param_type_name == "option" and not (is_shared and p.name in SHARED)
    ]
    usage = " ".join(["headgate", name, *(_metavar(p) for p in arguments)])
    lines = [f"{heading} `{usage}`", text, ""]
    rows = [(_metavar(p), p.help) for p in arguments] + [(_spelling(p), _help(p)) for p in options]
    if rows:
        lines += ["| | |", "|---|---|"]
        lines += [f"| `{left}` | {_cell(right)} |" for left, right in rows]
        lines.append("")
    shown = "\n".join(line.strip() for line in examples.splitlines())
    return "\n".join([*lines, f"```\n{shown}\n```", ""])


def _metavar(parameter: Any) -> str:
    """The argument's name; in brackets where it may be left out."""
    name = str(parameter.metavar or parameter.name.upper()).strip("[]")
    return name if parameter.required else f"[{name}]"


def _spelling(parameter: Any) -> str:
    spelled = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(sorted(spelled, key=len)) + (" …" if parameter.multiple else "")


def _help(parameter: Any) -> str:
    """The option's help with its default, where that says something."""
    default = parameter.default
    is_telling = isinstance(default, (str, int, float)) and bool(default)
    return f"{parameter.help} By default {default}." if is_telling else str(parameter.help)


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
