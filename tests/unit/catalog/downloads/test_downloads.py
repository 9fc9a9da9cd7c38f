"""Do downloads say what callers need, and nothing that is internal?"""

import ast
import io
import json
import zipfile
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.catalog.document import Format
from headgate.catalog.downloads import openapi as downloads
from headgate.catalog.downloads import postman
from headgate.catalog.downloads.python_client.methods import docstring
from headgate.catalog.downloads.python_client.names import Names
from headgate.catalog.downloads.python_client.package import archive, client_files
from headgate.catalog.reference.index import index_of, shown_document
from headgate.catalog.reference.parts import from_document
from headgate.model.snapshot import DEFAULT_KEY_SOURCES
from tests.support.documents import import_text, imported, openapi, operation, shared_document

SERVER = "https://api.example.com/pets"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def _client(document: dict[str, Any]) -> dict[str, str]:
    shown = shown_document(document)
    return client_files(
        shown,
        index_of(shown),
        from_document(shown),
        name="pets",
        server=SERVER,
        sources=DEFAULT_KEY_SOURCES,
    )


def _collection(document: dict[str, Any]) -> dict[str, Any]:
    shown = shown_document(document)
    index, parts = index_of(shown), from_document(shown)
    return postman.collection(index, parts, SERVER, DEFAULT_KEY_SOURCES)


def test_an_exported_document_has_the_gateways_server_and_security() -> None:
    document = openapi(
        servers=[{"url": "https://internal.example.com"}],
        paths={
            "/pets": {
                "servers": [{"url": "https://internal.example.com"}],
                "get": operation(servers=[{"url": "https://x.example"}], security=[{"old": []}]),
            }
        },
        components={"securitySchemes": {"old": {"type": "http", "scheme": "basic"}}},
    )
    found = downloads.exported(document, SERVER, DEFAULT_KEY_SOURCES)
    assert "internal.example.com" not in json.dumps(found)
    assert found["servers"] == [{"url": SERVER}]
    assert found["security"] == [{"gateway_header_x_api_key": []}]
    assert "security" not in found["paths"]["/pets"]["get"]
    assert downloads.exported(document, SERVER)["paths"]["/pets"]["get"]["security"]


def test_extensions_that_name_what_is_behind_are_left_out_and_names_are_not() -> None:
    schema = {
        "type": "object",
        "properties": {"x-real": {"type": "string", "x-internal-column": "pet.real"}},
        "example": {"x-kept": 1},
        "enum": [{"x-kept": 2}],
    }
    get = operation() | {"x-amazon-apigateway-integration": {"uri": "http://10.0.0.7"}}
    document = openapi(
        paths={"/pets": {"get": get}},
        components={"schemas": {"x-Pet": schema}},
        **{"x-google-backend": {"address": "http://10.0.0.8"}, "x-tagGroups": []},
    )
    found = downloads.exported(document, SERVER)
    assert "10.0.0" not in json.dumps(found)
    kept = found["components"]["schemas"]["x-Pet"]
    assert kept["properties"] == {"x-real": {"type": "string"}}
    assert kept["example"] == {"x-kept": 1}
    assert kept["enum"] == [{"x-kept": 2}]
    assert found["x-tagGroups"] == []


def test_both_texts_are_the_document_and_can_be_imported_again() -> None:
    name = "petstore.swagger2.yaml"
    found = downloads.exported(import_text(shared_document(name), name).bundled, SERVER)
    assert json.loads(downloads.as_json(found)) == found
    assert yaml.safe_load(downloads.as_yaml(found)) == found
    again = import_text(downloads.as_json(found).decode(), "openapi.json")
    assert again.description.format is Format.OPENAPI_3_0
    assert len(again.operations) == 20
    assert again.warnings == ()


def test_a_collection_has_a_folder_for_each_tag_and_no_key() -> None:
    name = "petstore.swagger2.yaml"
    found = _collection(import_text(shared_document(name), name).bundled)
    assert [(folder["name"], len(folder["item"])) for folder in found["item"]] == [
        ("pet", 8),
        ("store", 4),
        ("user", 8),
    ]
    by_id = next(one for one in found["item"][0]["item"] if one["name"] == "Find pet by ID")
    assert by_id["request"]["url"]["raw"] == "{{baseUrl}}/pet/:petId"
    assert by_id["request"]["url"]["variable"][0]["key"] == "petId"
    variables = {one["key"]: one["value"] for one in found["variable"]}
    assert variables == {"baseUrl": SERVER, "apiKey": ""}
    assert found["auth"]["type"] == "apikey"


def test_a_client_is_python_and_its_archive_is_the_same_twice() -> None:
    name = "crapi.openapi.json"
    texts = _client(import_text(shared_document(name), name).bundled)
    for path, text in texts.items():
        if path.endswith(".py"):
            ast.parse(text, path)
    assert "headgate" not in texts["src/pets_client/_transport.py"].replace("headgate.catalog", "!")
    assert "from headgate" not in "".join(texts.values())
    first, second = archive(texts, "pets"), archive(texts, "pets")
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as found:
        assert {f"pets/{path}" for path in texts} == set(found.namelist())


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_a_client_of_a_hostile_document_is_python_all_the_same(
    name: str, words: str, path: str
) -> None:
    hostile = {
        "type": "object",
        "required": [name],
        "properties": {name: {"enum": [words]}, "self": {}, "class": {"type": "integer"}},
    }
    document = openapi(
        info={"title": words, "version": name, "description": words},
        paths={
            f"/x{path}".replace("{", "").replace("}", ""): {
                "get": operation(
                    operationId=name or "x",
                    summary=words,
                    tags=[words],
                    parameters=[{"name": name or "n", "in": "query", "schema": {}}],
                )
            }
        },
        components={"schemas": {"a b": hostile, "a_b": hostile, "class": {"type": "string"}}},
    )
    for file, text in _client(document).items():
        if file.endswith(".py"):
            ast.parse(text, file)
    json.dumps(_collection(document))


@given(TEXTS)
def test_a_docstring_stays_one(text: str) -> None:
    tree = ast.parse(docstring(" ".join(text.replace("\0", "").split())))
    assert len(tree.body) == 1


@given(st.lists(TEXTS, max_size=8))
def test_names_are_names_and_each_is_there_once(texts: list[str]) -> None:
    names = Names("self")
    for made in ([names.function(text) for text in texts], [names.type(text) for text in texts]):
        assert all(name.isidentifier() for name in made)
        assert len(set(made)) == len(made)
    assert "self" not in [Names("self").function(text) for text in ("self", "class", "print")]


def test_an_imported_document_of_3_1_is_exported_as_it_is() -> None:
    document = imported(openapi("3.1.0")).bundled
    assert downloads.exported(document, SERVER)["openapi"] == "3.1.0"
