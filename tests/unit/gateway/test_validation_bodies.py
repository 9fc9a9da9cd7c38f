"""Which bodies are taken: content types, encodings, charsets, forms, and what stays open?"""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.gateway.validation.bodies import FIELDS_MAX, PARTS_MAX, BodyJudge
from headgate.gateway.validation.mistakes import MASK, MISTAKES_MAX, Misfit
from headgate.model.contract import MULTIPART, URLENCODED, Body, Media, Parameter, Shape

THING = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
JSON_ONLY = Body((Media("application/json", THING),), is_required=True)


def judged(
    body: Body, content: bytes, kind: str = "application/json", **more: str
) -> Misfit | None:
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    if kind:
        headers["content-type"] = kind
    return BodyJudge(body, {}).judge(headers, content)


def status(body: Body, content: bytes, kind: str = "application/json", **more: str) -> int:
    misfit = judged(body, content, kind, **more)
    return misfit.status if misfit else 200


GOOD = b'{"name": "a"}'


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=UTF-8", 200),
        ('application/json;charset="utf-8"', 200),
        ("application/json; charset=us-ascii", 200),
        ("application/json; charset=latin-1", 415),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("application/jsonp", 415),
        ("application/problem+json", 415),
        ("", 415),
        (";", 415),
    ],
)
def test_the_content_type_has_to_be_one_of_the_listed(kind: str, expected: int) -> None:
    assert status(JSON_ONLY, GOOD, kind) == expected


def test_the_most_specific_listed_type_decides() -> None:
    body = Body(
        (
            Media("*/*"),
            Media("application/*", THING),
            Media("application/vnd.x+json", {"type": "array"}),
        )
    )
    assert status(body, b"[]", "application/vnd.x+json") == 200
    assert status(body, GOOD, "application/vnd.x+json") == 400
    assert status(body, GOOD, "application/json") == 200
    assert status(body, b"[]", "application/json") == 400
    assert status(body, b"[]", "application/octet-stream") == 200
    assert status(body, b"[]", "image/png") == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "x"])
def test_a_compressed_body_is_refused_because_nobody_read_it(encoding: str) -> None:
    assert status(JSON_ONLY, GOOD, content_encoding=encoding) == 415
    assert status(JSON_ONLY, GOOD, content_encoding="identity") == 200


def test_no_body_is_a_mistake_only_where_one_is_required() -> None:
    assert status(JSON_ONLY, b"") == 400
    assert status(JSON_ONLY, b"", "") == 400
    assert status(Body(JSON_ONLY.media), b"", "") == 200


def test_other_types_than_json_and_forms_are_checked_by_their_name_alone() -> None:
    body = Body((Media("image/png"), Media("application/xml")))
    assert status(body, b"\x89PNG\xff", "image/png") == 200
    assert status(body, b"<a/>", "application/xml; charset=latin-1") == 200
    assert status(body, b"<a/>", "text/xml") == 415


def test_a_schema_of_anything_still_wants_json() -> None:
    body = Body((Media("application/json", True),))
    assert status(body, b'"x"') == 200
    assert status(body, b"{") == 400


def test_places_are_told_up_to_a_number_and_repeat_nothing_that_was_sent() -> None:
    schema: Any = {"type": "array", "items": {"type": "integer", "enum": [1, 2]}}
    body = Body((Media("application/json", schema),))
    misfit = judged(body, json.dumps(["secret"] * 100).encode())
    assert misfit is not None
    assert len(misfit.mistakes) == MISTAKES_MAX
    assert b"secret" not in misfit.as_json("r")
    assert misfit.mistakes[0].pointer == "/0"
    assert misfit.mistakes[0].message.startswith(MASK)


def field(name: str, shape: Shape, *, explode: bool = True, is_json: bool = False) -> Parameter:
    return Parameter("query", name, True, shape, "form", explode, is_json=is_json)


FORM = Body(
    (
        Media(
            URLENCODED,
            {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "age": {"type": "integer", "minimum": 0},
                    "tags": {"type": "array", "items": {"type": "integer"}},
                    "where": {"type": "object", "required": ["city"]},
                },
            },
            {
                "name": field("name", Shape(("string",))),
                "age": field("age", Shape(("integer",))),
                "tags": field("tags", Shape(("array",), Shape(("integer",)))),
                "where": field("where", Shape(("object",)), is_json=True),
            },
        ),
    )
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"name=a", 200),
        (b"name=12&age=12", 200),
        (b"name=a&tags=1&tags=2", 200),
        (b"name=a&tags=1&tags=x", 400),
        (b'name=a&where={"city":"x"}', 200),
        (b"name=a&where={}", 400),
        (b"name=a&where={", 400),
        (b"age=1", 400),
        (b"name=a&age=-1", 400),
        (b"name=a&age=old", 400),
        (b"name=a&name=b", 400),
        (b"name=a&other=b", 400),
        (b"name=%FF", 400),
        (b"name=\xff", 400),
        (b"&&name=a&", 200),
    ],
)
def test_a_form_is_an_object_whose_texts_have_the_types_of_its_fields(
    content: bytes, expected: int
) -> None:
    assert status(FORM, content, URLENCODED) == expected


@given(st.dictionaries(st.sampled_from(["a", "b", "é"]), st.text(max_size=10), min_size=1))
def test_a_form_says_what_was_put_into_it(value: dict[str, str]) -> None:
    try:
        content = urlencode(value).encode()
    except UnicodeEncodeError:  # half a surrogate pair has no form
        return
    fields = {name: field(name, Shape(("string",))) for name in value}
    body = Body((Media(URLENCODED, {"const": value}, fields),))
    assert status(body, content, URLENCODED) == 200


def test_forms_have_bounds() -> None:
    assert status(FORM, b"name=a&" + b"&".join([b"x=1"] * FIELDS_MAX), URLENCODED) == 400
    parts = b"".join(
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n' for _ in range(PARTS_MAX + 1)
    )
    body = Body((Media(MULTIPART, True),))
    assert status(body, parts + b"--b--\r\n", f"{MULTIPART}; boundary=b") == 400


def multipart(*names: str, mark: str = "x-1") -> bytes:
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; filename="name=c"; name="{name}"\r\n'
        f"Content-Type: text/plain\r\n\r\nname=z\r\n"
        for name in names
    ]
    return "".join([*parts, f"--{mark}--\r\n"]).encode()


def test_of_a_multipart_body_the_required_fields_have_to_be_there() -> None:
    body = Body((Media(MULTIPART, True, required=("a", "b")),))
    kind = f'{MULTIPART}; boundary="x-1"'
    assert status(body, multipart("a", "b", "c"), kind) == 200
    misfit = judged(body, multipart("a", "c"), kind)
    assert misfit is not None
    assert [one.pointer for one in misfit.mistakes] == ["/b"]
    assert status(body, multipart("a", "b"), MULTIPART) == 400
    assert status(body, multipart("a", "b")[:-6], kind) == 400
    assert status(body, multipart("a", "b", mark="other"), kind) == 400


@given(st.binary(max_size=80), st.text(max_size=40))
def test_nothing_that_is_sent_ends_the_judge(content: bytes, kind: str) -> None:
    multi = Body((Media(MULTIPART, True, required=("a",)),))
    for body in (JSON_ONLY, FORM, multi):
        judged(body, content, kind)
        judged(body, content, body.media[0].type + ";" + kind)
