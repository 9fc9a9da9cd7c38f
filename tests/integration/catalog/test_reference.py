"""Is GitHub's description shown page by page, at the cost of a page?"""

import ast
import json
import subprocess
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import pytest

from headgate.catalog.downloads import openapi, postman
from headgate.catalog.downloads.python_client.package import client_files
from headgate.catalog.reference.index import Index, index_of, searched, shown_document
from headgate.catalog.reference.operation import OperationView, operation_view
from headgate.catalog.reference.parts import Parts, from_document, split
from headgate.catalog.reference.search import SearchIndex
from headgate.catalog.reference.tree import nodes
from headgate.catalog.sample import sample_request, samples
from headgate.model.snapshot import DEFAULT_KEY_SOURCES
from tests.support import npm
from tests.support.documents import import_text, shared_document

pytestmark = pytest.mark.integration
SERVER = "https://api.example.com"
PAGE_PARTS_MAX = 120  # of 3,800
PAGE_BYTES_MAX = 600_000  # of 13 MB
PAGE_NODES_MAX = 145  # of schemas, each of some eight elements of 1,500
LOADER = """
const { Collection } = require(process.argv[1]);
const text = require('node:fs').readFileSync(0, 'utf8');
const found = new Collection(JSON.parse(text));
const requests = [];
found.forEachItem((item) => requests.push([item.request.method, item.request.url.toString()]));
console.log(JSON.stringify(requests));
"""


class _Store:
    """Parts as a database keeps them, and what a page asks of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._packed = {part.pointer: zlib.compress(part.body) for part in split(document)}
        self.parts = self.bytes = 0

    def load(self, wanted: Iterable[str]) -> Mapping[str, bytes]:
        found = {one: zlib.decompress(self._packed[one]) for one in wanted if one in self._packed}
        self.parts += len(found)
        self.bytes += sum(map(len, found.values()))
        return found


@pytest.fixture(scope="module")
def github(octokit: str) -> tuple[dict[str, Any], Index]:
    document = shown_document(orjson.loads(octokit))
    return document, index_of(document)


def _shown(view: OperationView) -> int:
    media = [one for response in view.responses for one in response.media]
    media += view.body.media if view.body else []
    found = [one.schema for one in media if one.schema is not None]
    found += [one.schema for one in view.parameters]
    return sum(1 for node in found for _ in nodes(node))


def test_every_operation_of_github_is_a_page_that_reads_and_shows_a_bounded_part(
    github: tuple[dict[str, Any], Index],
) -> None:
    document, index = github
    store = _Store(document)
    assert len({entry.slug for entry in index.entries}) == len(index.entries) > 1_000
    for entry in index.entries:
        store.parts = store.bytes = 0
        view = operation_view(Parts(store.load), entry)
        assert store.parts <= PAGE_PARTS_MAX, entry.id
        assert store.bytes <= PAGE_BYTES_MAX, entry.id
        assert _shown(view) <= PAGE_NODES_MAX, entry.id
        assert view.responses, entry.id
        request = sample_request(view, SERVER, DEFAULT_KEY_SOURCES)
        assert "{" not in request.url, entry.id
        assert len(samples(request)) == 8


def test_a_search_of_github_finds_what_was_meant(github: tuple[dict[str, Any], Index]) -> None:
    found = SearchIndex(searched(*github))
    assert found.find("create an issue")[0] == "issues-create"
    assert found.find("repos/get")[0] == "repos-get"
    assert "pulls-merge" in found.find("merge pull request")[:3]


def _loaded(collection: dict[str, Any]) -> list[list[str]]:
    """The requests that Postman's own package reads from a collection."""
    package = str(npm.package("postman-collection"))
    ran = subprocess.run(
        [npm.node(), "-e", LOADER, package],
        input=json.dumps(collection),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    found: list[list[str]] = json.loads(ran.stdout)
    return found


def test_postman_reads_every_request_of_github(github: tuple[dict[str, Any], Index]) -> None:
    document, index = github
    made = postman.collection(index, from_document(document), SERVER, DEFAULT_KEY_SOURCES)
    loaded = _loaded(made)
    assert sorted(method for method, _ in loaded) == sorted(one.method for one in index.entries)
    assert ["GET", "{{baseUrl}}/zen"] in loaded


def test_the_client_of_github_is_python(github: tuple[dict[str, Any], Index]) -> None:
    document, index = github
    texts = client_files(document, index, from_document(document), name="github", server=SERVER)
    for path, text in texts.items():
        if path.endswith(".py"):
            ast.parse(text, path)
    methods = sum(text.count("    def ") for path, text in texts.items() if "/groups/" in path)
    assert methods >= len(index.entries)


@pytest.mark.parametrize("name", ["crapi.openapi.json", "petstore.swagger2.yaml"])
def test_what_is_downloaded_is_imported_again_without_a_mistake(name: str) -> None:
    bundled = import_text(shared_document(name), name).bundled
    text = openapi.as_yaml(openapi.exported(bundled, SERVER, DEFAULT_KEY_SOURCES)).decode()
    again = import_text(text, "openapi.yaml")
    assert len(again.operations) == len(import_text(shared_document(name), name).operations)
