"""Which part of a document does a page need? A document cut into parts that are read one by one.

A part is an operation, a component, or what is left of a path or of the document around them. A
page reads the few parts that it shows, so that its cost does not grow with the document.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from headgate.catalog.bundle import reference_to
from headgate.catalog.document import DocumentSource
from headgate.catalog.findings import Findings
from headgate.catalog.grammar import METHODS
from headgate.catalog.library import REFERENCES_IN_A_ROW_MAX, BrokenReference, Library, file_of
from headgate.catalog.pointers import MISSING, Keys, find, parse_pointer, pointer

PARTS_READ_MAX = 5_000  # of one page: what is beyond is shown as if it were not there
_CUT = frozenset({"paths", "webhooks", "components"})

Load = Callable[[Iterable[str]], Mapping[str, bytes]]
"""The bodies of the parts with these pointers, as far as they exist. Asked once for each."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: where it stands in the document, and its JSON text."""

    pointer: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A value and where it stands, after references were followed."""

    pointer: str
    value: Any


def split(document: Mapping[str, Any]) -> Iterator[Part]:
    """All parts of a bundled OpenAPI 3 document whose references are pointers."""
    yield _part((), {key: value for key, value in document.items() if key not in _CUT})
    for top in ("paths", "webhooks"):
        for path, item in _items(document.get(top)):
            if isinstance(item, dict):
                yield _part((top, path), {k: v for k, v in item.items() if k not in METHODS})
                yield from (_part((top, path, k), v) for k, v in item.items() if k in METHODS)
    for section, shared in _items(document.get("components")):
        yield from (_part(("components", section, name), value) for name, value in _items(shared))


def with_pointers(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every reference by `$id` or `$anchor` written as a pointer."""
    entry = file_of("", document)
    library = Library(DocumentSource({"": ""}, ""), Findings())

    def rewritten(value: Any, steps: Keys) -> Any:
        if isinstance(value, list):
            return [rewritten(item, (*steps, index)) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        made = {key: rewritten(item, (*steps, key)) for key, item in value.items()}
        reference = value.get("$ref", value.get("$dynamicRef"))
        if isinstance(reference, str) and not reference.startswith("#/"):
            with suppress(BrokenReference):  # it stays as it is, and is shown as anything
                made["$ref"] = reference_to(library.target(entry, reference, steps).steps)
        return made

    found: dict[str, Any] = rewritten(document, ())
    return found


class Parts:
    """The parts of one document, read when they are needed and kept for one page."""

    def __init__(self, load: Load, read_max: int = PARTS_READ_MAX) -> None:
        self._load = load
        self._read_max = read_max
        self._read: dict[str, Any] = {}

    def fetch(self, pointers: Iterable[str]) -> None:
        """Read the parts that hold these places, in one question."""
        homes = {_part_pointer(parse_pointer(one)) for one in pointers}
        wanted = [home for home in homes if home not in self._read]
        left = self._read_max - len(self._read)
        listed = sorted(wanted)[: max(left, 0)]
        bodies = self._load(listed) if listed else {}
        self._read |= {one: _parsed(bodies.get(one)) for one in listed}

    def fetch_references(self, values: Iterable[object]) -> None:
        """Read what these values refer to, in one question."""
        references = (value.get("$ref") for value in values if isinstance(value, dict))
        self.fetch(
            pointer(_steps(ref[1:]))
            for ref in references
            if isinstance(ref, str) and ref.startswith("#/")
        )

    def value(self, place: str) -> Any:
        """The value at a pointer; `MISSING` where there is none."""
        return self._at(parse_pointer(place))[0]

    def follow(self, place: str) -> Found | None:
        """The object that a place holds or refers to; None where that leads nowhere."""
        here = place
        for _ in range(REFERENCES_IN_A_ROW_MAX):
            value = self.value(here)
            if not isinstance(value, dict):
                return None
            target = self.target(value)
            if target is None:
                return Found(here, value)
            here = target
        return None

    def target(self, value: object) -> str | None:
        """Where a `$ref` leads; None if this is none, or leads nowhere."""
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return "" if reference == "#" else None
        return pointer(_steps(reference[1:]))

    def _at(self, steps: tuple[str, ...]) -> tuple[Any, Keys]:
        home = _part_pointer(steps)
        if home not in self._read:
            self.fetch([home])
        root = self._read.get(home, MISSING)
        return (MISSING, ()) if root is MISSING else find(root, steps[_depth(steps) :])


def json_value(text: bytes) -> Any:
    """The value of a JSON text; `NaN` is let pass, as in the stored documents."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def from_document(document: dict[str, Any]) -> Parts:
    """Parts that are all in memory."""
    bodies = {part.pointer: part.body for part in split(document)}
    return Parts(
        lambda wanted: {one: bodies[one] for one in wanted if one in bodies},
        read_max=len(bodies) + PARTS_READ_MAX,
    )


def _steps(fragment: str) -> tuple[str, ...]:
    """The steps of a fragment: escapes of the URL first, then those of the pointer."""
    return parse_pointer(unquote(fragment))


def _part(steps: Keys, value: object) -> Part:
    try:
        return Part(pointer(steps), orjson.dumps(value))
    except TypeError:  # a whole number of more than 64 bits
        return Part(pointer(steps), json.dumps(value).encode())


def _parsed(body: bytes | None) -> Any:
    return MISSING if body is None else json_value(body)


def _items(value: object) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _part_pointer(steps: tuple[str, ...]) -> str:
    return pointer(steps[: _depth(steps)])


def _depth(steps: tuple[str, ...]) -> int:
    """How many steps lead to the part that holds a place."""
    if not steps or steps[0] not in _CUT:
        return 0
    if steps[0] == "components" or (len(steps) > 2 and steps[2] in METHODS):
        return 3
    return 2
