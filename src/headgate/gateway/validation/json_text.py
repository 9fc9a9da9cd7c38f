"""Which JSON texts mean the same to everybody? Only those are taken.

What two parsers may read differently is refused: a name twice in one object, bytes that are no
UTF-8, a byte order mark, half a surrogate pair, a number beyond a double's range. So are texts
nested deeper than `NESTING_MAX`. Integers beyond 64 bits are compared as doubles.

Source: RFC 8259 §4, §6, §8; RFC 7493 (I-JSON).
"""

import json
import re
from itertools import accumulate
from typing import Any

import orjson

NESTING_MAX = 64
_SPACED_NAME = re.compile(rb'"[ \t\r\n]+:')
_SPACES_AFTER_QUOTE = (b'" ', b'"\n', b'"\r', b'"\t')
_AS_NUMBERS = (rb"\u0022", rb"\u003a", rb"\u003A")  # a quote, a colon
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class NotJSON(ValueError):  # noqa: N818  # it says what the text is
    """The text is not taken; the message says why, without quoting it."""


def parse(text: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        NotJSON: it is none, or one that is not taken.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotJSON(f"this is not JSON in UTF-8: {error}") from error
    if text.count(b"{") + text.count(b"[") > NESTING_MAX and _depth(text) > NESTING_MAX:
        raise NotJSON(f"this is nested deeper than {NESTING_MAX} levels")
    if b"{" in text:
        _refuse_doubles(text, value)
    return value


def _depth(text: bytes) -> int:
    brackets = _STRING.sub(b"", text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _refuse_doubles(text: bytes, value: Any) -> None:
    """Refuse a name that stands twice in one object.

    The parser keeps the last, so a text that lost one has more `":` in it than its value written
    anew. Where space stands before a colon, or a quote or a colon is written as a number, counting
    is not exact, and Python's own parser reads the text once more.
    """
    is_exact = not any(number in text for number in _AS_NUMBERS) and not (
        any(pair in text for pair in _SPACES_AFTER_QUOTE) and _SPACED_NAME.search(text)
    )
    if is_exact and text.count(b'":') == orjson.dumps(value).count(b'":'):
        return
    json.loads(text, object_pairs_hook=_only_once)


def _only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJSON("a name stands twice in one object")
    return found
