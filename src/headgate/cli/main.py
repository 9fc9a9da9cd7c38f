"""What does `headgate` understand? The tree of commands; each group is one module.

Exit codes: 0 done, 1 the request failed, 2 used wrongly.
"""

import typer

from headgate.cli.commands import (
    apis,
    applications,
    audit,
    blocks,
    cache,
    certificates,
    clients,
    configuration,
    events,
    explain,
    feedback,
    gateways,
    issuer,
    keys,
    lifecycle,
    nodes,
    organizations,
    people,
    plans,
    policies,
    processes,
    products,
    releases,
    secrets,
    sensitive,
    status,
    subscriptions,
    teams,
    tokens,
    traffic,
    version,
    webhooks,
)
from headgate.cli.output import problem_text
from headgate.cli.rest import FAILED
from headgate.core.problems import DependencyError, Problem

MODULES = (
    processes,
    apis,
    lifecycle,
    releases,
    cache,
    products,
    plans,
    organizations,
    people,
    teams,
    applications,
    subscriptions,
    sensitive,
    keys,
    certificates,
    clients,
    blocks,
    policies,
    secrets,
    traffic,
    explain,
    feedback,
    events,
    webhooks,
    status,
    configuration,
    gateways,
    nodes,
    issuer,
    tokens,
    audit,
    version,
)
"""In the order of the help page: what a newcomer meets first stands first."""


def build() -> typer.Typer:
    """The whole tree of commands."""
    app = typer.Typer(
        name="headgate",
        help="Self-hosted API management: gateway, keys, plans and analytics over one record "
        "per request.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for module in MODULES:
        module.add(app)
    return app


def main() -> int:
    """Run the command line of this process; the exit code."""
    try:
        build()()
    except Problem as problem:
        typer.echo(problem_text(problem), err=True)
        return FAILED
    except DependencyError as error:
        typer.echo(f"error: {error}", err=True)
        return FAILED
    except BrokenPipeError:  # the reader of a pipe (`| head`) has seen enough
        return 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else FAILED
    return 0
