"""Which mistakes refuse a document, and which can be lived with?"""

from typing import Any

import pytest

from headgate.catalog.document import OPERATIONS_MAX, PARAMETERS_MAX
from tests.support.documents import (
    errors_of,
    imported,
    openapi,
    operation,
    path_parameter,
    swagger,
    warnings_of,
)


def with_operation(**fields: Any) -> dict[str, Any]:
    return openapi(paths={"/a": {"get": operation(**fields)}})


def with_parameter(**fields: Any) -> dict[str, Any]:
    return with_operation(parameters=[{"name": "x", "in": "query", "schema": {}} | fields])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a", "must start with '/'"),
        ("/a/{b", "has a brace without its counterpart"),
        ("/a/b}", "has a brace without its counterpart"),
        ("/a/{b{c}}", "has a brace without its counterpart"),
        ("/a/{}", "has a parameter without a name"),
        ("/{a}/{a}", "names a parameter twice"),
        ("/a?b=c", "has a query or fragment in it"),
        ("/a#b", "has a query or fragment in it"),
        ("/a b", "has characters that a path cannot have"),
        ("/ä", "has characters that a path cannot have"),
        ("//a", "has an empty segment"),
        ("/a/../b", "has the segment"),
        ("/" + "a" * 2_001, "is longer than"),
    ],
)
def test_a_path_that_cannot_be_routed_refuses_the_document(path: str, message: str) -> None:
    (error,) = errors_of(openapi(paths={path: {}}))
    assert message in error.message


@pytest.mark.parametrize("path", ["/", "/a/", "/{a}.json", "/{a}-{b}", "/a/{b}/c:do", "/%C3%A4"])
def test_a_path_that_can_be_routed_is_imported(path: str) -> None:
    assert imported(openapi(paths={path: {"get": operation()}})).operations[0].path == path


def test_two_templates_of_one_shape_with_one_method_refuse_the_document() -> None:
    one = {"get": operation(parameters=[path_parameter("x")])}
    other = {"get": operation(parameters=[path_parameter("y")])}
    (error,) = errors_of(openapi(paths={"/a/{x}": one, "/a/{y}": other}))
    assert error.message == "GET '/a/{y}' matches the same requests as '/a/{x}'"
    assert error.pointer == "/paths/~1a~1{y}"


def test_two_templates_of_one_shape_with_different_methods_are_warned_of() -> None:
    one = {"get": operation(parameters=[path_parameter("x")])}
    other = {"put": operation(parameters=[path_parameter("y")])}
    document = openapi(paths={"/a/{x}": one, "/a/{y}": other})
    assert warnings_of(document) == ["'/a/{y}' and '/a/{x}' are the same path; write it once"]


def test_more_parameters_than_the_limit_refuse_the_document() -> None:
    many = [{"name": f"p{n}", "in": "query", "schema": {}} for n in range(PARAMETERS_MAX + 1)]
    assert imported(with_operation(parameters=many[1:]))
    (error,) = errors_of(with_operation(parameters=many))
    assert error.message == f"There are more than {PARAMETERS_MAX} parameters"


