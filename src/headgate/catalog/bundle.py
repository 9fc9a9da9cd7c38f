"""How does a document of many files become one? Shared parts move in, references follow them.

A part of another file becomes a component under its own name (a number behind it where the name
is taken), so that schemas that contain themselves stay references. Path items are written out in
place: neither Swagger 2.0 nor OpenAPI 3.0 has a place for shared ones.
"""

import re
from posixpath import basename, splitext
from typing import Any
from urllib.parse import quote, urlsplit

from headgate.catalog.document import NESTING_MAX, NODES_MAX, Format
from headgate.catalog.grammar import GRAMMARS
from headgate.catalog.library import File, Target
from headgate.catalog.pointers import Keys, pointer
from headgate.catalog.structure import Reference, Structure
from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_FRAGMENT_SAFE = "/~!$&'()*+,;=:@?-._"  # RFC 3986 §3.5


def bundled(entry: File, structure: Structure, document_format: Format) -> dict[str, Any]:
    """One self-contained document; the entry's own values where it has no other files.

    Raises:
        Problem: path items that contain themselves, or beyond `NODES_MAX` or `NESTING_MAX`.
    """
    references = structure.references
    if all(ref.file is entry and ref.target.file is entry for ref in references):
        root: dict[str, Any] = entry.root
        return root
    return _Bundle(entry, structure, document_format).build()


def reference_to(steps: Keys) -> str:
    """A reference to a place of the same document, escaped as the fragment of a URL."""
    return "#" + quote(pointer(steps), safe=_FRAGMENT_SAFE)


class _Bundle:
    def __init__(self, entry: File, structure: Structure, document_format: Format) -> None:
        self._entry = entry
        self._shapes = GRAMMARS[document_format]
        self._references = {(id(ref.container), ref.key): ref for ref in structure.references}
        self._schemas = structure.visited("schema")
        self._path_items = structure.visited("path_item")
        self._homes: dict[tuple[str, Keys, str], Keys] = {}
        self._taken: dict[tuple[str, ...], set[str]] = {}
        self._numbers: dict[tuple[tuple[str, ...], str], int] = {}  # last one behind a name
        self._waiting: list[tuple[Target, Keys]] = []
        self._inside: list[int] = []  # path items that are being written out
        self._nodes = 0

    def build(self) -> dict[str, Any]:
        root: dict[str, Any] = self._copy(self._entry.root, 0)
        while self._waiting:
            target, home = self._waiting.pop()
            section = root
            for step in home[:-1]:
                if not isinstance(section.get(str(step)), dict):
                    section[str(step)] = {}
                section = section[str(step)]
            section[str(home[-1])] = self._copy(target.value, len(home), is_foreign=True)
        return root

    def _copy(self, value: Any, depth: int, *, is_foreign: bool = False) -> Any:
        if not isinstance(value, dict | list):
            return value
        self._nodes += len(value) + 1
        if self._nodes > NODES_MAX:
            raise _too_large(phrase("it holds more than {most:,} values", most=NODES_MAX))
        if depth > NESTING_MAX:
            raise _too_large(phrase("it is nested deeper than {most} levels", most=NESTING_MAX))
        if isinstance(value, list):
            return [self._copy(item, depth + 1, is_foreign=is_foreign) for item in value]
        if id(value) in self._path_items and "$ref" in value:
            return self._path_item(value, depth, is_foreign=is_foreign)
        result: dict[str, Any] = {}
        for key, item in value.items():
            if is_foreign and key == "$id" and id(value) in self._schemas:
                continue  # every reference in it now counts from the whole document
            ref = self._references.get((id(value), key))
            if ref is not None:
                result[key] = self._rewritten(ref)
            else:
                result[key] = self._copy(item, depth + 1, is_foreign=is_foreign)
        return result

    def _path_item(self, value: dict[str, Any], depth: int, *, is_foreign: bool) -> Any:
        ref = self._references[id(value), "$ref"]
        own = {key: item for key, item in value.items() if key != "$ref"}
        copied = self._copy(own, depth, is_foreign=is_foreign)
        if ref.target.file is self._entry:
            return {"$ref": self._rewritten(ref), **copied}
        if id(ref.target.value) in self._inside:
            raise Problem(
                ProblemType.INVALID_DOCUMENT,
                phrase("The path item {name!r} contains itself.", name=ref.container["$ref"]),
                "Write the callback's path item out in the entry's components.",
            )
        self._inside.append(id(ref.target.value))
        foreign = self._copy(ref.target.value, depth + 1, is_foreign=True)
        self._inside.pop()
        return {**foreign, **copied}

    def _rewritten(self, ref: Reference) -> str:
        if ref.target.file is self._entry:
            if ref.file is self._entry:
                return str(ref.container[ref.key])
            return reference_to(ref.target.steps)
        place = (ref.target.file.location, ref.target.steps, ref.shape)
        home = self._homes.get(place)
        if home is None:
            home = self._homes[place] = self._home(ref)
            self._waiting.append((ref.target, home))
        return reference_to(home)

    def _home(self, ref: Reference) -> Keys:
        section = self._shapes[ref.shape].section
        names = self._taken.get(section)
        if names is None:
            there: Any = self._entry.root
            for step in section:
                there = there.get(step) if isinstance(there, dict) else None
            names = self._taken[section] = set(there) if isinstance(there, dict) else set()
        base = name = _name(ref.target)
        while name in names:
            number = self._numbers[section, base] = self._numbers.get((section, base), 1) + 1
            name = f"{base}_{number}"
        names.add(name)
        return (*section, name)


def _name(target: Target) -> str:
    if target.steps:
        name = str(target.steps[-1])
    else:
        name = splitext(basename(urlsplit(target.file.location).path))[0]
    return _NOT_IN_NAMES.sub("_", name).strip("_") or "part"


def _too_large(what: str) -> Problem:
    return Problem(
        ProblemType.TOO_LARGE,
        phrase("The document cannot be put into one file: {what}.", what=what),
        "Make shared path items fewer or smaller.",
    )
