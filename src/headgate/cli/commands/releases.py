"""How does a new version get its traffic? A share, more of it, all of it, or none again."""

from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import rest_command

WAIT_SECONDS = 10
Version = Annotated[
    str, typer.Argument(metavar="API@VERSION", help="A version that is not the default.")
]
API = Annotated[str, typer.Argument(metavar="API", help="The API whose release is under way.")]
Gateway = Annotated[str, typer.Option("--gateway", help="On which gateway.")]
COLUMNS = {
    "api": "api",
    "version": "version",
    "gateway": "gateway",
    "percent": "percent",
    "header": "header",
    "mirror": "mirror_percent",
    "applications": "applications",
    "abort if": "abort_if",
    "since": "since",
    "outcome": "outcome",
    "reason": "reason",
}
NUMBER_COLUMNS = {
    "version": "version",
    "requests": "requests",
    "errors": "metrics.error_ratio",
    "p50 ms": "metrics.latency_ms_p50",
    "p99 ms": "metrics.latency_ms_p99",
}


def add(app: typer.Typer) -> None:
    """Put `release`, `promote`, `abort` and `releases` at the top."""
    rest_command(
        app,
        "release",
        examples=[
            "headgate release pets@v2 --percent 5 --abort-if 'error_ratio > 0.02'",
            "headgate release pets@v2 --header x-beta=1",
            "headgate release pets@v2 --application acme/demo",
            "headgate release pets@v2 --mirror 10",
            "headgate release pets@v2",
        ],
    )(release)
    rest_command(app, "promote", examples=["headgate promote pets"])(promote)
    rest_command(app, "abort", examples=["headgate abort pets --reason 'wrong totals'"])(abort)
    rest_command(app, "releases", examples=["headgate releases"])(releases)


def release(
    api: Client,
    out: Output,
    *,
    version: Version,
    percent: Annotated[
        float | None,
        typer.Option("--percent", min=0, max=100, help="Share of the callers, by their key."),
    ] = None,
    header: Annotated[
        str | None,
        typer.Option("--header", help="NAME=VALUE: requests with it go to the version; '' ends."),
    ] = None,
    mirror: Annotated[
        float | None,
        typer.Option(
            "--mirror", min=0, max=100, help="Share of the default's requests to send there too."
        ),
    ] = None,
    application: Annotated[
        list[str] | None,
        typer.Option(
            "--application",
            help="ORGANIZATION/APPLICATION whose calls go to the version; several times for "
            "several, '' ends it.",
        ),
    ] = None,
    abort_if: Annotated[
        str | None,
        typer.Option("--abort-if", help="When it is taken back: 'error_ratio > 0.02'."),
    ] = None,
    gateway: Gateway = "default",
) -> None:
    """Give a further version a share of its API's traffic; without options, show its numbers.

    A caller stays with its version, because its key decides. With --abort-if the numbers are
    watched every few seconds, from the change of the share on.
    """
    given = {
        "percent": percent,
        "header": header,
        "mirror_percent": mirror,
        "applications": None if application is None else [one for one in application if one],
        "abort_if": abort_if,
    }
    body = {key: value for key, value in given.items() if value is not None}
    path = f"/apis/{segment(version)}/release"
    if not body:
        _show(out, api.get(path, {"gateway": gateway}))
        return
    with out.working(f"releasing {version}"):
        made = api.put(path, body | {"gateway": gateway, "wait_seconds": WAIT_SECONDS})
    out.result(made, f"{version} is released as set, with revision {made['revision']}.")


def promote(api: Client, out: Output, *, name: API, gateway: Gateway = "default") -> None:
    """Make the released version the default and give it all of the traffic."""
    made = _end(api, out, name, "promote", {"gateway": gateway})
    back = f"headgate gateway rollback {gateway} {made['revision'] - 1}"
    out.result(made, f"{name} now means the released version. The way back: {back}")


def abort(
    api: Client,
    out: Output,
    *,
    name: API,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit log.")] = "",
    gateway: Gateway = "default",
) -> None:
    """Take the released version's share away; it stays published and stands by."""
    made = _end(api, out, name, "abort", {"gateway": gateway, "reason": reason})
    out.result(made, f"The release of {name} is ended; everybody gets the default version.")


def releases(api: Client, out: Output) -> None:
    """List releases, newest first, ended ones included."""
    out.table(api.items("/releases"), COLUMNS, empty="There has been no release yet.")


def _end(api: Client, out: Output, name: str, how: str, body: dict[str, Any]) -> Any:
    with out.working(f"{how}: {name}"):
        path = f"/apis/{segment(name)}/release/{how}"
        return api.post(path, body | {"wait_seconds": WAIT_SECONDS})


def _show(out: Output, found: Any) -> None:
    if out.is_json:
        out.value(found)
        return
    numbers = found.pop("numbers")
    out.record(found)
    out.line("")
    out.table(numbers, NUMBER_COLUMNS, empty="")