def test_more_operations_than_the_limit_refuse_the_document() -> None:
    paths: dict[str, Any] = {f"/{n}": {"$ref": "#/paths/~10"} for n in range(OPERATIONS_MAX // 8)}
    methods = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
    paths["/0"] = {method: operation() for method in methods}
    assert len(imported(openapi(paths=paths)).operations) == OPERATIONS_MAX
    (error,) = errors_of(openapi(paths=paths | {"/one/more": {"get": operation()}}))
    assert error.message == f"There are more than {OPERATIONS_MAX:,} operations"


def test_a_mistake_that_several_paths_share_is_told_once() -> None:
    item = {"get": operation(security=[{"key": []}])}
    paths = {"/a": item, "/b": {"$ref": "#/paths/~1a"}}
    assert warnings_of(openapi(paths=paths)) == ["The security scheme 'key' is not defined"]


def test_extensions_beside_paths_are_no_paths() -> None:
    assert imported(openapi(paths={"x-note": 7, "/a": {"x-y": 1}})).operations == ()


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (openapi(info=[]), "/info"),
        (openapi(info={"title": {}, "version": "1"}), "/info/title"),
        (openapi(paths=[]), "/paths"),
        (openapi(paths=None), "/paths"),
        (openapi(paths={"/a": 7}), "/paths/~1a"),
        (openapi(paths={"/a": {"get": None}}), "/paths/~1a/get"),
        (openapi(paths={"/a": {"get": "x"}}), "/paths/~1a/get"),
        (openapi(components=[]), "/components"),
        (openapi(components={"schemas": []}), "/components/schemas"),
        (openapi(components={"schemas": {"A": "x"}}), "/components/schemas/A"),
        (openapi(components={"schemas": {"A": True}}), "/components/schemas/A"),
        (
            openapi(components={"schemas": {"A": {"properties": []}}}),
            "/components/schemas/A/properties",
        ),
        (openapi(security={}), "/security"),
        (openapi(security=[[]]), "/security/0"),
        (openapi(servers=[{}]), "/servers/0"),
        (with_operation(parameters={}), "/paths/~1a/get/parameters"),
        (with_operation(parameters=["x"]), "/paths/~1a/get/parameters/0"),
        (with_operation(parameters=[{}]), "/paths/~1a/get/parameters/0"),
        (with_operation(requestBody=[]), "/paths/~1a/get/requestBody"),
        (with_operation(requestBody={"content": []}), "/paths/~1a/get/requestBody/content"),
        (with_operation(responses=7), "/paths/~1a/get/responses"),
        (with_operation(responses={"200": []}), "/paths/~1a/get/responses/200"),
        (with_operation(deprecated="yes"), "/paths/~1a/get/deprecated"),
        (with_operation(tags="x"), "/paths/~1a/get/tags"),
        (with_operation(callbacks={"x": []}), "/paths/~1a/get/callbacks/x"),
        (with_parameter(**{"in": "body"}), "/paths/~1a/get/parameters/0/in"),
        (with_parameter(name=[]), "/paths/~1a/get/parameters/0/name"),
        (with_parameter(schema=[]), "/paths/~1a/get/parameters/0/schema"),
        ({"openapi": "3.0.0"}, ""),
        ({"openapi": "3.1.0"}, ""),
    ],
)
def test_an_object_of_a_wrong_shape_refuses_the_document(
    document: dict[str, Any], pointer: str
) -> None:
    assert pointer in [error.pointer for error in errors_of(document)]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"openapi": "3.0.0", "paths": {}},
            "An OpenAPI document needs 'info'",
        ),
        (openapi(info={"title": "x"}), "The info object needs 'version'"),
        (openapi(tags=None), "'tags' is empty; leave it out"),
        (openapi(componentz={}), "'componentz'; is it 'components'?"),
        (with_operation(sumary="x"), "An operation has no field 'sumary'; is it 'summary'?"),
        (openapi(paths={"/a": {"GET": {}}}), "methods are written in lower case"),
        (openapi(paths={"/a": {"get": {}}}), "An operation needs 'responses'"),
        (with_operation(responses={}), "There must be at least one response"),
        (with_operation(responses={"ok": {"description": "x"}}), "'ok' is neither a status nor"),
        (with_operation(responses={"200": {}}), "A response needs 'description'"),
        (with_operation(security=[{"key": []}]), "The security scheme 'key' is not defined"),
        (with_parameter(schema=None), "'schema' is empty; leave it out"),
        (
            openapi(paths={"/{x}": {"get": operation()}}),
            "The parameter 'x' of '/{x}' is not declared",
        ),
        (
            with_operation(parameters=[path_parameter("x")]),
            "The path parameter 'x' is not in '/a'",
        ),
        (
            openapi(
                paths={
                    "/{x}": {
                        "get": operation(parameters=[path_parameter("x") | {"required": False}])
                    }
                }
            ),
            "The path parameter 'x' must have `required: true`",
        ),
        (
            with_operation(parameters=[{"name": "x", "in": "query"}]),
            "The parameter 'x' needs schema or content",
        ),
        (
            with_operation(parameters=[{"name": "x", "in": "query", "schema": {}}] * 2),
            "The parameter 'x' is declared twice",
        ),
        (
            openapi(components={"schemas": {"A": {"required": True, "type": ["string"]}}}),
            "'required' must be a list, not true or false",
        ),
        (
            swagger(
                paths={
                    "/a": {
                        "post": operation(
                            parameters=[
                                {"name": "x", "in": "body", "schema": {}},
                                {"name": "y", "in": "formData", "type": "string"},
                            ]
                        )
                    }
                }
            ),
            "Parameters in 'body' and in 'formData' exclude each other",
        ),
        (
            swagger(paths={"/a": {"get": operation(parameters=[{"name": "x", "in": "query"}])}}),
            "The parameter 'x' needs type",
        ),
    ],
)
def test_a_mistake_of_the_documentation_is_a_warning(
    document: dict[str, Any], message: str
) -> None:
    assert any(message in warning for warning in warnings_of(document)), warnings_of(document)


@pytest.mark.parametrize(
    "document",
    [
        openapi(),
        swagger(consumes=["application/json"], produces=["application/json"], basePath="/v2"),
        with_operation(responses={"2XX": {"description": "x"}, "default": {"description": "x"}}),
        openapi("3.1.0", components={"schemas": {"A": True, "B": {"type": ["string", "null"]}}}),
        {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "webhooks": {}},
        openapi(
            components={"schemas": {"A": {"properties": {"$ref": {"type": "string"}, "x-y": {}}}}}
        ),
        openapi(
            components={"schemas": {"A": {"example": {"$ref": "nowhere"}, "enum": [{"$ref": 7}]}}}
        ),
        swagger(
            paths={
                "/a": {"post": operation(parameters=[{"name": "b", "in": "body", "schema": {}}])}
            }
        ),
    ],
)
def test_a_document_without_mistakes_has_no_warnings(document: dict[str, Any]) -> None:
    assert warnings_of(document) == []
