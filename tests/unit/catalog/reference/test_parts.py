"""Does a page read only its part of a document, and find all that it refers to?"""

from collections.abc import Iterable, Mapping
from typing import Any

from headgate.catalog.pointers import MISSING
from headgate.catalog.reference.index import index_of, shown_document
from headgate.catalog.reference.operation import operation_view
from headgate.catalog.reference.parts import PARTS_READ_MAX, Parts, from_document, split
from tests.support.documents import imported, openapi, operation

SCHEMAS = {
    "Pet": {"type": "object", "properties": {"owner": {"$ref": "#/components/schemas/Owner"}}},
    "Owner": {"type": "object"},
    "Unused": {"type": "object"},
}


def _answer(schema: object) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return operation(responses={"200": {"description": "fine", "content": content}})


DOCUMENT = openapi(
    paths={
        "/pets": {"get": _answer({"$ref": "#/components/schemas/Pet"})},
        "/odd~name": {"get": _answer({"$ref": "#/paths/~1pets/get/responses/200/content/x"})},
    },
    components={"schemas": SCHEMAS},
)


class _Store:
    """The parts of a document, and which of them were asked for."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._bodies = {part.pointer: part.body for part in split(document)}
        self.asked: list[str] = []

    def load(self, wanted: Iterable[str]) -> Mapping[str, bytes]:
        listed = list(wanted)
        self.asked += listed
        return {one: self._bodies[one] for one in listed if one in self._bodies}


def test_a_page_reads_the_operation_and_what_it_shows_and_nothing_else() -> None:
    store = _Store(DOCUMENT)
    entry = index_of(DOCUMENT).entries[0]
    view = operation_view(Parts(store.load), entry)
    assert view.responses[0].media[0].schema is not None
    assert sorted(store.asked) == [
        "/components/schemas/Owner",
        "/components/schemas/Pet",
        "/paths/~1pets/get",
    ]


def test_no_part_is_read_twice() -> None:
    store = _Store(DOCUMENT)
    parts = Parts(store.load)
    for _ in range(3):
        operation_view(parts, index_of(DOCUMENT).entries[0])
    assert len(store.asked) == len(set(store.asked))


def test_the_parts_are_the_document() -> None:
    parts = from_document(DOCUMENT)
    assert parts.value("/info/title") == "Pets"
    assert parts.value("/paths/~1pets/get/responses/200/description") == "fine"
    assert parts.value("/components/schemas/Pet/type") == "object"
    for nowhere in ("/paths", "/components/schemas/No", "/paths/~1pets/put", "/info/title/x"):
        assert parts.value(nowhere) is MISSING


def test_references_by_name_become_pointers() -> None:
    document = openapi(
        "3.1.0",
        components={
            "schemas": {
                "A": {"$anchor": "a", "type": "string"},
                "B": {"$id": "https://example.com/b", "properties": {"c": {"type": "integer"}}},
                "Uses": {
                    "properties": {"a": {"$ref": "#a"}, "b": {"$ref": "https://example.com/b"}}
                },
            }
        },
    )
    parts = from_document(shown_document(imported(document).bundled))
    uses = "/components/schemas/Uses/properties"
    assert parts.value(f"{uses}/a/$ref") == "#/components/schemas/A"
    assert parts.value(f"{uses}/b/$ref") == "#/components/schemas/B"


def test_references_in_a_circle_end() -> None:
    schemas = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}
    parts = from_document(openapi(components={"schemas": schemas}))
    assert parts.follow("/components/schemas/A") is None


def test_a_page_reads_only_so_many_parts() -> None:
    store = _Store(DOCUMENT)
    Parts(store.load).fetch(f"/components/schemas/S{n}" for n in range(PARTS_READ_MAX + 100))
    assert len(store.asked) == PARTS_READ_MAX


def test_a_number_of_more_than_64_bits_is_read_again() -> None:
    schema = {"type": "integer", "maximum": 2**70}
    parts = from_document(openapi(components={"schemas": {"Big": schema}}))
    assert float(parts.value("/components/schemas/Big/maximum")) == 2.0**70
