"""What does a document ask of its callers, in each of its formats?"""

from typing import Any

import pytest

from headgate.catalog.contracts import Wanted, contract_id, make_contract
from headgate.core.problems import Problem
from headgate.gateway.validation.judge import OperationJudge
from headgate.model.contract import Contract, contract_bytes, contract_from
from tests.support.documents import openapi

JSON = {"content-type": "application/json"}


def contract(document: dict[str, Any], *operations: tuple[str, str]) -> Contract:
    wanted = [Wanted(row, method, path) for row, (method, path) in enumerate(operations, 1)]
    return make_contract("c", document, "/base", wanted)


def judge(
    operation: dict[str, Any], *, version: str = "3.0.3", path: str = "/x", **root: Any
) -> OperationJudge:
    """The judge of one POST operation."""
    paths = {path: {"post": operation | {"responses": {"200": {"description": "ok"}}}}}
    made = contract(openapi(version, paths=paths, **root), ("POST", path))
    made = contract_from(contract_bytes(made))
    return OperationJudge(made.operations[0], made.schemas)


def body(schema: Any, version: str = "3.0.3", **root: Any) -> OperationJudge:
    content = {"application/json": {"schema": schema}}
    return judge({"requestBody": {"content": content}}, version=version, **root)


def fits(one: OperationJudge, sent: bytes) -> bool:
    return one.request("/base/x", JSON, sent) is None


@pytest.mark.parametrize(
    ("version", "schema", "good", "bad"),
    [
        ("3.0.3", {"type": "string", "nullable": True}, [b'"a"', b"null"], [b"1"]),
        ("3.0.3", {"type": "string"}, [b'"a"'], [b"null"]),
        ("3.0.3", {"enum": ["a"], "nullable": True}, [b'"a"', b"null"], [b'"b"']),
        ("3.0.3", {"type": "integer", "minimum": 3, "exclusiveMinimum": True}, [b"4"], [b"3"]),
        ("3.0.3", {"type": "integer", "minimum": 3, "exclusiveMinimum": False}, [b"3"], [b"2"]),
        ("3.0.3", {"type": "integer", "maximum": 3, "exclusiveMaximum": True}, [b"2"], [b"3"]),
        ("3.0.3", {"type": "integer", "format": "int32"}, [b"2147483647"], [b"2147483648"]),
        ("3.0.3", {"type": "string", "format": "date"}, [b'"2026-02-28"'], [b'"2026-02-30"']),
        ("3.0.3", {"type": "string", "format": "colour"}, [b'"red"'], [b"1"]),
        ("3.1.0", {"type": ["string", "null"]}, [b'"a"', b"null"], [b"1"]),
        ("3.1.0", {"type": "integer", "exclusiveMinimum": 3}, [b"4"], [b"3"]),
        ("3.1.0", {"const": 1}, [b"1"], [b"2"]),
        ("3.1.0", {"prefixItems": [{"type": "integer"}], "items": False}, [b"[1]"], [b"[1,2]"]),
        ("3.1.0", True, [b"1"], []),
        ("3.1.0", False, [], [b"1"]),
    ],
)
def test_each_formats_words_mean_what_it_says(
    version: str, schema: Any, good: list[bytes], bad: list[bytes]
) -> None:
    one = body(schema, version)
    assert [fits(one, sent) for sent in good] == [True] * len(good)
    assert [fits(one, sent) for sent in bad] == [False] * len(bad)


def test_references_are_followed_and_may_lead_back_to_themselves() -> None:
    tree = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"$ref": "#/components/schemas/Name"},
            "below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
        },
    }
    schemas = {"Tree": tree, "Name": {"type": "string", "maxLength": 3}}
    one = body({"$ref": "#/components/schemas/Tree"}, components={"schemas": schemas})
    assert fits(one, b'{"name":"a","below":[{"name":"b","below":[]}]}')
    assert not fits(one, b'{"name":"a","below":[{"name":"long"}]}')


