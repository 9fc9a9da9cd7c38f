"""How does an API come behind the gateway? Import its document, look at it, publish it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from headgate.cli.client import Client, segment
from headgate.cli.output import Output, place_text
from headgate.cli.rest import FAILED, group, rest_command
from headgate.cli.spec import document_of
from headgate.core.problems import Problem, ProblemType
from headgate.core.units import count

Name = Annotated[
    str, typer.Argument(metavar="API", help="The API's name; API@VERSION for another version.")
]
Spec = Annotated[
    str, typer.Argument(metavar="SPEC", help="An OpenAPI or Swagger document: file, folder, URL.")
]
ImportedName = Annotated[str, typer.Option("--name", help="The API's name from now on.")]
UpstreamURL = Annotated[
    str | None,
    typer.Option("--upstream", help="Where its requests go: http(s)://host[:port][/prefix]."),
]
BasePath = Annotated[
    str | None, typer.Option("--base-path", help="Path at the gateway; by default /NAME.")
]
Version = Annotated[
    str | None,
    typer.Option(
        "--version", help="By default v1. Another one than an API has is a new version of it."
    ),
]
Title = Annotated[str | None, typer.Option("--title", help="By default the document's.")]
KeyIn = Annotated[
    list[str] | None,
    typer.Option(
        "--key-in",
        help="Where callers send the key: header:NAME, bearer or query:NAME; repeatable. "
        "By default header:X-API-Key.",
    ),
]


class DownloadFile(StrEnum):
    """What can be downloaded."""

    OPENAPI_JSON = "openapi.json"
    OPENAPI_YAML = "openapi.yaml"
    POSTMAN = "postman.json"
    PYTHON = "python-client.zip"


COLUMNS = {
    "name": "name",
    "version": "version",
    "default": "is_default",
    "state": "lifecycle.state",
    "base path": "base_path",
    "operations": "operations",
    "live revision": "live_revision",
    "title": "title",
}
OPERATION_COLUMNS = {"id": "id", "method": "method", "path": "path", "summary": "summary"}
CHANGES_SHOWN_MAX = 50
NOTES_SHOWN_MAX = 3  # of a document's mistakes that do not keep it from being imported
UNPUBLISH_SECONDS = 5  # how long to wait for the nodes


def add(app: typer.Typer) -> None:
    """Put `import`, `publish`, `unpublish` and `api …` at the top."""
    rest_command(
        app,
        "import",
        examples=[
            "headgate import openapi.yaml --name pets --upstream http://127.0.0.1:9000",
            "headgate import https://example.com/openapi.json --name shop --upstream http://10.0.0.7",
            "headgate import openapi.yaml --name pets --update",
            "headgate import new.yaml --name pets --version v2",
        ],
    )(import_document)
    rest_command(
        app,
        "publish",
        examples=["headgate publish pets", 'headgate publish pets --note "Pets have names."'],
    )(publish)
    rest_command(app, "unpublish", examples=["headgate unpublish pets"])(unpublish)
    app.add_typer(apis, name="api")


apis = group("APIs: what has been imported.")


def import_document(
    api: Client,
    out: Output,
    *,
    spec: Spec,
    name: ImportedName,
    upstream: UpstreamURL = None,
    base_path: BasePath = None,
    version: Version = None,
    title: Title = None,
    key_in: KeyIn = None,
    is_open: Annotated[bool, typer.Option("--open", help="Callers need no key.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Replace the document of the API of this name.")
    ] = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Let the URL be a private address.")
    ] = False,
    allow_remote_refs: Annotated[
        bool, typer.Option("--allow-remote-refs", help="Fetch $refs to other hosts.")
    ] = False,
) -> None:
    """Import an API's document. Nothing is live before `headgate publish`.

    A further version of an API has what is not given from the version that is its default.
    A document with mistakes is refused as a whole, with every mistake's place.
    """
    document = document_of(spec, allow_private=allow_private)
    body: dict[str, Any] = {"document": document, "allow_remote_refs": allow_remote_refs}
    settings = {
        "title": title,
        "upstream": upstream,
        "base_path": base_path,
        "key_sources": [key_source(text) for text in key_in] if key_in else None,
        "is_open": True if is_open else None,
    }
    given = {key: value for key, value in settings.items() if value is not None}
    if update:
        _update(api, out, f"{name}@{version}" if version else name, body, given)
        return
    if upstream is None and version is None:
        raise typer.BadParameter("say where the API's requests go: --upstream http://host:port")
    new = {**given, **body, "name": name} | ({"version": version} if version else {})
    with out.working(f"importing {name}"):
        made = api.post("/apis", new)
    path = name if made.get("is_default", True) else f"{name}@{version}"
    _show_import(out, made, f"API {path} is imported; publish it with: headgate publish {path}")


def _update(
    api: Client, out: Output, name: str, body: dict[str, Any], given: dict[str, Any]
) -> None:
    with out.working(f"importing {name}"):
        made = api.put(f"/apis/{segment(name)}/document", body)
        if given:
            made = {**made, **api.patch(f"/apis/{segment(name)}", given)}
    _show_import(out, made, f"API {name} is updated; publish it with: headgate publish {name}")


def _show_import(out: Output, made: Any, sentence: str) -> None:
    if out.is_json:
        out.value(made)
        return
    changes = made.get("changes") or []
    for change in changes[:CHANGES_SHOWN_MAX]:
        out.line(f"{change['kind']:<8} {change['operation']}  {change.get('what', '')}".rstrip())
    if len(changes) > CHANGES_SHOWN_MAX:
        out.line(f"… and {count(len(changes) - CHANGES_SHOWN_MAX, 'more change')}")
    problems = made.get("problems") or []
    for problem in problems[:NOTES_SHOWN_MAX]:
        out.note(f"note: {place_text(problem)}")
    if len(problems) > NOTES_SHOWN_MAX:
        left = count(len(problems) - NOTES_SHOWN_MAX, "more mistake")
        out.note(f"note: {left} that can be lived with; `--json` lists them all")
    out.line(sentence)


def key_source(text: str) -> dict[str, str]:
    """`header:X-API-Key`, `bearer` or `query:api_key` as the API takes it."""
    location, _, name = text.partition(":")
    if location == "bearer" and not name:
        return {"location": "bearer", "name": ""}
    if location in {"header", "query"} and name:
        return {"location": location, "name": name.lower() if location == "header" else name}
    raise typer.BadParameter(
        f"{text!r} is no place of a key; write header:X-API-Key, bearer or query:api_key"
    )


def publish(
    api: Client,
    out: Output,
    *,
    name: Name,
    gateway: Annotated[str, typer.Option("--gateway", help="Where to.")] = "default",
    wait: Annotated[
        int, typer.Option("--wait", min=0, max=10, help="Seconds to wait until it is live.")
    ] = 10,
    note: Annotated[
        str, typer.Option("--note", help="For the changelog that callers read; Markdown.")
    ] = "",
) -> None:
    """Put the API as it is now in service, and wait until every node runs it."""
    body = {"gateway": gateway, "wait_seconds": wait, "note": note}
    with out.working(f"publishing {name}"):
        made = api.post(f"/apis/{segment(name)}/publish", body)
    nodes = made.get("nodes") or []
    if made["live"]:
        out.result(made, f"{name} is live: revision {made['revision']} on {_nodes(nodes)}.")
        return
    if out.is_json:
        out.value(made)
    if wait > 0:
        out.problem(_not_live(name, made, nodes))
        raise typer.Exit(FAILED)
    out.note(f"{name} is published as revision {made['revision']}; see `headgate status`.")


def _nodes(nodes: list[Any]) -> str:
    return count(len(nodes), "node") if nodes else "no node"


def _not_live(name: str, made: Any, nodes: list[Any]) -> Problem:
    said = [
        f"{node.get('name')}: {node['error']}"
        for node in nodes
        if isinstance(node, dict) and node.get("error")
    ]
    why = "; ".join(said) if said else "no node has confirmed it yet"
    return Problem(
        ProblemType.UNAVAILABLE,
        f"{name} is published as revision {made['revision']} but is not live: {why}.",
        "See `headgate status`. The last good revision stays in service.",
    )


def unpublish(
    api: Client,
    out: Output,
    *,
    name: Name,
    gateway: Annotated[str, typer.Option("--gateway", help="Where from.")] = "default",
) -> None:
    """Take the API out of service; callers get 404. It stays imported."""
    body = {"gateway": gateway, "wait_seconds": UNPUBLISH_SECONDS}
    with out.working(f"taking {name} out of service"):
        made = api.post(f"/apis/{segment(name)}/unpublish", body)
    out.result(made, f"{name} is out of service.")


@rest_command(apis, "list", examples=["headgate api list"])
def show_all(api: Client, out: Output) -> None:
    """List the APIs."""
    out.table(
        api.items("/apis"),
        COLUMNS,
        empty="There are no APIs. Import one: headgate import SPEC --name NAME --upstream URL",
    )


@rest_command(apis, "show", examples=["headgate api show pets"])
def show(api: Client, out: Output, *, name: Name) -> None:
    """Show one API."""
    out.record(api.get(f"/apis/{segment(name)}"))


@rest_command(apis, "versions", examples=["headgate api versions pets"])
def versions(api: Client, out: Output, *, name: Name) -> None:
    """List an API's versions."""
    found = api.items(f"/apis/{segment(name)}/versions")
    out.table(found, COLUMNS, empty=f"{name} has no versions.")


