"""How is everything? Nodes, revisions, lag, what is wrong, and whether the counts agree."""

from collections.abc import Iterator
from typing import Any

import typer

from headgate.cli.client import Client
from headgate.cli.output import Output
from headgate.cli.rest import FAILED, rest_command
from headgate.core.units import count

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

    Ends 1 when something is wrong now; what will be wrong soon is only said.
    """
    answer = api.get("/status")
    problems = answer.get("problems") or []
    if out.is_json:
        out.value(answer)
    else:
        out.table(answer.get("nodes") or [], NODE_COLUMNS, empty="No node has reported yet.")
        for node in answer.get("nodes") or []:
            out.line("\n".join(_counted(node)))
        for name, value in answer.items():
            if not isinstance(value, (list, dict)):
                out.line(f"{name.replace('_', ' ')}: {value}")
        out.line("")
        out.line("\n".join(_told(problem) for problem in problems) or "Everything is well.")
    if any(problem["severity"] == "error" for problem in problems):
        raise typer.Exit(FAILED)


def _counted(node: dict[str, Any]) -> Iterator[str]:
    """What the parts of a node beside Envoy have counted, where they have something to do."""
    if refused := node.get("certificates_refused"):
        yield f"{node['name']}: {count(refused, 'connection')} refused for the client certificate"
    if seen := node.get("validations"):
        yield (
            f"{node['name']}: validators checked {count(seen['requests'], 'request')}"
            f" ({seen['invalid_requests']:,} do not fit) and"
            f" {count(seen['responses'], 'answer')} ({seen['invalid_responses']:,} do not fit);"
            f" {node['unchecked'] or 0:,} passed unchecked"
        )
    for one in node.get("introspections") or []:
        yield (
            f"{node['name']}: tokens of {one['issuer']}: {one['known']:,} known,"
            f" {one['asked']:,} asked about, {one['failed']:,} without an answer,"
            f" {one['refused']:,} refused unasked"
        )


def _told(problem: Any) -> str:
    """What is wrong and, on a line of its own, how to mend it."""
    next_step = problem.get("next_step")
    word = "wrong" if problem["severity"] == "error" else "soon"
    return f"{word}: {problem['detail']}" + (f"\nnext:  {next_step}" if next_step else "")


def reconcile(api: Client, out: Output) -> None:
    """Compare the filter's own counters with the store: the difference and its cause."""
    answer = api.get("/reconcile")
    if out.is_json:
        out.value(answer)
        return
    out.table(answer["items"], RECONCILE_COLUMNS, empty="Nothing has been counted yet.")
