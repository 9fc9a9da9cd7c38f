"""What went through the gateway? The requests one by one, and their numbers."""

import json
import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from headgate.cli.client import Client
from headgate.cli.output import Output
from headgate.cli.rest import rest_command
from headgate.core.problems import Problem, ProblemType
from headgate.core.units import count, parse_duration

FOLLOW_SECONDS = 0.5  # between two looks for new records
RECONNECT_SECONDS = 2.0  # while the control plane is away, a follower waits for it


class By(StrEnum):
    """What statistics are counted by."""

    API = "api"
    OPERATION = "operation"
    APPLICATION = "application"
    ORGANIZATION = "organization"
    PLAN = "plan"
    STATUS = "status"
    VERDICT = "verdict"


def add(app: typer.Typer) -> None:
    """Put `logs`, `stats` and `erase` at the top."""
    rest_command(
        app,
        "logs",
        examples=[
            "headgate logs -f",
            "headgate logs --api httpbin --verdict rate_limited --limit 20",
            "headgate logs --since 15m --json | jq .status",
        ],
    )(logs)
    rest_command(
        app, "stats", examples=["headgate stats", "headgate stats --by verdict --since 24h"]
    )(stats)
    rest_command(
        app,
        "erase",
        examples=[
            "headgate erase --application acme/demo",
            "headgate erase --organization acme --yes",
        ],
    )(erase)


def logs(
    api: Client,
    out: Output,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new requests, until Ctrl-C.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, max=1000, help="How many to begin with.")
    ] = 50,
    since: Annotated[str | None, typer.Option("--since", help="Not older than, e.g. 1h.")] = None,
    of_api: Annotated[str | None, typer.Option("--api", help="Only this API.")] = None,
    operation: Annotated[
        str | None, typer.Option("--operation", help="Only this operation.")
    ] = None,
    application: Annotated[
        str | None, typer.Option("--application", help="Only this application.")
    ] = None,
    status: Annotated[
        int | None, typer.Option("--status", min=100, max=599, help="Only this status.")
    ] = None,
    verdict: Annotated[str | None, typer.Option("--verdict", help="Only this verdict.")] = None,
    observed: Annotated[
        str | None,
        typer.Option("--observed", help="Only what would have had this verdict, e.g. in shadow."),
    ] = None,
) -> None:
    """Show requests, oldest of the latest first (`--json`: one JSON object per line)."""
    filters: dict[str, str | int | bool | None] = {
        "since": _checked(since),
        "api": of_api,
        "operation": operation,
        "application": application,
        "status": status,
        "verdict": verdict,
        "observed": observed,
    }
    try:
        page = api.get("/traffic/requests", {**filters, "limit": max(limit, 1)})
        _show(out, page["items"][:limit])
        if follow:
            _follow(api, out, filters, page["after"])
    except KeyboardInterrupt:
        return  # the way to end -f


def _follow(
    api: Client, out: Output, filters: dict[str, str | int | bool | None], after: str
) -> None:
    """Print what arrives after the cursor, each record once, through restarts of the server."""
    while True:
        try:
            page = api.get("/traffic/requests", {**filters, "since": None, "after": after})
        except Problem as problem:
            if problem.type is not ProblemType.UNAVAILABLE:
                raise
            time.sleep(RECONNECT_SECONDS)
            continue
        _show(out, page["items"])
        after = page["after"]
        if not page["items"]:
            time.sleep(FOLLOW_SECONDS)


def _show(out: Output, newest_first: list[Any]) -> None:
    for item in reversed(newest_first):
        out.line(json.dumps(item, ensure_ascii=False) if out.is_json else _request_line(item))


def _request_line(item: Any) -> str:
    """One request for people: when, outcome, what, who, how long."""
    who = item.get("application_name") or item.get("application") or "-"
    target = f"{item['path']}?{item['query']}" if item.get("query") else item["path"]
    observed = f"  (observed: {item['observed']})" if item.get("observed") else ""
    milliseconds = (item.get("duration_us") or 0) / 1000
    return (
        f"{item['started_at']}  {item['status']}  {item['verdict']:<18}  "
        f"{item['method']:<7} {target}  {who}  {milliseconds:.1f} ms{observed}"
    )


def stats(
    api: Client,
    out: Output,
    *,
    by: Annotated[By, typer.Option("--by", help="What to count by.")] = By.API,
    since: Annotated[str, typer.Option("--since", help="How far back, e.g. 1h.")] = "1h",
) -> None:
    """Show how many requests, how many failed, how long they took and how much they moved.

    Those that a limit in shadow, or a policy that only observes, would have refused are counted
    beside: `headgate logs --observed rate_limited` shows them.
    """
    answer = api.get("/traffic/stats", {"by": by.value, "since": _checked(since)})
    columns = {
        by.value: "key",
        "requests": "requests",
        "rejected": "rejected",
        "errors": "errors",
        "would refuse": "would_refuse",
        "p50 ms": "p50_ms",
        "p99 ms": "p99_ms",
        "bytes in": "request_bytes",
        "bytes out": "response_bytes",
    }
    out.table(answer["items"], columns, empty=f"There were no requests in the last {since}.")


def erase(
    api: Client,
    out: Output,
    *,
    organization: Annotated[
        str | None, typer.Option("--organization", help="Its name or id.")
    ] = None,
    application: Annotated[
        str | None, typer.Option("--application", help="Its name or id.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only said how much it is.")
    ] = False,
) -> None:
    """Erase a consumer from the records: who called, from where, which path. Counts stay.

    Delete it first: calls that it still makes are recorded as before.
    """
    if (organization is None) == (application is None):
        raise typer.BadParameter("name one of --organization and --application")
    body = {"organization": organization, "application": application, "dry_run": not yes}
    with out.working("erasing" if yes else "counting"):
        done = api.post("/traffic/erasures", body)
    what = f"{count(done['records'], 'record')} in {count(done['files'], 'file')}"
    told = f"{what} and {count(done['copies'], 'copy', 'copies')} of log segments"
    end = "were erased." if yes else "would be erased. Add --yes to do it; it cannot be undone."
    out.result(done, f"{told} {end}")


def _checked(duration: str | None) -> str | None:
    if duration is not None:
        try:
            parse_duration(duration)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    return duration
