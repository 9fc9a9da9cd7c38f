"""Which value does a reference name? The files of a document and what leads between them.

Source: OpenAPI 3.1.1 §4.6 "Relative References in API Description URIs"; RFC 3986 §5.
"""

import posixpath
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from headgate.catalog.document import (
    FILES_MAX,
    REMOTE_FILES_MAX,
    SOURCE_BYTES_MAX,
    DocumentSource,
    Fetcher,
)
from headgate.catalog.findings import Findings
from headgate.catalog.identifiers import IDENTIFYING, Identifiers
from headgate.catalog.pointers import MISSING, Keys, find_fragment, find_keys
from headgate.catalog.reading import read
from headgate.catalog.unreadable import Unreadable
from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType

REFERENCES_IN_A_ROW_MAX = 50  # a reference to a reference to a reference …


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One text of the document: its relative path or address, and its values."""

    location: str
    root: Any
    identifiers: Identifiers


@dataclass(frozen=True, slots=True)
class Target:
    """The value that a reference names and where it is."""

    file: File
    value: Any
    steps: Keys


class BrokenReference(Exception):  # noqa: N818  # it names what was found
    """A reference that leads nowhere, or where it may not. The message is a clause."""


class Library:
    """The files of one document, read when they are first referred to."""

    def __init__(
        self,
        source: DocumentSource,
        findings: Findings,
        *,
        allow_remote_refs: bool = False,
        fetch: Fetcher | None = None,
    ) -> None:
        self.texts: dict[str, str] = dict(source.files)
        self.entry_location = source.url or source.entry
        if source.url:
            self.texts[source.url] = self.texts.pop(source.entry)
        self._findings = findings
        self._fetch = fetch if allow_remote_refs else None
        self._files: dict[str, File | None] = {}
        self._fetched = 0
        self._bytes = sum(len(text) for text in self.texts.values())

    def entry(self) -> File | None:
        """The entry's file; None if it cannot be read, which is then among the findings."""
        return self._read(self.entry_location)

    def target(self, file: File, reference: str, steps: Keys = ()) -> Target:
        """What `reference`, standing in `file` at `steps`, names.

        Raises:
            BrokenReference: it names nothing, leaves the folder, or is remote and refused.
        """
        address, fragment = _split(reference)
        if not address:
            return _inside(file, fragment, steps)
        embedded = file.identifiers.resource(address, steps)
        if embedded is not None:
            return _inside(file, fragment, embedded)
        location = self._location(file, address)
        if location == file.location:
            return _inside(file, fragment, ())
        other = self._files[location] if location in self._files else self._load(location)
        if other is None:
            raise BrokenReference(phrase("{location} cannot be read", location=location))
        return _inside(other, fragment, ())

    def _location(self, file: File, address: str) -> str:
        """The relative path or the absolute address that `address` means in `file`.

        Raises:
            BrokenReference: another scheme than http(s), or outside the folder.
        """
        try:
            parts = urlsplit(address)
            if _is_remote(file.location):
                joined = urljoin(file.location, address)
                parts = urlsplit(joined)
                if parts.scheme in ("http", "https"):
                    return joined
        except ValueError as error:
            raise BrokenReference(
                phrase("{address!r} is not an address", address=address)
            ) from error
        if parts.scheme in ("http", "https"):
            return parts.geturl()
        if parts.scheme or parts.netloc:
            raise BrokenReference(
                phrase("{address!r} is neither a file of the document nor http(s)", address=address)
            )
        path = posixpath.normpath(
            posixpath.join(posixpath.dirname(file.location), unquote(parts.path))
        )
        if path.startswith(("/", "../")) or path == ".." or "\\" in path or "\0" in path:
            raise BrokenReference(
                phrase("{address!r} leaves the folder of the document", address=address)
            )
        return path

    def _load(self, location: str) -> File | None:
        if _is_remote(location) and location not in self.texts:
            self._fetch_text(location)
        if location not in self.texts:
            raise BrokenReference(
                phrase("the file {location!r} is not among the document's files", location=location)
            )
        return self._read(location)

    def _fetch_text(self, location: str) -> None:
        if self._fetch is None:
            raise BrokenReference(
                phrase(
                    "it is remote ({location}); put the file beside the document,"
                    " or allow remote references",
                    location=location,
                )
            )
        if self._fetched >= REMOTE_FILES_MAX:
            raise BrokenReference(
                phrase("more than {most} remote files are referred to", most=REMOTE_FILES_MAX)
            )
        self._fetched += 1
        try:
            text = self._fetch(location).text
        except Problem as problem:
            self._files[location] = None
            raise BrokenReference(
                phrase(
                    "{location} was not fetched: {detail}", location=location, detail=problem.detail
                )
            ) from problem
        self._bytes += len(text)
        if self._bytes > SOURCE_BYTES_MAX:
            raise BrokenReference(
                phrase("all files together exceed {most:,} bytes", most=SOURCE_BYTES_MAX)
            )
        self.texts[location] = text

    def _read(self, location: str) -> File | None:
        if location not in self._files:
            try:
                text = self.texts[location]
                self._files[location] = file_of(location, read(location, text), text)
            except Unreadable as error:
                self._files[location] = None
                self._findings.error(location, None, error.message, error.line)
        return self._files[location]


