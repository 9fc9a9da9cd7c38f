"""Can this API document be imported, and as what? All of it, or a list of what is wrong.

Source: OpenAPI 3.0.4 and 3.1.1 (spec.openapis.org), Swagger 2.0.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from headgate.catalog import base_path
from headgate.catalog.bundle import bundled
from headgate.catalog.document import (
    DESCRIPTION_CHARACTERS_MAX,
    ERRORS_MAX,
    SUMMARY_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    VERSION_CHARACTERS_MAX,
    WARNINGS_MAX,
    Description,
    DocumentSource,
    Fetcher,
    Format,
    ImportedDocument,
    Server,
)
from headgate.catalog.findings import Findings, details
from headgate.catalog.library import File, Library, checked_source, file_of
from headgate.catalog.operations import describe_operations, shown
from headgate.catalog.rules import check_rules
from headgate.catalog.security import SecurityReader
from headgate.catalog.structure import Structure
from headgate.core.phrases import phrase
from headgate.core.problems import Bug, Problem, ProblemType

URL_CHARACTERS_MAX = 2_000  # of a server
_SERVER_VARIABLE = re.compile(r"\{([^{}]*)\}")
_OPENAPI = re.compile(r"3\.([0-9]+)(?:\..*)?")


def import_document(
    source: DocumentSource, *, allow_remote_refs: bool = False, fetch: Fetcher | None = None
) -> ImportedDocument:
    """The document, checked as a whole and bundled.

    `fetch` gets what remote references name and is asked only if they are allowed.

    Raises:
        Problem: the document has mistakes (at most `ERRORS_MAX` are listed, each with its pointer
            and line; one in another file than the entry names the file), or is too large.
    """
    source = checked_source(source)
    findings = Findings()
    library = Library(source, findings, allow_remote_refs=allow_remote_refs, fetch=fetch)
    entry = library.entry()
    document_format = detect_format(entry, findings) if entry else None
    if entry is None or document_format is None:
        raise _refusal(source, library, findings)
    structure = Structure(library, document_format, findings)
    structure.walk(entry)
    check_rules(library, entry, document_format, findings)
    if findings.errors:
        raise _refusal(source, library, findings)
    document = bundled(entry, structure, document_format)
    warnings = details(
        findings.warnings, library.texts, limit=WARNINGS_MAX, entry=library.entry_location
    )
    original = {
        source.entry if name == library.entry_location else name: text
        for name, text in library.texts.items()
    }
    return ImportedDocument(
        original=original,
        entry=source.entry,
        bundled=document,
        description=describe(document),
        warnings=warnings,
        url=source.url,
        warnings_dropped=len(findings.warnings) + findings.warnings_dropped - len(warnings),
    )


def describe(document: dict[str, Any]) -> Description:
    """What a bundled document says of its API.

    Raises:
        Bug: the document did not come out of an import.
    """
    findings = Findings()
    entry = file_of("", document)
    document_format = detect_format(entry, findings)
    if document_format is None:
        raise Bug("a bundled document is neither Swagger nor OpenAPI")
    declared = document.get("info")
    info = declared if isinstance(declared, dict) else {}
    servers = _servers(document, document_format)
    library = Library(DocumentSource({"": ""}, ""), findings)
    return Description(
        format=document_format,
        title=shown(info.get("title"), TITLE_CHARACTERS_MAX),
        description=shown(info.get("description"), DESCRIPTION_CHARACTERS_MAX),
        version=shown(info.get("version"), VERSION_CHARACTERS_MAX),
        servers=servers,
        base_path=_base_path(servers),
        operations=describe_operations(library, entry, SecurityReader(library, entry).needs),
    )


def detect_format(entry: File, findings: Findings) -> Format | None:
    """The format that a document declares; None, and an error among the findings, if none."""
    root = entry.root
    if not isinstance(root, dict):
        findings.error(entry.location, None, phrase("the document must be an object"))
        return None
    for field in ("openapi", "swagger"):
        if field in root:
            found = _declared(field, root[field])
            if found is None:
                findings.error(
                    entry.location,
                    (None, field),
                    phrase(
                        "{field} {value!r} is not supported; 2.0, 3.0 and 3.1 are",
                        field=field,
                        value=root[field],
                    ),
                )
            return found
    what = next((name for name in ("asyncapi", "swaggerVersion", "arazzo") if name in root), None)
    hint = phrase(" ({what!r} is another kind of document)", what=what) if what else ""
    findings.error(
        entry.location,
        None,
        phrase("the document has neither 'openapi' nor 'swagger' in it{hint}", hint=hint),
    )
    return None


def _declared(field: str, value: object) -> Format | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if field == "swagger":
        return Format.SWAGGER_2_0 if text in ("2.0", "2") else None
    match = _OPENAPI.fullmatch(text)
    if match is None:
        return None
    return {"0": Format.OPENAPI_3_0, "1": Format.OPENAPI_3_1}.get(match[1])


def _refusal(source: DocumentSource, library: Library, findings: Findings) -> Problem:
    listed = details(findings.errors, library.texts, limit=ERRORS_MAX, entry=library.entry_location)
    total = len(findings.errors) + findings.errors_dropped
    first = listed[0]
    where = phrase(" (line {line})", line=first.line) if first.line else ""
    rest = (
        phrase(" The first {number} are listed.", number=len(listed)) if total > len(listed) else ""
    )
    return Problem(
        ProblemType.INVALID_DOCUMENT,
        phrase(
            "{name} has {mistakes}: {message}{where}.{rest}",
            name=source.url or source.entry,
            mistakes=phrase("1 mistake")
            if total == 1
            else phrase("{total:,} mistakes", total=total),
            message=first.message,
            where=where,
            rest=rest,
        ),
        "Correct the listed places and import it again; nothing was changed.",
        listed,
    )


def _servers(document: dict[str, Any], document_format: Format) -> tuple[Server, ...]:
    if document_format is Format.SWAGGER_2_0:
        return _swagger_servers(document)
    servers: list[Server] = []
    for server in document.get("servers") or ():
        if isinstance(server, dict) and isinstance(server.get("url"), str):
            variables = server.get("variables")
            url = _filled_in(server["url"], variables if isinstance(variables, dict) else {})
            servers.append(Server(url, shown(server.get("description"), SUMMARY_CHARACTERS_MAX)))
    return tuple(servers)


def _swagger_servers(document: dict[str, Any]) -> tuple[Server, ...]:
    host = shown(document.get("host"), URL_CHARACTERS_MAX)
    path = shown(document.get("basePath"), URL_CHARACTERS_MAX)
    if not host:
        return (Server(path),) if path else ()
    schemes = [item for item in document.get("schemes") or () if isinstance(item, str)]
    return tuple(Server(f"{scheme}://{host}{path}") for scheme in schemes or ["http"])


def _filled_in(url: str, variables: dict[str, Any]) -> str:
    def default(match: re.Match[str]) -> str:
        variable = variables.get(match[1])
        value = variable.get("default") if isinstance(variable, dict) else None
        return match[0] if value is None else shown(value, URL_CHARACTERS_MAX)

    return shown(_SERVER_VARIABLE.sub(default, url[:URL_CHARACTERS_MAX]), URL_CHARACTERS_MAX)


def _base_path(servers: tuple[Server, ...]) -> str:
    """The path of the first server, or "" where that cannot be a base path."""
    try:
        path = urlsplit(servers[0].url).path if servers else ""
        return base_path.normalise(path if path.startswith("/") or not path else f"/{path}")
    except (Problem, ValueError):
        return ""
