"""Is the generated client typed as it says, and does it call the gateway with the caller's key?"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import SHARED
from tests.support.recorder import Recorder, recorder
from tests.support.tree import Tree, tree

pytestmark = pytest.mark.integration
SECONDS_MAX = 200
CALLS = """
import os
from petstore_client import APIError, Client

with Client(os.environ["API_KEY"]) as client:
    pet = client.pet.get_pet_by_id(7)
    print(pet["name"])
    client.pet.add_pet(body={"name": "Ada", "photoUrls": []})
    client.pet.find_pets_by_status(status=["sold", "pending"])
    client.pet.update_pet_with_form(7, body={"name": "a & b"})

with Client("hg_wrong") as client:
    try:
        client.pet.get_pet_by_id(7)
    except APIError as error:
        print(error.status)
"""
WRONG = """
from petstore_client import Client

client = Client("key")
client.pet.get_pet_by_id("seven")
client.pet.add_pet(body={"nam": "Ada"})
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    with recorder() as running:
        yield running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, upstream: Recorder) -> Iterator[Tree]:
    document = str(SHARED / "petstore.swagger2.yaml")
    with tree(tmp_path_factory.mktemp("client") / "data") as running:
        running.do("import", document, "--name", "petstore", "--upstream", upstream.url)
        running.do("publish", "petstore")
        running.do("product", "create", "basic", "--api", "petstore")
        running.do("plan", "create", "basic/free", "--rate", "1000/second")
        running.do("app", "create", "demo", "--organization", "acme")
        running.do("subscribe", "demo", "basic/free")
        yield running


@pytest.fixture(scope="module")
def source(up: Tree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the client's package, as the command downloads it."""
    folder = tmp_path_factory.mktemp("download")
    file = folder / "client.zip"
    up.do("api", "download", "petstore", "python-client.zip", "--output", str(file))
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    return folder / "petstore-client" / "src"


def _mypy(source: Path, script: Path) -> "subprocess.CompletedProcess[str]":
    settings = script.with_suffix(".ini")
    settings.write_text("[mypy]\nstrict = true\n")
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", settings, script],
        cwd=script.parent,
        env=os.environ | {"MYPYPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )


def test_the_client_calls_the_gateway_and_its_types_are_right(
    up: Tree, upstream: Recorder, source: Path, tmp_path: Path
) -> None:
    script = tmp_path / "calls.py"
    script.write_text(CALLS)
    checked = _mypy(source, script)
    assert checked.returncode == 0, checked.stdout
    key = up.do("key", "create", "demo").out.strip()
    ran = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"API_KEY": key, "PYTHONPATH": str(source), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["Ada", "401"]
    asked = [(one.method, one.target) for one in upstream.requests]
    assert asked == [
        ("GET", "/pet/7"),
        ("POST", "/pet"),
        ("GET", "/pet/findByStatus?status=sold&status=pending"),
        ("POST", "/pet/7"),
    ]
    assert upstream.requests[1].body == b'{"name":"Ada","photoUrls":[]}'
    assert upstream.requests[3].body == b"name=a+%26+b"


def test_what_does_not_fit_the_document_does_not_type_check(source: Path, tmp_path: Path) -> None:
    script = tmp_path / "wrong.py"
    script.write_text(WRONG)
    checked = _mypy(source, script)
    assert checked.returncode == 1
    assert 'incompatible type "str"; expected "int"' in checked.stdout
    assert "TypedDict" in checked.stdout


def test_the_document_can_be_had_by_command_and_imported(up: Tree, tmp_path: Path) -> None:
    text = up.do("api", "download", "petstore", "openapi.yaml").out
    assert f"url: {up.gateway}/petstore" in text
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    up.do("import", str(path), "--name", "again", "--upstream", "http://127.0.0.1:9")
    assert up.cli("api", "download", "petstore", "secret.key").code == 2
