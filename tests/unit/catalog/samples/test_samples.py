"""Is a sample one call of its language, whatever stands in the document?"""

import ast
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.reference.index import index_of, shown_document
from headgate.catalog.reference.operation import operation_view
from headgate.catalog.reference.parts import from_document
from headgate.catalog.sample import (
    FileBody,
    FormBody,
    JSONBody,
    Key,
    SampleRequest,
    header_value,
    languages,
    sample_request,
    samples,
)
from headgate.catalog.samples import csharp, curl, go, java, javascript, php, python, ruby
from headgate.model.snapshot import DEFAULT_KEY_SOURCES, KeyLocation, KeySource
from tests.support.documents import openapi, operation
from tests.support.sample_requests import requests

GOLDEN = Path(__file__).parents[3] / "golden" / "samples"
SERVER = "https://api.example.com"
LANGUAGES = ["curl", "python", "javascript", "go", "java", "csharp", "php", "ruby"]
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


def test_every_language_is_there_in_the_order_of_its_readers() -> None:
    assert [name for name, _, _ in samples(requests(SERVER)["get"])] == LANGUAGES


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_samples_of_a_language_are_the_golden_ones(name: str) -> None:
    language = languages[name]()
    made = "\n".join(
        f"=== {title}\n{language.write(request)}" for title, request in requests(SERVER).items()
    )
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        path.write_text(made, encoding="utf-8", newline="")
    assert path.read_text(encoding="utf-8") == made.replace("\r\n", "\n")


@given(TEXTS)
def test_a_word_of_a_shell_is_one_word(text: str) -> None:
    assert shlex.split(curl.quoted(text)) == [text]


@given(TEXTS)
def test_a_literal_of_python_means_the_text(text: str) -> None:
    assert ast.literal_eval(python.quoted(text)) == text


@given(
    st.recursive(
        TEXTS | st.none() | st.booleans() | st.integers(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
        max_leaves=10,
    )
)
def test_a_json_value_is_the_same_in_python(value: Any) -> None:
    assert ast.literal_eval(python.literal(value)) == value


@given(TEXTS)
def test_no_literal_ends_before_its_end(text: str) -> None:
    """In none is there a quote, a line end or a beginning of code that is not escaped."""
    for quoted in (go.quoted, java.quoted, csharp.quoted, javascript.quoted, ruby.quoted):
        inner = quoted(text)[1:-1]
        assert "\n" not in inner
        assert "\r" not in inner
        assert '"' not in inner.replace("\\\\", "").replace('\\"', "")
        assert not inner.replace("\\\\", "").endswith("\\")
    assert "#" not in ruby.quoted(text).replace("\\\\", "").replace("\\#", "")
    inner = php.quoted(text)[1:-1]
    assert "'" not in inner.replace("\\\\", "").replace("\\'", "")
    assert not inner.replace("\\\\", "").endswith("\\")


@given(TEXTS)
def test_java_reads_no_escape_before_it_reads_the_literal(text: str) -> None:
    """`\\u000a` would end the line of a Java program: no such escape is a control or a quote."""
    rest = java.quoted(text).replace("\\\\", "")
    for part in rest.split("\\u")[1:]:
        assert int(part[:4], 16) >= 0x80


@given(TEXTS, TEXTS, TEXTS)
def test_the_whole_python_sample_parses_and_says_one_call(url: str, name: str, value: str) -> None:
    request = SampleRequest("POST", url, ((name, value),), Key(name), JSONBody({name: value}))
    tree = ast.parse(languages["python"]().write(request))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert len([call for call in calls if ast.unparse(call.func) == "requests.request"]) == 1


@given(TEXTS)
def test_a_header_is_one_line_of_visible_ascii(text: str) -> None:
    made = header_value(text)
    assert made.isascii()
    assert made.isprintable()


def _sample(**fields: Any) -> SampleRequest:
    document = shown_document(
        openapi("3.1.0", paths={"/pets/{id}/x": {"post": operation(**fields)}})
    )
    view = operation_view(from_document(document), index_of(document).entries[0])
    return sample_request(view, f"{SERVER}/base/", DEFAULT_KEY_SOURCES)


def _parameter(name: str, place: str, example: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "example": example, "schema": {}} | more


def test_parameters_are_written_where_and_how_the_document_says() -> None:
    request = _sample(
        parameters=[
            _parameter("id", "path", "a/b c"),
            _parameter("ids", "query", [1, 2]),
            _parameter("joined", "query", [1, 2], explode=False),
            _parameter("filter", "query", {"a": "x y"}, style="deepObject", explode=True),
            _parameter("X-Names", "header", ["p", "q"]),
            _parameter("session", "cookie", "s;1"),
        ]
    )
    assert request.url == (f"{SERVER}/base/pets/a%2Fb%20c/x?ids=1&ids=2&joined=1,2&filter[a]=x%20y")
    assert request.headers == (("X-Names", "p,q"), ("Cookie", "session=s%3B1"))
    assert request.key == Key("X-API-Key")


def test_an_optional_parameter_without_an_example_is_left_out() -> None:
    optional = {"name": "page", "in": "query", "schema": {"type": "integer"}}
    request = _sample(parameters=[_parameter("id", "path", 1), optional])
    assert "?" not in request.url


def test_a_header_that_is_none_is_left_out() -> None:
    request = _sample(
        parameters=[_parameter("X\r\nEvil", "header", "1"), _parameter("id", "path", 1)]
    )
    assert request.headers == ()


@pytest.mark.parametrize(
    ("kind", "schema", "expected"),
    [
        (
            "application/json",
            {"type": "object", "properties": {"a": {"const": 1}}},
            JSONBody({"a": 1}),
        ),
        ("image/png", {}, FileBody("upload.bin")),
    ],
)
def test_a_body_is_of_its_kind(kind: str, schema: dict[str, Any], expected: object) -> None:
    request = _sample(requestBody={"content": {kind: {"schema": schema}}})
    assert request.body == expected
    assert ("Content-Type", kind) in request.headers


def test_a_file_in_a_form_is_a_file_of_the_reader() -> None:
    properties = {"file": {"type": "string", "format": "binary"}, "note": {"const": "x"}}
    content = {"multipart/form-data": {"schema": {"type": "object", "properties": properties}}}
    body = _sample(requestBody={"content": content}).body
    assert isinstance(body, FormBody)
    assert [(one.name, one.value, one.file_name) for one in body.fields] == [
        ("file", "", "upload.bin"),
        ("note", "x", ""),
    ]


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (KeySource(KeyLocation.BEARER), Key("Authorization", "Bearer ")),
        (KeySource(KeyLocation.QUERY, "api_key"), Key("api_key", is_in_query=True)),
        (KeySource(KeyLocation.HEADER, "x-token"), Key("X-Token")),
    ],
)
def test_the_key_stands_where_the_gateway_looks_for_it(source: KeySource, key: Key) -> None:
    document = shown_document(openapi())
    view = operation_view(from_document(document), index_of(document).entries[0])
    assert sample_request(view, SERVER, (source,)).key == key
    assert sample_request(view, SERVER).key is None