def file_of(location: str, root: Any, text: str | None = None) -> File:
    """A file of the values. Most texts name nothing by `$id`, which saves looking for it."""
    has_names = text is None or any(name in text for name in IDENTIFYING)
    return File(location, root, Identifiers(root if has_names else None, location))


def checked_source(source: DocumentSource) -> DocumentSource:
    """The source with plain relative paths.

    Raises:
        Problem: no entry, too many files, too large, or a path that leaves the folder.
    """
    files: dict[str, str] = {}
    for name, text in source.files.items():
        if _is_remote(name):  # a remote file that an earlier import has fetched
            files[name] = text
            continue
        path = posixpath.normpath(name) if name else ""
        if not path or path == "." or path.startswith(("/", "../")) or path == "..":
            raise _invalid(
                phrase("{name!r} is not a path inside the document's folder.", name=name)
            )
        files[path] = text
    entry = posixpath.normpath(source.entry) if source.entry else ""
    if entry not in files:
        raise _invalid(
            phrase("The entry {entry!r} is not among the document's files.", entry=source.entry)
        )
    if len(files) > FILES_MAX:
        raise _too_large(
            phrase(
                "The document has {number:,} files; at most {most} are read.",
                number=len(files),
                most=FILES_MAX,
            )
        )
    size = sum(_size(name, text) for name, text in files.items())
    if size > SOURCE_BYTES_MAX:
        raise _too_large(
            phrase(
                "The document has {size:,} bytes; at most {most:,} are read.",
                size=size,
                most=SOURCE_BYTES_MAX,
            )
        )
    return DocumentSource(files, entry, source.url)


def _size(name: str, text: str) -> int:
    try:
        if "\0" not in name + text[:1] and "\0" not in text:
            return len((name + text).encode())
    except UnicodeEncodeError:
        pass
    raise _invalid(phrase("The file {name!r} is not text.", name=name[:80]))


def _invalid(detail: str) -> Problem:
    return Problem(
        ProblemType.INVALID_DOCUMENT,
        detail,
        "Name the file that has `openapi` or `swagger` in it, with paths relative to its folder.",
    )


def _too_large(detail: str) -> Problem:
    return Problem(
        ProblemType.TOO_LARGE, detail, "Send only the files that the document refers to."
    )


def _split(reference: str) -> tuple[str, str]:
    """The address and the fragment of a reference."""
    address, _, fragment = reference.partition("#")
    return address, fragment


def _is_remote(location: str) -> bool:
    return location.startswith(("http://", "https://"))


def _inside(file: File, fragment: str, steps: Keys) -> Target:
    """A place of the file itself: counted from the resource around `steps`, else from its root."""
    if fragment and not fragment.startswith("/"):
        return _anchor(file, fragment)
    for resource in [*file.identifiers.around(steps), ()]:
        value, actual = find_fragment(find_keys(file.root, resource), fragment)
        if value is not MISSING:
            return Target(file, value, (*resource, *actual))
    raise BrokenReference(phrase("there is nothing there"))


def _anchor(file: File, name: str) -> Target:
    steps = file.identifiers.anchor(unquote(name))
    if steps is None:
        raise BrokenReference(phrase("there is no `$anchor` named {name!r}", name=name))
    return Target(file, find_keys(file.root, steps), steps)
