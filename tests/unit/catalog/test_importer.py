"""What does an imported document say of its API, and what refuses it?"""

from typing import Any

import orjson
import pytest

from headgate.catalog.document import ERRORS_MAX, WARNINGS_MAX, DocumentSource, Format, Server
from headgate.catalog.importer import describe, import_document
from headgate.core.problems import Problem, ProblemType
from tests.support.documents import (
    errors_of,
    import_files,
    import_text,
    imported,
    openapi,
    operation,
    path_parameter,
    swagger,
    warnings_of,
)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (swagger(), Format.SWAGGER_2_0),
        (swagger(swagger=2.0), Format.SWAGGER_2_0),
        (openapi("3.0.4"), Format.OPENAPI_3_0),
        (openapi("3.1.1"), Format.OPENAPI_3_1),
        (openapi("3.1.0-rc1"), Format.OPENAPI_3_1),
        (openapi("3.0") | {"openapi": 3.0}, Format.OPENAPI_3_0),
    ],
)
def test_the_format_is_the_one_declared(document: dict[str, Any], expected: Format) -> None:
    assert imported(document).description.format is expected


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (openapi("3.2.0"), "Openapi '3.2.0' is not supported"),
        (openapi("4"), "Openapi '4' is not supported"),
        (swagger(swagger="1.2"), "Swagger '1.2' is not supported"),
        (swagger(swagger=None), "Swagger None is not supported"),
        ({"asyncapi": "3.0.0"}, "'asyncapi' is another kind of document"),
        ({"info": {}}, "neither 'openapi' nor 'swagger'"),
        ([], "must be an object"),
        ("text", "must be an object"),
        (None, "must be an object"),
    ],
)
def test_another_format_is_refused_by_name(document: Any, message: str) -> None:
    assert message in errors_of(document)[0].message


def test_operations_come_in_order_with_all_methods() -> None:
    methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]
    found = imported(openapi(paths={"/a": {method: operation() for method in methods}}))
    assert [item.method for item in found.operations] == [method.upper() for method in methods]


def test_trace_of_swagger_is_imported_with_a_warning() -> None:
    document = swagger(paths={"/a": {"get": operation(), "trace": operation()}})
    assert [item.method for item in imported(document).operations] == ["GET", "TRACE"]
    assert warnings_of(document) == ["Swagger 2.0 knows no 'trace'; it is imported all the same"]


def test_an_operation_says_what_the_document_says() -> None:
    document = openapi(
        security=[{"key": []}],
        components={
            "securitySchemes": {
                "key": {"type": "apiKey", "name": "k", "in": "header"},
                "login": {"type": "http", "scheme": "basic"},
            }
        },
        paths={
            "/pets/{id}": {
                "parameters": [path_parameter("id")],
                "get": operation(
                    operationId="getPet", summary="One pet", tags=["pets"], deprecated=True
                ),
                "put": operation(security=[{"login": []}, {"key": []}]),
                "head": operation(security=[]),
            }
        },
    )
    get, put, head = imported(document).operations
    assert (get.id, get.summary, get.tags, get.is_deprecated) == (
        "getPet",
        "One pet",
        ("pets",),
        True,
    )
    assert get.security == ("key",)
    assert get.pointer == "/paths/~1pets~1{id}/get"
    assert (put.id, put.security) == ("PUT /pets/{id}", ("login", "key"))
    assert (head.id, head.security, head.is_deprecated) == ("HEAD /pets/{id}", (), False)


def test_operations_with_one_id_are_all_named_by_method_and_path() -> None:
    document = openapi(
        paths={"/a": {"get": operation(operationId="x")}, "/b": {"get": operation(operationId="x")}}
    )
    assert [item.id for item in imported(document).operations] == ["GET /a", "GET /b"]
    assert warnings_of(document) == [
        "The operationId 'x' is also that of GET /a; both are named by method and path"
    ]


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 256, "GET /other"])
def test_an_id_that_cannot_be_a_name_is_replaced(name: str) -> None:
    document = openapi(paths={"/a": {"get": operation(operationId=name)}})
    assert imported(document).operations[0].id == "GET /a"
    assert len(warnings_of(document)) == 1


def test_a_long_path_has_a_short_stable_id() -> None:
    path = "/" + "a" * 1_000
    first = imported(openapi(paths={path: {"get": operation()}})).operations[0].id
    again = imported(openapi(paths={path: {"get": operation()}})).operations[0].id
    other = imported(openapi(paths={path + "b": {"get": operation()}})).operations[0].id
    assert first == again
    assert first != other
    assert len(first) <= 255


@pytest.mark.parametrize(
    ("fields", "servers", "base_path"),
    [
        ({}, (), ""),
        ({"basePath": "/v2"}, (Server("/v2"),), "/v2"),
        ({"basePath": "/"}, (Server("/"),), ""),
        ({"host": "a.example", "basePath": "/v2/"}, (Server("http://a.example/v2/"),), "/v2"),
        (
            {"host": "a.example", "schemes": ["https", "http"]},
            (Server("https://a.example"), Server("http://a.example")),
            "",
        ),
    ],
)
def test_servers_of_swagger(
    fields: dict[str, Any], servers: tuple[Server, ...], base_path: str
) -> None:
    description = imported(swagger(**fields)).description
    assert (description.servers, description.base_path) == (servers, base_path)