def test_a_long_chain_of_references_is_no_deep_call() -> None:
    schemas: dict[str, Any] = {
        f"S{n}": {
            "type": "object",
            "properties": {"next": {"$ref": f"#/components/schemas/S{n + 1}"}},
        }
        for n in range(3000)
    }
    schemas["S3000"] = {"type": "string"}
    one = body({"$ref": "#/components/schemas/S0"}, components={"schemas": schemas})
    assert fits(one, b'{"next":{"next":{}}}')
    assert not fits(one, b'{"next":{"next":1}}')


def test_what_stands_beside_a_reference_counts_in_3_1_alone() -> None:
    schemas = {"components": {"schemas": {"Name": {"type": "string"}}}}
    beside = {"$ref": "#/components/schemas/Name", "maxLength": 1}
    assert fits(body(beside, "3.0.3", **schemas), b'"ab"')
    assert not fits(body(beside, "3.1.0", **schemas), b'"ab"')


def test_a_request_needs_no_read_only_property_and_an_answer_no_write_only_one() -> None:
    schema = {
        "type": "object",
        "required": ["id", "password", "name"],
        "properties": {
            "id": {"$ref": "#/components/schemas/Id"},
            "password": {"type": "string", "writeOnly": True},
            "name": {"type": "string"},
        },
    }
    content = {"application/json": {"schema": schema}}
    operation = {
        "requestBody": {"content": content},
        "responses": {"200": {"description": "ok", "content": content}},
    }
    document = openapi(
        paths={"/x": {"post": operation}},
        components={"schemas": {"Id": {"type": "integer", "readOnly": True}}},
    )
    made = contract(document, ("POST", "/x"))
    one = OperationJudge(made.operations[0], made.schemas)
    assert fits(one, b'{"password":"p","name":"n"}')
    assert not fits(one, b'{"id":1,"name":"n"}')
    assert one.response(200, JSON, b'{"id":1,"name":"n"}') is None
    assert one.response(200, JSON, b'{"password":"p","name":"n"}') is not None


def test_an_answers_status_is_looked_up_from_the_exact_to_the_general() -> None:
    def content(kind: str) -> dict[str, Any]:
        schema = {"application/json": {"schema": {"type": kind}}}
        return {"description": "d", "content": schema}

    responses = {"200": content("object"), "4XX": content("array"), "204": {"description": "d"}}
    document = openapi(paths={"/x": {"get": {"responses": responses}}})
    made = contract(document, ("GET", "/x"))
    one = OperationJudge(made.operations[0], made.schemas)
    assert one.response(200, JSON, b"{}") is None
    assert one.response(200, JSON, b"[]") is not None
    assert one.response(404, JSON, b"[]") is None
    assert one.response(204, {}, b"") is None
    found = one.response(201, JSON, b"{}")
    assert found is not None
    assert found.mistakes[0].message == "status 201 is not described"
    assert one.response(500, JSON, b"{}") is None  # errors are seldom all described


def test_parameters_of_the_path_item_hold_unless_the_operation_says_otherwise() -> None:
    def limit(maximum: int) -> dict[str, Any]:
        return {"in": "query", "name": "n", "schema": {"type": "integer", "maximum": maximum}}

    get = {"responses": {"200": {"description": "ok"}}}
    item = {"parameters": [limit(3)], "get": get, "put": get | {"parameters": [limit(9)]}}
    made = contract(openapi(paths={"/x": item}), ("GET", "/x"), ("PUT", "/x"))
    general, own = (OperationJudge(one, made.schemas) for one in made.operations)
    assert general.request("/base/x?n=5", {}, b"") is not None
    assert own.request("/base/x?n=5", {}, b"") is None


