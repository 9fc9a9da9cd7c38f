"""How are the processes started? All together (`up`), or each by itself."""

import typer


def add(app: typer.Typer) -> None:
    """Put `up`, `web`, `jobs` and `node` at the top."""
