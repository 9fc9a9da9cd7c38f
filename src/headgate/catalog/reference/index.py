"""What stands in the list of an API's operations, and how is each found by its address?"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.catalog.document import (
    DESCRIPTION_CHARACTERS_MAX,
    SUMMARY_CHARACTERS_MAX,
    TAG_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    DocumentSource,
)
from headgate.catalog.findings import Findings
from headgate.catalog.importer import describe
from headgate.catalog.library import Library, file_of
from headgate.catalog.operations import Found, find_operations, shown
from headgate.catalog.pointers import keys, pointer
from headgate.catalog.reference.modern import modern
from headgate.catalog.reference.parts import with_pointers
from headgate.catalog.reference.search import Searched

SLUG_CHARACTERS_MAX = 120
SEARCHED_CHARACTERS_MAX = 600  # of a description
TAGS_SHOWN_MAX = 1_000
OTHER = ""  # the group of operations without a tag
_NOT_IN_SLUGS = re.compile(r"[^A-Za-z0-9._]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation in the list. `shared_pointer`: its path's parameters, "" where it has none.

    `slug` names it in addresses of pages and is unique in the document.
    """

    id: str
    slug: str
    method: str
    path: str
    summary: str
    tags: tuple[str, ...]
    is_deprecated: bool
    pointer: str
    shared_pointer: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A group of operations."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An address with its words; only http(s) and mailto."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Index:
    """What the first page of an API's reference shows. Descriptions are Markdown."""

    title: str
    version: str
    summary: str
    description: str
    links: tuple[Link, ...]
    tags: tuple[Tag, ...]
    entries: tuple[Entry, ...]
    by_slug: Mapping[str, int] = field(default_factory=dict)

    def entry(self, slug: str) -> Entry | None:
        """The operation with this slug."""
        found = self.by_slug.get(slug)
        return None if found is None else self.entries[found]

    def groups(self) -> tuple[tuple[Tag, tuple[Entry, ...]], ...]:
        """The operations by tag, in the document's order; those without one come last."""
        found: dict[str, list[Entry]] = {tag.name: [] for tag in self.tags}
        for entry in self.entries:
            for name in entry.tags[:1] or (OTHER,):
                found.setdefault(name, []).append(entry)
        named = {tag.name: tag for tag in self.tags}
        groups = ((named.get(name, Tag(name)), tuple(some)) for name, some in found.items())
        return tuple((tag, some) for tag, some in groups if some)


def shown_document(bundled: dict[str, Any]) -> dict[str, Any]:
    """The document that a reference shows: OpenAPI 3, every reference a pointer."""
    return with_pointers(modern(bundled))


def index_of(document: dict[str, Any]) -> Index:
    """The index of a document from `shown_document`."""
    described = describe(document)
    info = document.get("info")
    info = info if isinstance(info, dict) else {}
    found = list(_found(document))
    slugs = _slugs([operation.id for operation in described.operations])
    entries = tuple(
        Entry(
            id=operation.id,
            slug=slug,
            method=operation.method,
            path=operation.path,
            summary=operation.summary or _words_of(operation.id),
            tags=operation.tags,
            is_deprecated=operation.is_deprecated,
            pointer=operation.pointer,
            shared_pointer=pointer(keys(one.shared.at)) if one.shared is not None else "",
        )
        for operation, slug, one in zip(described.operations, slugs, found, strict=True)
    )
    return Index(
        title=described.title or "API",
        version=described.version,
        summary=shown(info.get("summary"), SUMMARY_CHARACTERS_MAX),
        description=described.description,
        links=tuple(_links(info, document.get("externalDocs"))),
        tags=tuple(_tags(document, entries)),
        entries=entries,
        by_slug={entry.slug: number for number, entry in enumerate(entries)},
    )


def searched(document: dict[str, Any], index: Index) -> tuple[Searched, ...]:
    """What of each operation is searched, in the index's order."""
    return tuple(
        Searched(
            key=entry.slug,
            title=entry.summary,
            names=(entry.id, entry.method, entry.path),
            tags=entry.tags,
            text=shown(one.operation.value.get("description"), SEARCHED_CHARACTERS_MAX),
        )
        for entry, one in zip(index.entries, _found(document), strict=True)
    )


def _found(document: dict[str, Any]) -> Iterator[Found]:
    return find_operations(Library(DocumentSource({"": ""}, ""), Findings()), file_of("", document))


def _slugs(ids: Iterable[str]) -> Iterator[str]:
    """`repos/get` → `repos-get`; a number behind one that is taken."""
    taken: set[str] = set()
    for name in ids:
        base = _NOT_IN_SLUGS.sub("-", name)[:SLUG_CHARACTERS_MAX].strip("-.") or "operation"
        slug, number = base, 1
        while slug in taken:
            number += 1
            slug = f"{base}-{number}"
        taken.add(slug)
        yield slug


def _words_of(name: str) -> str:
    """`listPets` → `List pets`; method and path stay."""
    if " " in name or "/" in name:
        return name
    words = re.sub(r"[_.\-]+|(?<=[a-z0-9])(?=[A-Z])", " ", name).strip()
    return (words[:1].upper() + words[1:].lower()) if words else name


def _tags(document: Mapping[str, Any], entries: Iterable[Entry]) -> Iterator[Tag]:
    declared = document.get("tags")
    known: dict[str, Tag] = {}
    for tag in declared if isinstance(declared, list) else ():
        name = shown(tag.get("name"), TAG_CHARACTERS_MAX) if isinstance(tag, dict) else ""
        if name and name not in known:
            known[name] = Tag(name, shown(tag.get("description"), DESCRIPTION_CHARACTERS_MAX))
    for entry in entries:
        for name in entry.tags:
            known.setdefault(name, Tag(name))
    yield from list(known.values())[:TAGS_SHOWN_MAX]


def _links(info: Mapping[str, Any], documentation: object) -> Iterator[Link]:
    def member(of: object, name: str) -> str:
        return shown(of.get(name), TITLE_CHARACTERS_MAX) if isinstance(of, dict) else ""

    contact, licence = info.get("contact"), info.get("license")
    mail = member(contact, "email")
    listed = [
        (member(documentation, "url"), member(documentation, "description") or "Documentation"),
        (shown(info.get("termsOfService"), TITLE_CHARACTERS_MAX), "Terms of service"),
        (member(contact, "url"), member(contact, "name") or "Contact"),
        (f"mailto:{mail}" if "@" in mail else "", mail),
        (member(licence, "url"), member(licence, "name") or "License"),
    ]
    for url, text in listed:
        if url.startswith(("https://", "http://", "mailto:")):
            yield Link(url, text)
