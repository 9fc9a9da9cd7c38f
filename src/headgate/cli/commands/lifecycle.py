"""How does a version of an API come to its end, and who still calls it?"""

import sys
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.commands.apis import apis
from headgate.cli.output import Output
from headgate.cli.rest import FAILED, rest_command
from headgate.core.units import count

WAIT_SECONDS = 10
CHANGES_SHOWN_MAX = 20  # of one entry of a changelog
CALLERS_SHOWN_MAX = 20  # before a retirement; `headgate api callers` lists them all
Version = Annotated[
    str, typer.Argument(metavar="API[@VERSION]", help="The plain name means the default version.")
]
COLUMNS = {
    "organization": "organization",
    "application": "application",
    "calls": "calls",
    "per day": "per_day",
    "last call": "last_call_at",
}
OUTLOOKS = {
    "reached": "nobody has called for a week",
    "too_early": "two weeks of whole days are needed to say",
    "not_falling": "they do not become fewer",
    "too_far": "not within a year, as it goes",
}


def add(app: typer.Typer) -> None:
    """Nothing: the commands stand in the group `api`."""
    del app


@rest_command(
    apis,
    "deprecate",
    examples=[
        "headgate api deprecate pets@v1 --sunset 2027-06-30 --successor v2",
        "headgate api deprecate pets@v1 --link https://example.com/moving-to-v2",
        "headgate api deprecate pets@v1 --sunset 2027-06-30 --retire-at-sunset",
    ],
)
def deprecate(
    api: Client,
    out: Output,
    *,
    name: Version,
    sunset: Annotated[
        str | None,
        typer.Option("--sunset", metavar="DATE", help="When it ends: 2027-06-30; '' for none."),
    ] = None,
    successor: Annotated[
        str | None,
        typer.Option(
            "--successor",
            metavar="VERSION",
            help="What to use instead: v2 or shop@v3; '' for none.",
        ),
    ] = None,
    link: Annotated[
        str | None, typer.Option("--link", metavar="URL", help="A page about it; '' for none.")
    ] = None,
    retires: Annotated[
        bool | None,
        typer.Option(
            "--retire-at-sunset/--no-retire-at-sunset", help="Retire it when its sunset comes."
        ),
    ] = None,
) -> None:
    """Tell the callers of a version that it will end, with every answer. In force at once.

    Answers carry Deprecation (RFC 9745), Sunset (RFC 8594) and Link. Again, to change what is not
    as it should be. A sunset that passes changes nothing, unless --retire-at-sunset is given.
    """
    given = {"successor": successor, "link": link, "retires_at_sunset": retires}
    body: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if sunset is not None:
        body["sunset_at"] = instant(sunset) if sunset else None
    with out.working(f"deprecating {name}"):
        made = api.post(_path(name, "deprecate"), body | {"wait_seconds": WAIT_SECONDS})
    until = f" until {made['sunset_at']}" if made["sunset_at"] else ""
    out.result(
        made, f"{name} is deprecated{until}. Who still calls it: headgate api callers {name}"
    )
    _warn(out, made)


@rest_command(apis, "undeprecate", examples=["headgate api undeprecate pets@v1"])
def undeprecate(api: Client, out: Output, *, name: Version) -> None:
    """Take a deprecation back. In force at once."""
    made = api.post(_path(name, "undeprecate"), {"wait_seconds": WAIT_SECONDS})
    out.result(made, f"{name} is published as before.")
    _warn(out, made)


@rest_command(
    apis, "retire", examples=["headgate api retire pets@v1", "headgate api retire pets@v1 --yes"]
)
def retire(
    api: Client,
    out: Output,
    *,
    name: Version,
    yes: Annotated[bool, typer.Option("--yes", help="Whoever still calls it.")] = False,
) -> None:
    """Answer 410 to every call of a deprecated version, with where to go. In force at once.

    Says who has called it in the last 30 days, and asks for its name before it does it.
    Publishing it again brings it back.
    """
    confirm = name if yes else _asked(api, out, name)
    body = {"confirm": confirm, "wait_seconds": WAIT_SECONDS}
    with out.working(f"retiring {name}"):
        made = api.post(_path(name, "retire"), body)
    out.result(
        made, f"{name} is retired: its callers get 410. The way back: headgate publish {name}"
    )
    _warn(out, made)


