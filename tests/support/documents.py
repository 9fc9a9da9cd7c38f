"""What does a test need to import an API document? Short ones, and the import of one."""

from pathlib import Path
from typing import Any

import orjson

from headgate.catalog.document import DocumentSource, ImportedDocument
from headgate.catalog.importer import import_document
from headgate.core.problems import Detail, Problem

SHARED = Path(__file__).parents[2] / "../shared/data/specs"


def shared_document(name: str) -> str:
    """The text of a document that nobody here wrote."""
    path = SHARED / name
    assert path.is_file(), f"the shared document {name} is missing: {path}"
    return path.read_text(encoding="utf-8")


def openapi(version: str = "3.0.3", **fields: Any) -> dict[str, Any]:
    """A small OpenAPI document with one operation, or with the fields given."""
    document: dict[str, Any] = {
        "openapi": version,
        "info": {"title": "Pets", "version": "1"},
        "paths": {"/pets": {"get": operation()}},
    }
    return document | fields


def swagger(**fields: Any) -> dict[str, Any]:
    """A small Swagger 2.0 document with one operation, or with the fields given."""
    document: dict[str, Any] = {
        "swagger": "2.0",
        "info": {"title": "Pets", "version": "1"},
        "paths": {"/pets": {"get": operation()}},
    }
    return document | fields


def operation(**fields: Any) -> dict[str, Any]:
    """An operation that lacks nothing."""
    return {"responses": {"200": {"description": "fine"}}} | fields


def path_parameter(name: str) -> dict[str, Any]:
    """A path parameter of OpenAPI 3 that lacks nothing."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def imported(document: Any) -> ImportedDocument:
    """The import of one JSON document."""
    return import_text(orjson.dumps(document).decode(), "openapi.json")


def import_text(text: str, name: str = "openapi.yaml") -> ImportedDocument:
    """The import of one text."""
    return import_document(DocumentSource({name: text}, name))


def import_files(files: dict[str, str], entry: str = "openapi.yaml") -> ImportedDocument:
    """The import of several texts."""
    return import_document(DocumentSource(files, entry))


def errors_of(document: Any) -> list[Detail]:
    """The mistakes that refuse a document; fails if it is imported."""
    try:
        imported(document)
    except Problem as problem:
        return list(problem.errors)
    raise AssertionError("the document was imported")


def warnings_of(document: Any) -> list[str]:
    """The messages of the warnings that a document is imported with."""
    return [warning.message for warning in imported(document).warnings]
