"""Is a parameter read as it was written, in every style of OpenAPI?"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.gateway.validation.judge import OperationJudge
from headgate.gateway.validation.text import NotText, readings, scalars
from headgate.model.contract import OperationContract, Parameter, Shape

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)
NAMES = st.sampled_from(["R", "G", "B", "é", "a b", "x,y"])
WHOLE = st.integers(-(10**18), 10**18)
STRING, INTEGER = Shape(("string",)), Shape(("integer",))


def encoded(text: str) -> str:
    """RFC 6570: everything but unreserved characters."""
    return quote(text, safe="-._~")


def array_of(style: str, *, explode: bool, name: str = "x", location: str = "query") -> Parameter:
    return Parameter(location, name, True, Shape(("array",), STRING), style, explode)


def written(items: list[str], parameter: Parameter) -> list[str]:
    """The raw texts that a client sends for a list. Source: OpenAPI 3.1 §4.8.12.6."""
    raw = [encoded(item) for item in items]
    style, explode, name = parameter.style, parameter.explode, parameter.name
    if style == "form" and explode:
        return raw
    if style == "label":
        return ["." + ("." if explode else ",").join(raw)]
    if style == "matrix":
        return [
            "".join(f";{name}={item}" for item in raw) if explode else f";{name}=" + ",".join(raw)
        ]
    between = {"spaceDelimited": "%20", "pipeDelimited": "|", "tabDelimited": "%09"}
    return [between.get(style, ",").join(raw)]


@pytest.mark.parametrize(
    ("style", "explode", "location"),
    [
        ("form", True, "query"),
        ("form", False, "query"),
        ("simple", False, "path"),
        ("simple", True, "path"),
        ("label", False, "path"),
        ("matrix", False, "path"),
        ("matrix", True, "path"),
        ("form", False, "cookie"),
    ],
)
@given(items=st.lists(TEXTS, min_size=1, max_size=5))
def test_a_list_is_read_as_it_was_written(
    style: str, explode: bool, location: str, items: list[str]
) -> None:
    parameter = array_of(style, explode=explode, location=location)
    assert next(readings(written(items, parameter), parameter)) == items


@pytest.mark.parametrize("style", ["spaceDelimited", "tabDelimited", "pipeDelimited"])
@given(items=st.lists(st.text("abcä,&=+", min_size=1), min_size=1, max_size=5))
def test_a_list_whose_delimiter_is_encoded_holds_items_without_it(
    style: str, items: list[str]
) -> None:
    parameter = array_of(style, explode=False)
    assert next(readings(written(items, parameter), parameter)) == items


@given(items=st.lists(st.text("abc-_~ä", min_size=1), min_size=1, max_size=5))
def test_an_exploded_label_is_read_as_it_was_written(items: list[str]) -> None:
    parameter = array_of("label", explode=True, location="path")
    assert next(readings(written(items, parameter), parameter)) == items


@pytest.mark.parametrize(
    ("location", "explode"), [("path", True), ("path", False), ("query", False)]
)
@given(value=st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3))
def test_an_object_is_read_as_it_was_written(
    location: str, explode: bool, value: dict[str, str]
) -> None:
    members = dict.fromkeys(value, STRING)
    style = "form" if location == "query" else "simple"
    parameter = Parameter(location, "x", True, Shape(("object",), None, members), style, explode)
    between = "=" if explode else ","
    raw = ",".join(f"{encoded(name)}{between}{encoded(text)}" for name, text in value.items())
    assert next(readings([raw], parameter)) == value


def judge(*parameters: Parameter, path: str = "/x") -> OperationJudge:
    return OperationJudge(OperationContract(1, "GET", path, parameters), {})


def messages(
    parameter: Parameter, target: str, headers: Mapping[str, str] | None = None, path: str = "/x"
) -> list[str]:
    found = judge(parameter, path=path).request(target, headers or {}, b"", refuses_unknown=True)
    return [f"{one.parameter}: {one.message}" for one in found.mistakes] if found else []


@given(value=st.dictionaries(NAMES, WHOLE, min_size=1, max_size=3))
def test_a_deep_object_and_one_spread_over_the_query_are_read_as_written(
    value: dict[str, int],
) -> None:
    shape = Shape(("object",), None, dict.fromkeys(value, INTEGER))
    schema = {
        "type": "object",
        "const": value,
        "required": list(value),
        "properties": {name: {"type": "integer"} for name in value},
    }
    deep = Parameter("query", "x", schema, shape, "deepObject", explode=True)
    query = "&".join(f"x%5B{encoded(name)}%5D={number}" for name, number in value.items())
    assert messages(deep, f"/x?{query}") == []
    spread = Parameter("query", "x", schema, shape, "form", explode=True)
    query = "&".join(f"{encoded(name)}={number}" for name, number in value.items())
    assert messages(spread, f"/x?{query}") == []
    assert messages(spread, f"/x?{query}&other=1") == [
        "query:other: the API knows no such parameter"
    ]


@given(number=st.one_of(WHOLE, st.floats(allow_nan=False, allow_infinity=False, width=32)))
def test_a_number_is_a_number_where_one_is_wanted_and_a_text_where_a_text_is(
    number: float,
) -> None:
    assert next(scalars(repr(number), Shape(("number",)))) == number
    assert list(scalars(repr(number), STRING)) == [repr(number)]


@given(text=st.text(max_size=12))
def test_no_text_is_read_as_another_type_than_it_is(text: str) -> None:
    for value in scalars(text, Shape()):
        assert isinstance(value, str | int | float | bool)
        if not isinstance(value, str):
            assert text == text.strip()
            assert text in {"true", "false"} or float(text) == value


@pytest.mark.parametrize(
    "text", ["01", "+1", "1_0", " 1", "0x1", "1.", ".5", "Infinity", "nan", "١"]
)
def test_what_python_takes_for_a_number_and_json_does_not_stays_a_text(text: str) -> None:
    assert list(scalars(text, Shape(("number",)))) == [text]


INTEGERS = {"type": "integer", "minimum": 1}


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        ("/x?n=5", []),
        ("/x?n=0", ["query:n: the value is less than the minimum of 1"]),
        ("/x?n=five", ['query:n: the value is not of type "integer"']),
        ("/x?n=", ['query:n: the value is not of type "integer"']),
        ("/x?n=1&n=2", ["query:n: stands more than once"]),
        ("/x", ["query:n: the parameter is required"]),
        ("/x?n=%FF", ["query:n: is not UTF-8"]),
        ("/x?n=5&%FF=1", ["a parameter's name is not UTF-8"]),
    ],
)
def test_a_query_parameter_says_what_is_wrong_with_it(target: str, wrong: list[str]) -> None:
    parameter = Parameter("query", "n", INTEGERS, INTEGER, "form", explode=True, is_required=True)
    assert [one.removeprefix(": ") for one in messages(parameter, target)] == wrong


def test_parameters_stand_in_path_headers_and_cookies_too() -> None:
    def at(location: str, style: str) -> Parameter:
        return Parameter(location, "n", INTEGERS, INTEGER, style, explode=False)

    assert messages(at("path", "simple"), "/x/7/y", path="/x/{n}/y") == []
    assert messages(at("path", "simple"), "/x/0/y", path="/x/{n}/y")
    assert messages(at("path", "simple"), "/x/%37/y", path="/x/{n}/y") == []
    assert messages(at("header", "simple"), "/x", {"n": "7"}) == []
    assert messages(at("header", "simple"), "/x", {"n": "%37"})  # headers have no such encoding
    assert messages(at("cookie", "form"), "/x", {"cookie": "a=b; n=7; c=d"}) == []
    assert messages(at("cookie", "form"), "/x", {"cookie": "n=0"})
    assert messages(at("cookie", "form"), "/x", {"cookie": "m=0"}) == []


def test_a_parameter_of_several_types_fits_when_one_of_them_does() -> None:
    schema = {"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["all"]}]}
    parameter = Parameter("query", "n", schema, Shape(("integer", "string")), "form", explode=True)
    assert messages(parameter, "/x?n=3") == []
    assert messages(parameter, "/x?n=all") == []
    assert messages(parameter, "/x?n=none")


def test_a_json_parameter_is_read_as_json_and_an_empty_one_is_let_be_where_allowed() -> None:
    schema = {"type": "object", "required": ["a"]}
    parameter = Parameter("query", "n", schema, Shape(), "form", explode=True, is_json=True)
    assert messages(parameter, '/x?n={"a":1}') == []
    assert messages(parameter, "/x?n=%7B%22a%22%3A1%7D") == []
    assert messages(parameter, "/x?n={}")
    assert messages(parameter, "/x?n={")
    empty = Parameter("query", "n", INTEGERS, INTEGER, "form", explode=True, allows_empty=True)
    assert messages(empty, "/x?n=") == []


def test_a_list_has_a_bound() -> None:
    parameter = array_of("form", explode=False)
    with pytest.raises(NotText, match="more than"):
        next(readings([",".join("a" * 2000)], parameter))


@given(st.text(max_size=60), st.text(max_size=30))
def test_no_query_and_no_cookie_ends_the_judge(query: str, cookie: str) -> None:
    value: Any = {"type": "object", "properties": {"a": {"type": "array"}}}
    shape = Shape(("object",), None, {"a": Shape(("array",), INTEGER)})
    everything = judge(
        Parameter("query", "d", value, shape, "deepObject", explode=True),
        Parameter("query", "s", value, shape, "form", explode=True),
        Parameter("query", "o", value, shape, "form", explode=False),
        array_of("pipeDelimited", explode=False, name="p"),
        Parameter("cookie", "c", INTEGERS, INTEGER, "form", explode=True),
    )
    target = "/x?" + query.encode().decode("utf-8", "surrogateescape")
    everything.request(target, {"cookie": cookie}, b"", refuses_unknown=True)