@pytest.mark.parametrize(
    ("server", "url", "base_path"),
    [
        ({"url": "https://a.example/v1/"}, "https://a.example/v1/", "/v1"),
        ({"url": "/v1"}, "/v1", "/v1"),
        ({"url": "v1"}, "v1", "/v1"),
        ({"url": "https://a.example"}, "https://a.example", ""),
        (
            {"url": "https://{host}/{v}", "variables": {"v": {"default": "v3"}}},
            "https://{host}/v3",
            "/v3",
        ),
        ({"url": "https://a.example/{v}"}, "https://a.example/{v}", ""),
        ({"url": "https://[broken/v1"}, "https://[broken/v1", ""),
    ],
)
def test_servers_of_openapi(server: dict[str, Any], url: str, base_path: str) -> None:
    description = imported(openapi(servers=[server])).description
    assert (description.servers, description.base_path) == ((Server(url),), base_path)


def test_the_document_is_kept_as_it_came_and_bundled() -> None:
    text = "# mine\nopenapi: 3.0.0\ninfo: {title: Pets, version: 1.0}\npaths: {}\n"
    found = import_text(text)
    assert found.original == {"openapi.yaml": text}
    assert found.bundled["paths"] == {}
    assert found.description.version == "1.0"
    assert [item.message for item in found.warnings] == [
        "'version' must be a text, not a number; put it in quotes"
    ]


def test_a_bundled_document_describes_itself() -> None:
    found = imported(openapi())
    assert describe(orjson.loads(orjson.dumps(found.bundled))) == found.description


def test_every_mistake_is_told_with_its_pointer_and_line_and_nothing_is_imported() -> None:
    text = """openapi: 3.0.0
info:
  title: [Pets]
  version: '1'
paths:
  pets:
    get:
      responses: {}
  /a:
    get:
      parameters:
      - name: x
        in: body
      responses: []
"""
    with pytest.raises(Problem) as caught:
        import_text(text)
    problem = caught.value
    assert problem.type is ProblemType.INVALID_DOCUMENT
    assert problem.detail.startswith("openapi.yaml has 4 mistakes: 'title' must be a text")
    assert [(item.pointer, item.line) for item in problem.errors] == [
        ("/info/title", 3),
        ("/paths/pets", 6),
        ("/paths/~1a/get/parameters/0/in", 13),
        ("/paths/~1a/get/responses", 14),
    ]


def test_more_mistakes_than_are_listed_are_counted() -> None:
    with pytest.raises(Problem) as caught:
        imported(openapi(paths={f"path{n}": {} for n in range(ERRORS_MAX + 50)}))
    assert len(caught.value.errors) == ERRORS_MAX
    assert f"has {ERRORS_MAX + 50} mistakes" in caught.value.detail
    assert f"The first {ERRORS_MAX} are listed." in caught.value.detail


def test_more_warnings_than_are_listed_are_counted() -> None:
    found = imported(openapi(paths={f"/{n}": {"get": {}} for n in range(WARNINGS_MAX + 50)}))
    assert len(found.warnings) == WARNINGS_MAX
    assert found.warnings_dropped == 50


def test_a_mistake_in_another_file_names_the_file() -> None:
    with pytest.raises(Problem) as caught:
        import_files(
            {
                "openapi.yaml": "openapi: 3.0.0\npaths:\n  /a:\n    $ref: paths/a.yaml\n",
                "paths/a.yaml": "get:\n  responses: 7\n",
            }
        )
    error = caught.value.errors[0]
    assert error.message == "paths/a.yaml: 'responses' must be the responses object, not a number"
    assert (error.pointer, error.line) == ("/get/responses", 2)


def test_a_text_that_cannot_be_read_is_told_with_its_line() -> None:
    with pytest.raises(Problem) as caught:
        import_text("openapi: 3.0.0\npaths: [\n")
    assert caught.value.errors[0].line == 3


@pytest.mark.parametrize(
    ("files", "entry", "message"),
    [
        ({}, "a.yaml", "The entry 'a.yaml' is not among the document's files."),
        ({"a.yaml": "{}"}, "", "The entry '' is not among the document's files."),
        ({"../a.yaml": "{}"}, "../a.yaml", "is not a path inside the document's folder"),
        ({"/a.yaml": "{}"}, "/a.yaml", "is not a path inside the document's folder"),
        ({"": "{}"}, "", "is not a path inside the document's folder"),
        ({f"{n}.yaml": "" for n in range(501)}, "1.yaml", "The document has 501 files"),
        ({"a.yaml": "x" * (33 * 2**20)}, "a.yaml", "bytes; at most"),
    ],
)
def test_files_that_make_no_document_are_refused(
    files: dict[str, str], entry: str, message: str
) -> None:
    with pytest.raises(Problem) as caught:
        import_document(DocumentSource(files, entry))
    assert message in caught.value.detail