@rest_command(apis, "default", examples=["headgate api default pets@v2"])
def default(
    api: Client,
    out: Output,
    *,
    version: Annotated[str, typer.Argument(metavar="API@VERSION", help="The version.")],
) -> None:
    """Let an API's plain name mean this version. In force at the next `headgate publish`."""
    made = api.post(f"/apis/{segment(version)}/default", {})
    out.result(made, f"{made['name']} now means its version {made['version']}; publish it.")


@rest_command(apis, "operations", examples=["headgate api operations pets"])
def operations(api: Client, out: Output, *, name: Name) -> None:
    """List an API's operations."""
    found = api.items(f"/apis/{segment(name)}/operations")
    out.table(found, OPERATION_COLUMNS, empty=f"{name} has no operations.")


@rest_command(
    apis,
    "download",
    examples=[
        "headgate api download pets openapi.yaml > pets.yaml",
        "headgate api download pets python-client.zip -o pets-client.zip",
    ],
)
def download(
    api: Client,
    out: Output,
    *,
    name: Name,
    file: Annotated[
        DownloadFile,
        typer.Argument(metavar="FILE", help=f"One of {', '.join(DownloadFile)}."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; by default standard output.")
    ] = None,
) -> None:
    """Get what the API's reference offers to callers: a document, a collection, a client."""
    with out.working(f"making {file}"):
        body = api.file(f"/apis/{segment(name)}/downloads/{file}")
    if output is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(body)
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written: {error.strerror}") from error
    out.result({"file": str(output), "bytes": len(body)}, f"{output}: {len(body):,} bytes.")


@rest_command(
    apis,
    "update",
    examples=[
        "headgate api update pets --upstream http://127.0.0.1:9001",
        "headgate api update pets --version-by header:X-API-Version",
    ],
)
def update(
    api: Client,
    out: Output,
    *,
    name: Name,
    upstream: UpstreamURL = None,
    base_path: BasePath = None,
    title: Title = None,
    key_in: KeyIn = None,
    is_open: Annotated[
        bool | None, typer.Option("--open/--closed", help="Whether callers need no key.")
    ] = None,
    version_by: Annotated[
        str | None,
        typer.Option(
            "--version-by",
            metavar="header:NAME|query:NAME",
            help="How callers choose between versions with one base path; '' ends it.",
        ),
    ] = None,
) -> None:
    """Change how an API is served. In force at the next `headgate publish`."""
    settings = {
        "upstream": upstream,
        "base_path": base_path,
        "title": title,
        "key_sources": [key_source(text) for text in key_in] if key_in else None,
        "is_open": is_open,
        "version_by": version_by,
    }
    body = {key: value for key, value in settings.items() if value is not None}
    if not body:
        raise typer.BadParameter("say what to change, e.g. --upstream http://host:port")
    changed = api.patch(f"/apis/{segment(name)}", body)
    out.result(changed, f"API {name} is changed; put it in service: headgate publish {name}")


@rest_command(apis, "delete", examples=["headgate api delete pets"])
def delete(api: Client, out: Output, *, name: Name) -> None:
    """Remove an API that is not published."""
    out.result(api.delete(f"/apis/{segment(name)}"), f"API {name} is removed.")
