"""Is every made example one that its schema allows?"""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from headgate.catalog.dialect import Dialect, Side
from headgate.catalog.document import DocumentSource, Format
from headgate.catalog.findings import Findings
from headgate.catalog.library import Library, file_of
from headgate.catalog.operations import Place
from headgate.catalog.pointers import find, parse_pointer, place
from headgate.catalog.reference.examples import example
from headgate.catalog.reference.index import index_of, shown_document
from headgate.catalog.reference.parts import Parts, from_document
from tests.support.documents import SHARED, import_text, openapi, shared_document

AT = "/components/schemas/Thing"
DOCUMENTS = sorted(path.name for path in SHARED.iterdir()) if SHARED.is_dir() else ["missing"]


class Judge:
    """Judges by the same schemas that calls are validated with."""

    def __init__(self, document: dict[str, Any]) -> None:
        version = str(document["openapi"])
        self._format = Format.OPENAPI_3_1 if version.startswith("3.1") else Format.OPENAPI_3_0
        self._document = document
        self._entry = file_of("", document)

    def says(self, at: str, value: Any, side: Side = Side.REQUEST) -> str:
        """What is wrong, "" if nothing."""
        found, steps = find(self._document, parse_pointer(at))
        dialect = Dialect(Library(DocumentSource({"": ""}, ""), Findings()), self._format)
        schema = dialect.schema(Place(found, self._entry, place(steps)), side)
        whole = {"allOf": [schema], "$defs": dialect.finish()}
        validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        error = next(validator.iter_errors(value), None)
        return "" if error is None else f"{error.message} at {error.instance_path}"


def _schemas(document: dict[str, Any]) -> Iterator[str]:
    """Where every schema stands that a page could show an example of."""
    for entry in index_of(document).entries:
        for at in (entry.pointer, entry.shared_pointer):
            found, _ = find(document, parse_pointer(at))
            yield from _below(found, at)
    components = document.get("components", {})
    for section, shared in components.items():
        for name, value in shared.items():
            at = f"/components/{section}/{name.replace('~', '~0').replace('/', '~1')}"
            if section == "schemas":
                yield at
            yield from _below(value, at)


def _below(value: Any, at: str) -> Iterator[str]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        here = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if key == "schema":
            yield here
        elif isinstance(item, dict | list) and key not in {"example", "examples", "properties"}:
            yield from _below(item, here)


def check_document(document: dict[str, Any], parts: Parts) -> tuple[int, list[str]]:
    """How many examples there are, and what is wrong with them."""
    judge, made, wrong = Judge(document), 0, []
    for at in _schemas(document):
        for side in Side:
            found = example(parts, at, side)
            if found is None:
                wrong.append(f"{at}: none")
                continue
            made += 1
            if said := judge.says(at, found.value, side):
                wrong.append(f"{at}: {found.value!r}: {said}")
    return made, wrong


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_schema_of_documents_that_others_wrote_gets_an_example_that_fits(name: str) -> None:
    document = shown_document(import_text(shared_document(name), name).bundled)
    made, wrong = check_document(document, from_document(document))
    assert wrong == []
    assert made > 0


def _example(schema: dict[str, Any], **more: Any) -> Any:
    document = openapi("3.1.0", components={"schemas": {"Thing": schema} | more})
    found = example(from_document(document), AT, Side.REQUEST)
    assert found is not None
    assert Judge(document).says(AT, found.value) == ""
    return found.value


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 40, "maxLength": 45},
        {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        {"type": "string", "pattern": "^(?:red|green)+\\s?$"},
        {"type": "string", "pattern": "^\\d+$", "minLength": 12},
        {"type": "string", "pattern": "[^abc]", "maxLength": 1},
        {"type": "integer", "exclusiveMinimum": 10, "multipleOf": 7},
        {"type": "integer", "maximum": -5},
        {"type": "number", "minimum": 0.1, "maximum": 0.2},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}]},
        {"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}},
        {"type": "object", "required": ["a"], "properties": {"a": {"const": 7}}},
        {"enum": [3, 4]},
        {"type": ["null", "boolean"]},
        {"type": "null"},
        {"allOf": [{"type": "integer", "minimum": 5}, {"maximum": 6}]},
        {"oneOf": [{"type": "string", "format": "uuid"}, {"type": "integer"}]},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "unheard-of"},
        {},
    ],
)
def test_limits_are_kept(schema: dict[str, Any]) -> None:
    _example(schema)


def test_a_given_example_is_taken_where_it_fits_and_only_there() -> None:
    assert _example({"type": "string", "example": "given"}) == "given"
    assert _example({"type": "integer", "example": "given", "minimum": 3}) == 3
    assert _example({"type": "string", "examples": [5, "second"]}) == "second"


def test_a_schema_that_contains_itself_has_a_finite_example() -> None:
    parent = {"type": "object", "properties": {"up": {"$ref": f"#{AT}"}, "n": {"type": "integer"}}}
    assert _example(parent) == {"n": 1}
    wanting = {"type": "object", "required": ["up"], "properties": {"up": {"$ref": f"#{AT}"}}}
    document = openapi(components={"schemas": {"Thing": wanting}})
    assert example(from_document(document), AT, Side.REQUEST) is None


def test_a_discriminator_says_which_alternative_the_example_is() -> None:
    kinds = {
        "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
    }
    value = _example(
        {
            "oneOf": [{"$ref": "#/components/schemas/Cat"}],
            "discriminator": {"propertyName": "kind"},
        },
        **kinds,
    )
    assert set(value) == {"kind"}


def test_what_a_side_does_not_send_is_left_out() -> None:
    schema = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "name": {"type": "string"},
            "old": {"type": "string", "deprecated": True},
        },
    }
    assert set(_example(schema)) == {"name"}


def test_a_pattern_that_would_run_for_ever_does_not() -> None:
    document = openapi(
        components={
            "schemas": {
                "Thing": {"type": "string", "pattern": "^(a+)+$", "example": "a" * 50 + "!"}
            }
        }
    )
    found = example(from_document(document), AT, Side.REQUEST)
    assert found is not None
    assert found.value == "a"
