"""What does a new import change?"""

import copy
from typing import Any

import pytest

from headgate.catalog.changes import Change, ChangeKind, changes
from tests.support.documents import imported, openapi, operation, swagger

NODE = {"properties": {"next": {"$ref": "#/components/schemas/Node"}, "name": {"type": "string"}}}
SCHEMA = {"$ref": "#/components/schemas/Node"}


def document(**fields: Any) -> dict[str, Any]:
    """One operation, `getPet`, with all that can change in it."""
    whole = operation(
        operationId="getPet",
        parameters=[
            {"name": "page", "in": "query", "schema": {"type": "integer"}},
            {"$ref": "#/components/parameters/size"},
        ],
        requestBody={"content": {"application/json": {"schema": SCHEMA}}},
        responses={
            "200": {"description": "x", "content": {"application/json": {"schema": SCHEMA}}},
            "404": {"description": "x"},
        },
    )
    return openapi(
        paths={"/pets": {"post": whole | fields}},
        components={
            "schemas": {"Node": NODE},
            "parameters": {"size": {"name": "size", "in": "query", "schema": {}}},
            "securitySchemes": {"key": {"type": "http"}, "login": {"type": "http"}},
        },
    )


def between(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    return changes(imported(before).bundled, imported(after).bundled)


def test_the_same_document_changes_nothing() -> None:
    assert between(document(), document()) == ()


def test_operations_that_come_and_go_are_named() -> None:
    before = openapi(paths={"/a": {"get": operation(operationId="a")}})
    after = openapi(paths={"/b": {"put": operation(operationId="b")}})
    assert between(before, after) == (
        Change(ChangeKind.ADDED, "b", "PUT /b"),
        Change(ChangeKind.REMOVED, "a", "GET /a"),
    )
    assert [one.what for one in between(before, after)] == ["PUT /b", "GET /a (breaking)"]
    assert [one.is_breaking for one in between(before, after)] == [False, True]


def test_an_operation_with_a_new_id_is_the_same_operation() -> None:
    (change,) = between(document(), document(operationId="newName"))
    assert (change.kind, change.operation) == (ChangeKind.CHANGED, "newName")
    assert change.what == "renamed from 'getPet'"


def test_an_operation_at_a_new_path_is_the_same_operation_and_breaks_callers() -> None:
    after = document()
    after["paths"] = {"/animals": after["paths"]["/pets"]}
    (change,) = between(document(), after)
    assert change.what == "moved from POST /pets to POST /animals (breaking)"
    assert change.is_breaking


PAGE = {"name": "page", "in": "query", "schema": {"type": "integer"}}
SIZE = {"$ref": "#/components/parameters/size"}
NEW = {"name": "new", "in": "header", "schema": {}}
JSON_NODE = {"application/json": {"schema": SCHEMA}}
OK = {"description": "x", "content": JSON_NODE}


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"deprecated": True}, "now deprecated"),
        ({"summary": "new words"}, "documentation changed"),
        ({"security": [{"key": []}]}, "security none → key (breaking)"),
        ({"parameters": [PAGE, SIZE, NEW]}, "optional header parameter 'new' added"),
        (
            {"parameters": [PAGE, SIZE, NEW | {"required": True}]},
            "required header parameter 'new' added (breaking)",
        ),
        ({"parameters": [PAGE]}, "query parameter 'size' removed"),
        (
            {"parameters": [PAGE | {"required": True}, SIZE]},
            "query parameter 'page' is now required (breaking)",
        ),
        (
            {"parameters": [PAGE | {"schema": {"type": "string"}}, SIZE]},
            "query parameter 'page' changed at /schema/type",
        ),
        ({"parameters": [SIZE, PAGE | {"description": "new words"}]}, ""),
        ({"requestBody": None}, "request body removed"),
        (
            {"requestBody": {"required": True, "content": JSON_NODE}},
            "request body is now required (breaking)",
        ),
        (
            {"requestBody": {"content": {"text/plain": {}}}},
            "request body as text/plain added; request body as application/json removed (breaking)",
        ),
        ({"responses": {"200": OK}}, "response 404 removed"),
        ({"responses": {"404": {"description": "x"}}}, "response 200 removed (breaking)"),
        (
            {"responses": {"200": OK, "404": {"description": "x"}, "500": {"description": "x"}}},
            "response 500 added",
        ),
        ({"responses": {"200": OK | {"description": "y"}, "404": {"description": "z"}}}, ""),
    ],
)
def test_what_is_different_in_an_operation_is_said(fields: dict[str, Any], what: str) -> None:
    found = between(document(), document(**fields))
    assert [change.what for change in found] == ([what] if what else [])
    assert all(change.is_breaking == ("(breaking)" in what) for change in found)


def test_a_body_that_comes_is_said() -> None:
    (change,) = between(document(requestBody=None), document())
    assert change.what == "optional request body added"


def test_a_schema_changes_everything_that_refers_to_it() -> None:
    after = copy.deepcopy(document())
    after["components"]["schemas"]["Node"]["properties"]["name"]["type"] = "integer"
    (change,) = between(document(), after)
    assert change.what == (
        "request body as application/json changed at /schema/properties/name/type; "
        "response 200 changed at /content/application~1json/schema/properties/name/type"
    )


def test_a_schema_under_another_name_is_the_same_schema() -> None:
    after = copy.deepcopy(document())
    after["components"]["schemas"] = {"Knot": copy.deepcopy(NODE)}
    after["components"]["schemas"]["Knot"]["properties"]["next"]["$ref"] = (
        "#/components/schemas/Knot"
    )
    knot = {"application/json": {"schema": {"$ref": "#/components/schemas/Knot"}}}
    whole = after["paths"]["/pets"]["post"]
    whole["requestBody"]["content"] = knot
    whole["responses"]["200"]["content"] = knot
    assert between(document(), after) == ()


def test_a_property_named_like_documentation_counts() -> None:
    before, after = document(), copy.deepcopy(document())
    after["components"]["schemas"]["Node"]["properties"]["description"] = {"type": "string"}
    (change,) = between(before, after)
    assert "changed at /schema/properties/description" in change.what


def test_a_parameter_of_the_path_counts_as_the_operations_own() -> None:
    before = swagger(paths={"/a": {"get": operation()}})
    after = swagger(
        paths={
            "/a": {
                "parameters": [{"name": "x", "in": "query", "type": "string", "required": True}],
                "get": operation(),
            }
        }
    )
    (change,) = between(before, after)
    assert change.what == "required query parameter 'x' added (breaking)"


def test_a_chain_of_a_thousand_schemas_is_compared() -> None:
    def chain(last: str) -> dict[str, Any]:
        schemas: dict[str, Any] = {
            f"S{n}": {"properties": {"p": {"$ref": f"#/components/schemas/S{n + 1}"}}}
            for n in range(1_000)
        }
        schemas["S1000"] = {"type": last}
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}
        response = {"200": {"description": "x", "content": content}}
        return openapi(
            paths={"/a": {"get": operation(responses=response)}}, components={"schemas": schemas}
        )

    assert between(chain("string"), chain("string")) == ()
    assert len(between(chain("string"), chain("integer"))) == 1