def test_headers_that_have_their_own_meaning_are_no_parameters() -> None:
    parameters = [
        {"in": "header", "name": name, "required": True, "schema": {"type": "integer"}}
        for name in ("Accept", "Content-Type", "Authorization", "X-Count")
    ]
    one = judge({"parameters": parameters})
    assert one.request("/base/x", {"x-count": "1"}, b"") is None
    found = one.request("/base/x", {}, b"")
    assert found is not None
    assert [mistake.parameter for mistake in found.mistakes] == ["header:x-count"]


SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "t", "version": "1"},
    "consumes": ["application/json"],
    "paths": {
        "/x": {
            "post": {
                "parameters": [
                    {"in": "query", "name": "c", "type": "array", "items": {"type": "integer"}},
                    {
                        "in": "query",
                        "name": "p",
                        "type": "array",
                        "collectionFormat": "pipes",
                        "items": {"type": "integer"},
                    },
                    {
                        "in": "query",
                        "name": "m",
                        "type": "array",
                        "collectionFormat": "multi",
                        "items": {"type": "integer"},
                    },
                    {
                        "in": "body",
                        "name": "b",
                        "required": True,
                        "schema": {"type": "object", "required": ["a"]},
                    },
                ],
                "responses": {"200": {"description": "ok"}},
            }
        },
        "/form": {
            "post": {
                "consumes": ["application/x-www-form-urlencoded"],
                "parameters": [
                    {"in": "formData", "name": "n", "type": "integer", "required": True},
                    {"in": "formData", "name": "t", "type": "array", "items": {"type": "string"}},
                ],
                "responses": {"200": {"description": "ok"}},
            }
        },
        "/file": {
            "post": {
                "consumes": ["multipart/form-data"],
                "parameters": [{"in": "formData", "name": "f", "type": "file", "required": True}],
                "responses": {"200": {"description": "ok"}},
            }
        },
    },
}


def test_swagger_says_the_same_in_other_words() -> None:
    made = contract(SWAGGER, ("POST", "/x"), ("POST", "/form"), ("POST", "/file"))
    plain, form, file = (OperationJudge(one, made.schemas) for one in made.operations)

    def is_fine(query: str) -> bool:
        return plain.request(f"/base/x?{query}", JSON, b'{"a":1}') is None

    assert is_fine("c=1,2&p=1|2&m=1&m=2")
    assert not is_fine("c=1|2")
    assert not is_fine("p=1,2")
    assert not is_fine("c=1&c=2")
    assert plain.request("/base/x", JSON, b"{}") is not None
    assert plain.request("/base/x", JSON, b"") is not None
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert form.request("/base/form", kind, b"n=1&t=a,b") is None
    assert form.request("/base/form", kind, b"n=x") is not None
    assert form.request("/base/form", kind, b"") is not None
    kind = {"content-type": "multipart/form-data; boundary=b"}
    part = b'--b\r\ncontent-disposition: form-data; name="f"; filename="x"\r\n\r\n\x00\r\n--b--'
    assert file.request("/base/file", kind, part) is None
    assert file.request("/base/file", kind, part.replace(b'"f"', b'"g"')) is not None


def test_a_broken_reference_is_named_with_its_place() -> None:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Nothing"}}}
    operation = {"requestBody": {"content": content}, "responses": {}}
    with pytest.raises(Problem, match="Nothing") as raised:
        contract(openapi(paths={"/x": {"post": operation}}), ("POST", "/x"))
    assert raised.value.errors


def test_an_operation_that_the_document_does_not_have_has_no_contract() -> None:
    assert contract(openapi(), ("GET", "/nowhere")).operations == ()


def test_an_id_changes_with_everything_that_it_stands_for() -> None:
    one = [Wanted(1, "GET", "/x")]
    ids = {
        contract_id("d", "/b", one),
        contract_id("e", "/b", one),
        contract_id("d", "/c", one),
        contract_id("d", "/b", [Wanted(2, "GET", "/x")]),
        contract_id("d", "/b", [*one, Wanted(2, "PUT", "/x")]),
    }
    assert len(ids) == 5
    assert contract_id("d", "/b", list(one)) in ids
