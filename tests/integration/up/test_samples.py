"""Does every sample make the call that it shows? Each is run against the real gateway.

All but C# must be here. Debian has no .NET: those samples are run where `dotnet` is found, and
everywhere parsed by the grammar of C# (`tests/unit/catalog/samples/test_csharp.py`).
"""

import email
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from headgate.catalog.sample import (
    FileBody,
    FormBody,
    JSONBody,
    SampleRequest,
    languages,
)
from tests.support import npm
from tests.support.recorder import ANSWER, Received, Recorder, recorder
from tests.support.sample_requests import requests
from tests.support.tree import Tree, tree

pytestmark = pytest.mark.integration
NEEDED = {"curl", "python", "javascript", "go", "java", "php", "ruby"}
RUN_SECONDS_MAX = 120
FILE = bytes(range(256)) * 4
OPEN = "open"
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        "/echo": {"post": {"operationId": "make", "responses": {"200": {"description": "ok"}}}},
        "/echo/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "get": {"operationId": "read", "responses": {"200": {"description": "ok"}}},
            "put": {"operationId": "put", "responses": {"200": {"description": "ok"}}},
            "delete": {"operationId": "end", "responses": {"200": {"description": "ok"}}},
        },
    },
}
PROJECT = """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>
<TargetFramework>net8.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
</PropertyGroup></Project>"""


def _dotnet(path: Path) -> list[str]:
    (path.parent / "sample.csproj").write_text(PROJECT)
    return ["dotnet", "run", "--project", str(path.parent)]


COMMANDS: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "curl": ("curl", lambda path: ["sh", str(path)]),
    "python": (sys.executable, lambda path: [sys.executable, str(path)]),
    "javascript": ("", lambda path: [str(npm.node()), str(path)]),
    "go": ("go", lambda path: ["go", "run", str(path)]),
    "java": ("javac", lambda path: ["java", "-XX:TieredStopAtLevel=1", str(path)]),
    "csharp": ("dotnet", _dotnet),
    "php": ("php", lambda path: ["php", str(path)]),
    "ruby": ("ruby", lambda path: ["ruby", str(path)]),
}
FOUND = [name for name, (program, _) in COMMANDS.items() if not program or shutil.which(program)]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    with recorder() as running:
        yield running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, upstream: Recorder) -> Iterator[Tree]:
    spec = tmp_path_factory.mktemp("spec") / "openapi.json"
    spec.write_text(json.dumps(SPEC))
    with tree(tmp_path_factory.mktemp("up") / "data") as running:
        places = ("header:X-API-Key", "bearer", "query:api_key")
        keys = [word for place in places for word in ("--key-in", place)]
        common = [str(spec), "--upstream", upstream.url]
        running.do("import", *common, "--name", "echo", "--base-path", "/closed", *keys)
        running.do("import", *common, "--name", "free", "--base-path", "/open", "--open")
        running.do("publish", "echo")
        running.do("publish", "free")
        running.do("product", "create", "basic", "--api", "echo")
        running.do("plan", "create", "basic/free", "--rate", "1000/second")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "demo", "basic/free")
        yield running


@pytest.fixture(scope="module")
def key(up: Tree) -> str:
    return up.do("key", "create", "demo").out.strip()


@pytest.fixture(scope="module")
def environment(key: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What samples find in the place where they run. Go keeps what it has compiled in a folder of
    the session, and fetches nothing."""
    go = {"GOCACHE": str(tmp_path_factory.mktemp("go")), "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    return os.environ | go | {"API_KEY": key, "NO_PROXY": "127.0.0.1"}


def test_what_every_machine_has_is_among_the_languages_that_are_run() -> None:
    assert not NEEDED - set(FOUND), f"missing: {NEEDED - set(FOUND)}; run here: {FOUND}"
    assert set(COMMANDS) == set(languages)


@pytest.mark.parametrize("title", sorted(requests("")))
@pytest.mark.parametrize("name", FOUND)
def test_a_sample_makes_its_call(
    up: Tree,
    upstream: Recorder,
    environment: dict[str, str],
    tmp_path: Path,
    name: str,
    title: str,
) -> None:
    base = "/open" if title == OPEN else "/closed"
    request = requests(f"{up.gateway}{base}")[title]
    language = languages[name]()
    path = tmp_path / language.file_name
    path.write_text(language.write(request), encoding="utf-8", newline="")
    (tmp_path / "upload.bin").write_bytes(FILE)
    before = len(upstream.requests)
    ran = subprocess.run(
        COMMANDS[name][1](path),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
    )
    assert ran.returncode == 0, ran.stderr
    assert ANSWER.decode() in ran.stdout, ran.stdout
    assert len(upstream.requests) == before + 1
    _compare(upstream.last(), request)


def _compare(received: Received, request: SampleRequest) -> None:
    wanted, got = urlsplit(request.url), urlsplit(received.target)
    assert received.method == request.method
    assert got.path == wanted.path.removeprefix("/closed").removeprefix("/open")
    assert parse_qsl(got.query) == parse_qsl(wanted.query)
    for name, value in request.headers:
        assert received.headers[name.lower()] == value
    body = request.body
    if body is None:
        assert received.body == b""
    elif isinstance(body, JSONBody):
        assert json.loads(received.body) == body.value
    elif isinstance(body, FileBody):
        assert received.body == FILE
    elif not isinstance(body, FormBody):
        assert received.body.decode() == body.text
    elif body.is_multipart:
        _compare_parts(received, body)
    else:
        sent = parse_qsl(received.body.decode(), keep_blank_values=True)
        assert sorted(sent) == sorted((one.name, one.value) for one in body.fields)


def _compare_parts(received: Received, body: FormBody) -> None:
    head = f"Content-Type: {received.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + received.body)
    parts = message.get_payload()
    assert isinstance(parts, list)
    assert len(parts) == len(body.fields)
    for part, field in zip(parts, body.fields, strict=True):
        assert isinstance(part, email.message.Message)
        assert part.get_param("name", header="content-disposition") == field.name
        # a browser's FormData calls whatever has a type a file
        assert part.get_filename("") in {field.file_name, "blob" if field.content_type else ""}
        if field.content_type:
            assert part.get_content_type() == field.content_type
        content = part.get_payload(decode=True)
        assert content == (FILE if field.file_name else field.value.encode())
