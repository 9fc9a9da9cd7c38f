"""Whatever is sent as a document: it is imported, or it is a Problem."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.catalog import base_path
from headgate.catalog.changes import changes
from headgate.catalog.document import DocumentSource, ImportedDocument
from headgate.catalog.grammar import GRAMMARS
from headgate.catalog.importer import describe, import_document
from headgate.core.problems import Problem
from tests.support.documents import openapi, operation, path_parameter, swagger

# Machines are slow at times: that is no mistake of the import.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

FIELDS = sorted(
    {name for shapes in GRAMMARS.values() for shape in shapes.values() for name in shape.fields}
    | {"$ref", "$id", "$anchor", "$dynamicRef", "$defs", "x-note", "200", "default", "/a", "/{b}"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [
            "",
            "#",
            "#/",
            "#/paths/~1a",
            "#/components/schemas/A",
            "b.yaml#/A",
            "#a",
            "http://[",
            "a:b",
        ]
    )
    | st.text(max_size=6)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=30,
)
WHOLE = openapi(
    "3.1.0",
    paths={
        "/a/{b}": {
            "parameters": [path_parameter("b")],
            "get": operation(operationId="x", parameters=[{"$ref": "#/components/parameters/P"}]),
            "put": operation(requestBody={"content": {"a/b": {"schema": {"$ref": "b.yaml#/A"}}}}),
        }
    },
    components={"schemas": {"A": {"$id": "x", "allOf": [{}]}}, "parameters": {"P": {}}},
)
OLD = swagger(paths={"/a": {"post": operation(parameters=[{"name": "b", "in": "body"}])}})


def attempt(source: DocumentSource) -> ImportedDocument | None:
    problems: list[Problem] = []
    try:
        return import_document(source)
    except Problem as problem:
        problems.append(problem)
    assert problems[0].detail
    assert all(error.line is None or error.line >= 1 for error in problems[0].errors)
    return None


def check(document: Any, other: Any) -> None:
    texts = {"a.json": orjson.dumps(document).decode(), "b.yaml": orjson.dumps(other).decode()}
    found = attempt(DocumentSource(texts, "a.json"))
    if found is not None:
        assert describe(orjson.loads(orjson.dumps(found.bundled))) == found.description
        assert len({item.id for item in found.operations}) == len(found.operations)
        assert changes(found.bundled, found.bundled) == ()
        again = attempt(DocumentSource({"a.json": orjson.dumps(found.bundled).decode()}, "a.json"))
        assert again is not None
        assert again.operations == found.operations


@patient
@given(ANYTHING, ANYTHING)
def test_any_json_is_imported_or_a_problem(document: Any, other: Any) -> None:
    check(document, other)


@patient
@given(st.sampled_from(["2.0", "3.0.0", "3.1.0"]), st.data(), ANYTHING)
def test_any_fields_of_a_document_are_imported_or_a_problem(
    version: str, data: st.DataObject, other: Any
) -> None:
    fields = data.draw(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=5))
    name = "swagger" if version == "2.0" else "openapi"
    check(fields | {name: version, "paths": data.draw(ANYTHING)}, other)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    return [place for key, item in items for place in [(*at, key), *places(item, (*at, key))]]


@patient
@given(st.sampled_from([WHOLE, OLD]), st.data(), ANYTHING)
def test_a_document_with_anything_in_one_place_is_imported_or_a_problem(
    whole: dict[str, Any], data: st.DataObject, anything: Any
) -> None:
    changed = orjson.loads(orjson.dumps(whole))
    steps = data.draw(st.sampled_from(places(changed)))
    inner = changed
    for step in steps[:-1]:
        inner = inner[step]
    inner[steps[-1]] = anything
    check(changed, {"A": {"type": "string"}})


@patient
@given(st.text(max_size=200), st.sampled_from(["a.yaml", "a.json", "a"]))
def test_any_text_is_imported_or_a_problem(text: str, name: str) -> None:
    attempt(DocumentSource({name: text}, name))


@patient
@given(st.text(alphabet="ab:-[]{},&*<!|>#'\"\n \t?%@`~01.$", max_size=60))
def test_any_text_of_yamls_signs_is_imported_or_a_problem(text: str) -> None:
    attempt(DocumentSource({"a.yaml": f"openapi: 3.0.0\npaths:\n  /a:\n    get: {text}"}, "a.yaml"))


@patient
@given(st.text(max_size=20))
def test_any_file_name_is_imported_or_a_problem(name: str) -> None:
    attempt(DocumentSource({name: "{}"}, name))


@patient
@given(st.text(max_size=40) | st.text(alphabet="/.a%2eE{}?#", max_size=20))
def test_any_base_path_is_normal_or_a_problem(text: str) -> None:
    try:
        path = base_path.normalise(text)
    except Problem:
        return
    assert base_path.normalise(path) == path
    assert not path.endswith("/")
