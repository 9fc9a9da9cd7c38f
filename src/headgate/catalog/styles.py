"""How is a value written into a path, a query, a header or a cookie?

Source: OpenAPI 3.1.1 §4.8.12.7 "Style Values"; RFC 6570.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

_JOINED = {"spaceDelimited": "%20", "pipeDelimited": "|"}
_COOKIE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"  # RFC 6265 §4.1.1


@dataclass(frozen=True, slots=True)
class Written:
    """A parameter with a value for it. `is_json`: the text is JSON."""

    name: str
    value: Any
    style: str
    explode: bool
    is_json: bool = False


def in_path(one: Written) -> str:
    """`5`, `;id=5`, `.5`; percent-encoded."""
    encode = _encoded
    value = one.value
    if one.is_json:
        return encode(_scalar(value))
    if one.style == "matrix":
        if isinstance(value, dict | list) and one.explode:
            return "".join(f";{encode(k or one.name)}={encode(v)}" for k, v in _pairs(value))
        return f";{encode(one.name)}={','.join(map(encode, _flat(value)))}"
    separator = "." if one.style == "label" and one.explode else ","
    text = separator.join(_simple(value, one.explode, encode))
    return f".{text}" if one.style == "label" else text


def in_query(one: Written) -> str:
    """`ids=1&ids=2`, `filter[a]=b`; percent-encoded."""
    value, name = one.value, _encoded(one.name)
    if one.is_json:
        return f"{name}={_encoded(_json(value))}"
    if one.style == "deepObject" and isinstance(value, dict):
        return "&".join(f"{name}[{_encoded(k)}]={_encoded(_scalar(v))}" for k, v in value.items())
    if isinstance(value, dict | list) and one.explode:
        return "&".join(f"{_encoded(k or one.name)}={_encoded(v)}" for k, v in _pairs(value))
    separator = _JOINED.get(one.style, ",")
    return f"{name}={separator.join(map(_encoded, _flat(value)))}"


def in_header(one: Written) -> str:
    """`1,2` or `a=1,b=2`; not encoded."""
    if one.is_json:
        return _json(one.value)
    return ",".join(_simple(one.value, one.explode, str))


def in_cookie(one: Written) -> str:
    """`name=1,2`; what a cookie may not hold is percent-encoded."""
    if one.is_json:
        return f"{_encoded(one.name)}={_encoded(_json(one.value))}"
    if isinstance(one.value, dict) and one.explode:
        return "; ".join(f"{_encoded(k)}={_cookie(v)}" for k, v in _pairs(one.value))
    return f"{_encoded(one.name)}={','.join(map(_cookie, _flat(one.value)))}"


def _simple(value: Any, explode: bool, encode: Any) -> Iterable[str]:  # noqa: FBT001  # OpenAPI's word
    if isinstance(value, dict) and explode:
        return [f"{encode(k)}={encode(v)}" for k, v in _pairs(value)]
    return map(encode, _flat(value))


def _pairs(value: Any) -> Iterable[tuple[str, str]]:
    """Name and text of the members; items have no name."""
    if isinstance(value, dict):
        return [(str(k), _scalar(v)) for k, v in value.items()]
    return [("", _scalar(item)) for item in value]


def _flat(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [part for k, v in value.items() for part in (str(k), _scalar(v))]
    return [_scalar(item) for item in value] if isinstance(value, list) else [_scalar(value)]


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encoded(text: str) -> str:
    return quote(text.replace("\0", "").encode("utf-8", "replace"), safe="")


def _cookie(text: str) -> str:
    return quote(text.replace("\0", "").encode("utf-8", "replace"), safe=_COOKIE_SAFE)
