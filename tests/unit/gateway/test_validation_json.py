"""Are exactly those JSON texts taken that every parser reads alike?"""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.gateway.validation.json_text import NESTING_MAX, NotJSON, parse

SPACES = st.sampled_from(["", " ", "\n", "\t "])
NAMES = st.sampled_from(["a", "b", '":', "\\", "a b", "é", ""])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=5), NAMES
)


@st.composite
def written_string(draw: st.DrawFn, text: str) -> str:
    """A JSON string, some of its characters written as numbers."""
    parts = []
    for character in text:
        if draw(st.booleans()) and ord(character) < 0x10000:
            parts.append(f"\\u{ord(character):04x}")
        else:
            parts.append(json.dumps(character, ensure_ascii=False)[1:-1])
    return '"' + "".join(parts) + '"'


@st.composite
def texts(draw: st.DrawFn, levels: int = 3) -> str:
    """A JSON text, now and then with a name twice in one object."""
    kind = draw(st.integers(0, 2)) if levels else 0
    space = draw(SPACES)
    if kind == 0:
        value = draw(SCALARS)
        return space + (
            draw(written_string(value)) if isinstance(value, str) else json.dumps(value)
        )
    if kind == 1:
        items = draw(st.lists(texts(levels - 1), max_size=3))
        return "[" + space + ",".join(items) + space + "]"
    members = []
    for name in draw(st.lists(NAMES, max_size=4)):
        value = draw(texts(levels - 1))
        members.append(f"{draw(written_string(name))}{draw(SPACES)}:{value}")
    return "{" + space + f"{space},{space}".join(members) + "}"


class TwiceError(Exception):
    """A name stands twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise TwiceError
    return dict(pairs)


@given(texts())
@example(r'{"\"\u003a": 0,"a":0,"a":0}')
@example(r'{"\"\u003A":0,"a":0,"a":0}')
@example(r'{"\u0022:":0,"a":0,"a":0}')
def test_a_text_is_refused_just_when_a_name_stands_twice_in_one_object(text: str) -> None:
    try:
        wanted = json.loads(text, object_pairs_hook=_once)
    except TwiceError:
        with pytest.raises(NotJSON, match="twice"):
            parse(text.encode())
    else:
        assert parse(text.encode()) == wanted


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1,]",
        b"NaN",
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b"1e400",
        b"1" * 400,
        b"'a'",
        b"{} {}",
    ],
)
def test_what_parsers_read_differently_is_refused(text: bytes) -> None:
    with pytest.raises(NotJSON):
        parse(text)


@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"[":', b"}]")])
def test_nesting_has_a_bound(left: bytes, right: bytes) -> None:
    levels = NESTING_MAX // (left.count(b"[") - left.count(b'"[') + left.count(b"{"))
    assert parse(left * levels + b"1" + right * levels) is not None
    with pytest.raises(NotJSON, match="deeper"):
        parse(left * (levels + 1) + b"1" + right * (levels + 1))


def test_many_brackets_that_are_not_deep_are_taken() -> None:
    text = b"[" + b",".join([b'{"a":"[[[["}'] * 1000) + b"]"
    assert len(parse(text)) == 1000


def test_a_message_quotes_nothing_of_the_text() -> None:
    with pytest.raises(NotJSON) as raised:
        parse(b'{"password": "secret", "password": "secret"}')
    assert "secret" not in str(raised.value)
    with pytest.raises(NotJSON) as raised:
        parse(b'{"password": "secret')
    assert "secret" not in str(raised.value)
