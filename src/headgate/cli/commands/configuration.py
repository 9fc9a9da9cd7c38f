"""How is the whole configuration kept in files? Apply YAML documents, export them."""

from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.client import Client
from headgate.cli.output import Output
from headgate.cli.rest import rest_command
from headgate.core.units import count

YAML = "application/yaml"
FILES_MAX = 1_000
SUFFIXES = (".yaml", ".yml", ".json")


def add(app: typer.Typer) -> None:
    """Put `apply` and `export` at the top."""
    rest_command(
        app,
        "apply",
        examples=[
            "headgate apply -f headgate.yaml --dry-run",
            "headgate apply -f configuration/ --prune",
        ],
    )(apply)
    rest_command(app, "export", examples=["headgate export > headgate.yaml"])(export)


def apply(
    api: Client,
    out: Output,
    *,
    file: Annotated[
        Path,
        typer.Option("--file", "-f", exists=True, help="YAML file, or a folder of them."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, change nothing.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove what the files do not name.")
    ] = False,
) -> None:
    """Make the configuration what the files say, in one step. A second time changes nothing."""
    text = "\n---\n".join(_texts(file))
    with out.working("comparing" if dry_run else "applying"):
        answer = api.post("/configuration", {"yaml": text, "dry_run": dry_run, "prune": prune})
    if out.is_json:
        out.value(answer)
        return
    for change in answer["changes"]:
        fields = ", ".join(change.get("fields") or [])
        out.line(f"{change['action']:<8} {change['kind']} {change['name']}  {fields}".rstrip())
        if change.get("next_step"):
            out.line(f"         next: {change['next_step']}")
    done = "would be made" if dry_run else "made"
    out.line(f"{count(len(answer['changes']), 'change')} {done}.")


def export(api: Client, out: Output) -> None:
    """Print the whole configuration as YAML documents, without secrets."""
    if out.is_json:
        out.value(api.get("/configuration"))
    else:
        out.line(api.text("/configuration", accept=YAML).rstrip("\n"))


def _texts(path: Path) -> list[str]:
    files = [path]
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.suffix in SUFFIXES and f.is_file())
    if not files:
        raise typer.BadParameter(f"{path} holds no .yaml, .yml or .json file")
    if len(files) > FILES_MAX:
        raise typer.BadParameter(f"{path} holds more than {FILES_MAX:,} files")
    try:
        return [file.read_text(encoding="utf-8-sig") for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {error}") from error
