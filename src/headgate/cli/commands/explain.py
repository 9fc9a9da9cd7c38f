"""Why was this request answered as it was, and what would become of that one?"""

import base64
from typing import Annotated, Any

import typer

from headgate.cli import curl
from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import rest_command
from headgate.core.problems import Problem

STEP_COLUMNS = {"step": "name", "outcome": "outcome", "detail": "detail"}


def add(app: typer.Typer) -> None:
    """Put `headgate explain` at the top."""
    rest_command(
        app,
        "explain",
        examples=[
            "headgate explain 6f1c2c1e-9a36-4f0c-8b8e-1f8a4a1d3b55",
            "headgate explain -- curl -H 'X-API-Key: hg_…' http://127.0.0.1:8080/httpbin/get",
        ],
    )(explain)


def explain(
    api: Client,
    out: Output,
    *,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="REQUEST_ID | -- curl …",
            help="The field `x-request-id` of an answer, or of `logs`; or a request to try.",
        ),
    ],
    gateway: Annotated[str, typer.Option(help="Where to try it.")] = "default",
    client_address: Annotated[
        str, typer.Option("--from", metavar="ADDRESS", help="Whose request it is to be.")
    ] = "127.0.0.1",
) -> None:
    """Show a request's way through the gateway, step by step, and what to do about its answer.

    A request can be explained within three seconds, for as long as its record is kept. One that
    is given as a curl command is tried: a node routes, identifies, limits and checks it as ever,
    but nothing is used up or recorded and no upstream is asked. Of `--cert` the certificate is
    sent, the key never.
    """
    if what[0] == "curl":
        try:
            asked = curl.request_of(what[1:])
        except Problem as problem:
            raise typer.BadParameter(f"{problem.detail} {problem.next_step}") from problem
        _try(api, out, asked, gateway, client_address)
        return
    if len(what) > 1:
        raise typer.BadParameter(
            f"{len(what)} requests are named. Give one request id, or `-- curl …`."
        )
    found = api.get(f"/traffic/requests/{segment(what[0])}/explanation")
    if out.is_json:
        out.value(found)
        return
    _show(out, f"{found['method']} {found['path']}: {found['status']} {found['verdict']}", found)


def _try(
    api: Client, out: Output, asked: curl.CurlRequest, gateway: str, client_address: str
) -> None:
    found = api.post(
        "/trials",
        {
            "method": asked.method,
            "target": asked.target,
            "headers": [{"name": name, "value": value} for name, value in asked.headers],
            "body": base64.b64encode(asked.body).decode(),
            "gateway": gateway,
            "client_address": client_address,
            "certificate": asked.certificate,
        },
    )
    if out.is_json:
        out.value(found)
        return
    answer = found["answer"]
    path = asked.target.partition("?")[0]
    status = answer["status"] or "the upstream's answer"
    _show(out, f"{asked.method} {path}: {status} {found['verdict']} (tried)", found)
    out.line("")
    for field in answer["headers"]:
        out.line(f"{field['name']}: {field['value']}")
    if answer["body"]:
        out.line("")
        out.line(answer["body"])


def _show(out: Output, first: str, found: dict[str, Any]) -> None:
    out.line(first)
    out.line(found["summary"])
    if found["next_step"]:
        out.line(f"next:  {found['next_step']}")
    out.line("")
    out.table(found["steps"], STEP_COLUMNS, empty="")
