"""What has happened? The events, once or as they come."""

import json
import time
from collections import deque
from typing import Annotated, Any

import typer

from headgate.cli.client import Client, Parameters
from headgate.cli.output import Output, shown
from headgate.cli.rest import rest_command

COLUMNS = {
    "at": "timestamp",
    "type": "type",
    "organization": "organization",
    "subject": "subject",
    "data": "data",
}
FOLLOW_SECONDS = 1.0
KNOWN_MAX = 2_000  # ids that a follower remembers: a commit may come late by seconds
PAGE_ITEMS = 500


def add(app: typer.Typer) -> None:
    """Put `events` at the top."""
    rest_command(
        app,
        "events",
        examples=[
            "headgate events",
            "headgate events --type quota.exhausted --limit 500 --json",
            "headgate events -f",
        ],
    )(events)


def events(
    api: Client,
    out: Output,
    *,
    kind: Annotated[
        str | None, typer.Option("--type", help="Only this type, e.g. quota.warning.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only what is about this name or id.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many events.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")
    ] = False,
) -> None:
    """Show the latest events, newest first; with -f oldest first, and then those that come.

    With `-f --json` each event is one line of JSON.
    """
    query: Parameters = {"type": kind, "subject": subject}
    if not follow:
        found = api.items("/events", query, items_max=limit)
        out.table(found, COLUMNS, empty="Nothing has happened yet.")
        return
    latest = list(api.items("/events", query, items_max=PAGE_ITEMS))
    _print(out, latest[:limit])
    known = deque((event["id"] for event in reversed(latest)), maxlen=KNOWN_MAX)
    try:
        while True:
            time.sleep(FOLLOW_SECONDS)
            page = api.get("/events", {**query, "limit": PAGE_ITEMS})["items"]
            seen = set(known)
            fresh = [event for event in page if event["id"] not in seen]
            _print(out, fresh)
            known.extend(event["id"] for event in reversed(fresh))
    except KeyboardInterrupt:
        return


def _print(out: Output, newest_first: list[Any]) -> None:
    for event in reversed(newest_first):
        if out.is_json:
            out.line(json.dumps(event, ensure_ascii=False))
        else:
            cells = [shown(event[path]) for path in COLUMNS.values()]
            out.line("  ".join(cells))
