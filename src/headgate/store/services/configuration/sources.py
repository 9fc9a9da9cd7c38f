"""Which OpenAPI documents does an apply have to read? Those that are not stored as they are."""

from typing import Any

from headgate.catalog.document import DocumentSource, ImportedDocument
from headgate.catalog.importer import import_document as parse_document
from headgate.core.problems import Problem
from headgate.store.models import API
from headgate.store.services.catalog import imports

Fields = dict[str, Any]


def parse_new_documents(
    wanted: list[Fields | None],
) -> tuple[dict[str, ImportedDocument], dict[int, Problem]]:
    """The OpenAPI documents that are not stored as they are, by digest; problems by place."""
    stored = set(
        API.objects.filter(removed_at=None).values_list("versions__document__sha256", flat=True)
    )
    parsed: dict[str, ImportedDocument] = {}
    problems: dict[int, Problem] = {}
    for place, files in enumerate(wanted):
        if files is None:
            continue
        digest = imports.digest(files["entry"], files["files"])
        if digest in stored or digest in parsed:
            continue
        try:
            parsed[digest] = parse_document(source_of(files), allow_remote_refs=True)
        except Problem as problem:
            problems[place] = problem
    return parsed, problems


def source_of(files: Fields) -> DocumentSource:
    """The document of an exported API."""
    return DocumentSource(files["files"], files["entry"], files.get("url", ""))