@rest_command(
    apis,
    "callers",
    examples=[
        "headgate api callers pets",
        "headgate api callers pets@v1 --operation listPets --days 7",
    ],
)
def callers(
    api: Client,
    out: Output,
    *,
    name: Version,
    operation: Annotated[
        str, typer.Option("--operation", metavar="OPERATION", help="Of this operation alone.")
    ] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="With today.")] = 30,
) -> None:
    """Show who still calls a version: applications, calls, the last one; and when it will end.

    The end is a projection of how callers leave since the deprecation; there is none where it
    would say more than the numbers do.
    """
    parameters = {"operation": operation or None, "days": days}
    found = api.get(_path(name, "callers"), parameters)
    if out.is_json:
        out.value(found)
        return
    what = f"{name} {operation}".strip()
    _show(out, found, days, f"Nobody has called {what} in {count(days, 'day')}.")
    if found["callers_dropped"]:
        out.note(f"… and {count(found['callers_dropped'], 'more caller')}")
    burn_down = found["burn_down"]
    if burn_down is not None:
        out.line("\nper day:")
        for what, since in (("callers", "callers_since"), ("calls", "since")):
            course = f"since {burn_down[since]} {_course(burn_down[f'{what}_daily'])}"
            out.line(f"{what:<8} {course}  → {_outlook(burn_down[what])}")


@rest_command(apis, "changelog", examples=["headgate api changelog pets"])
def changelog(api: Client, out: Output, *, name: Version) -> None:
    """What was published of an API, newest first, and what it changed for those who call it."""
    found = api.get(_path(name, "changelog"))
    if out.is_json:
        out.value(found)
        return
    for one in found["items"]:
        mark = " (breaking)" if one["is_breaking"] else ""
        out.line(f"{one['at'][:10]}  {one['version']}  {one['kind'].replace('_', ' ')}{mark}")
        if one["note"]:
            out.line(f"    {one['note']}")
        for change in one["changes"][:CHANGES_SHOWN_MAX]:
            what = "; ".join(change["what"]) or change["kind"]
            out.line(f"    {change['title']}: {what}{' (breaking)' * change['is_breaking']}")
    if not found["items"]:
        out.note("Nothing has been published yet.")


def instant(text: str) -> str:
    """`2027-06-30`, or an instant with its time zone, as the REST API takes it."""
    try:
        if len(text) == len("2027-06-30"):
            return f"{date.fromisoformat(text).isoformat()}T00:00:00Z"
        if datetime.fromisoformat(text).tzinfo is not None:
            return text.replace(" ", "T")
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is no date; write 2027-06-30 or 2027-06-30T12:00:00Z")


def _asked(api: Client, out: Output, name: str) -> str:
    """The name as a person typed it, after they were told; empty where nobody can be asked."""
    if out.is_json or not sys.stdin.isatty():
        return ""
    found = api.get(_path(name, "callers"))
    if not found["callers"]:
        return ""
    found["callers"] = found["callers"][:CALLERS_SHOWN_MAX]
    _show(out, found, 30, "")
    typed = str(typer.prompt(f"Type {name} to retire it", err=True))
    if typed != name:
        out.note("That is not its name: nothing was done.")
        raise typer.Exit(FAILED)
    return typed


def _show(out: Output, found: Mapping[str, Any], days: int, empty: str) -> None:
    rows = [
        {
            **one,
            "application": one["application"] or "(not known)",
            "per_day": round(one["calls"] / days, 1),
            "last_call_at": one["last_call_at"][:19].replace("T", " "),
        }
        for one in found["callers"]
    ]
    out.table(rows, COLUMNS, empty=empty)


def _course(numbers: list[int]) -> str:
    """The first, the middle and the last numbers of many."""
    if len(numbers) <= 7:  # a week fits
        return " ".join(f"{one:,}" for one in numbers) or "-"
    return f"{numbers[0]:,} … {numbers[len(numbers) // 2]:,} … {numbers[-1]:,}"


def _outlook(projection: Mapping[str, Any]) -> str:
    if projection["zero_on"] is not None:
        return f"none from about {projection['zero_on']} on (fit {projection['fit']:.0%})"
    return OUTLOOKS[projection["outlook"]]


def _warn(out: Output, made: Mapping[str, Any]) -> None:
    for one in made["published"]:
        if not one["live"]:
            out.note(
                f"Revision {one['revision']} of {one['gateway']} is not live yet; "
                "see `headgate status`."
            )


def _path(name: str, action: str) -> str:
    return f"/apis/{segment(name)}/{action}"
