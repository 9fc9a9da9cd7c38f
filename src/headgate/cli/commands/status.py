"""How is everything? Nodes, revisions, lag, what is wrong, and whether the counts agree."""

from typing import Any

import typer

from headgate.cli.client import Client
from headgate.cli.output import Output
from headgate.cli.rest import FAILED, rest_command

NODE_COLUMNS = {
    "node": "name",
    "gateway": "gateway",
    "envoy": "envoy_state",
    "revision": "revision_live",
    "wanted": "revision_wanted",
    "seen": "seen_seconds_ago",
    "access lag": "access_lag",
    "spool": "spool_segments",
    "restarts": "envoy_restarts",
    "version": "agent_version",
}
RECONCILE_COLUMNS = {
    "kind": "kind",
    "name": "name",
    "counted": "counted",
    "stored": "stored",
    "difference": "difference",
    "cause": "cause",
}


def add(app: typer.Typer) -> None:
    """Put `status` and `reconcile` at the top."""
    rest_command(app, "status", examples=["headgate status", "headgate status --json"])(status)
    rest_command(app, "reconcile", examples=["headgate reconcile"])(reconcile)


def status(api: Client, out: Output) -> None:
    """Show nodes, live revisions, lag and versions, what is wrong and how to mend it.

    Ends 1 when something is wrong.
    """
    answer = api.get("/status")
    problems = answer.get("problems") or []
    if out.is_json:
        out.value(answer)
    else:
        out.table(answer.get("nodes") or [], NODE_COLUMNS, empty="No node has reported yet.")
        for name, value in answer.items():
            if not isinstance(value, (list, dict)):
                out.line(f"{name.replace('_', ' ')}: {value}")
        out.line("")
        out.line("\n".join(f"wrong: {_sentence(p)}" for p in problems) or "Everything is well.")
    if problems:
        raise typer.Exit(FAILED)


def _sentence(problem: Any) -> str:
    if isinstance(problem, str):
        return problem
    return f"{problem.get('detail', '')} {problem.get('next_step', '')}".strip()


def reconcile(api: Client, out: Output) -> None:
    """Compare the filter's own counters with the store: the difference and its cause."""
    answer = api.get("/reconcile")
    if out.is_json:
        out.value(answer)
        return
    out.table(answer["items"], RECONCILE_COLUMNS, empty="Nothing has been counted yet.")
