"""Which values can a parameter's text stand for? OpenAPI's styles, and types from their texts.

Delimiters are looked for before percent-encoding is undone, so an encoded comma is a part of its
item. `+` in a query or form is a space. A text may fit several types (`"1"` is an integer and a
string); every reading that the schema's types allow is tried, numbers first.

Source: OpenAPI 3.1.1 §4.8.12.6 "Style Values"; RFC 6570 §3.2.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from headgate.model.contract import Parameter, Shape

ITEMS_MAX = 1_000  # of one parameter
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_DELIMITERS = {
    "spaceDelimited": re.compile(r"%20|\+| "),
    "pipeDelimited": re.compile(r"\||%7[Cc]"),
    "tabDelimited": re.compile(r"%09|\t"),
}
_COMMA = re.compile(",")
_WORDS = {"true": True, "false": False}
STRING = Shape(("string",))


class NotText(ValueError):  # noqa: N818  # it says what the text is
    """The text cannot be read; the message says why."""


def decoded(raw: str, location: str = "query") -> str:
    """A text without percent-encoding, as it stands in `location`. Headers have none.

    Raises:
        NotText: what it encodes is no UTF-8.
    """
    if location == "header":
        return raw
    if location == "query" and "+" in raw:
        raw = raw.replace("+", " ")
    if "%" not in raw and raw.isascii():
        return raw
    try:
        return unquote_to_bytes(raw.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError as error:
        raise NotText("is not UTF-8") from error


def pairs(raw: str) -> list[tuple[str, str]]:
    """Names (decoded) and values (raw) of a query or form.

    Raises:
        NotText: a name is no UTF-8.
    """
    found = []
    for part in raw.split("&"):
        if part:
            name, _, value = part.partition("=")
            found.append((decoded(name), value))
    return found


def readings(raws: Sequence[str], parameter: Parameter) -> Iterator[Any]:
    """The values that a parameter's texts may stand for; each is to be tried.

    `raws` holds one text, or several where the parameter was repeated.

    Raises:
        NotText: it stands for none.
    """
    shape = parameter.shape
    where = parameter.location
    if "array" in shape.types:
        items = _items(raws, parameter)
        if len(items) > ITEMS_MAX:
            raise NotText(f"has more than {ITEMS_MAX} items")
        texts = [decoded(item, where) for item in items]
        yield from _each([(shape.items or Shape(), text) for text in texts], list)
        if shape.types == ("array",):
            return
    if "object" in shape.types and parameter.style != "deepObject":
        members = _members(_parts(raws[0], parameter), parameter)
        named = {name: decoded(text, where) for name, text in members}
        yield from _objects(named, shape)
        if shape.types == ("object",):
            return
    if len(raws) > 1:
        raise NotText("stands more than once")
    yield from scalars(decoded(_bare(raws[0], parameter), where), shape)


def objects_of(named: Mapping[str, Sequence[str]], shape: Shape) -> Iterator[Any]:
    """The objects that named texts (decoded) may stand for; a name with several is a list."""
    singles = {name: texts[0] for name, texts in named.items() if len(texts) == 1}
    for found in _objects(singles, shape):
        lists = {name: list(texts) for name, texts in named.items() if len(texts) > 1}
        yield found | lists


def scalars(text: str, shape: Shape) -> Iterator[Any]:
    """The plain values that a text may stand for, the narrowest type first."""
    types = shape.types
    if (not types or "integer" in types or "number" in types) and _INTEGER.fullmatch(text):
        yield int(text)
    elif (not types or "number" in types or "integer" in types) and _NUMBER.fullmatch(text):
        number = float(text)
        if number not in {float("inf"), float("-inf")}:
            yield number
    if (not types or "boolean" in types) and text in _WORDS:
        yield _WORDS[text]
    if "null" in types and text in {"", "null"}:
        yield None
    # A text of a wrong type is tried as what it is, so that the schema says what it wants
    yield text


def _each(parts: list[tuple[Shape, str]], make: Any) -> Iterator[Any]:
    """First every part as its narrowest type, then every part that may be a string as one."""
    narrow = [next(scalars(text, shape)) for shape, text in parts]
    yield make(narrow)
    if any(narrow[at] != text and _may_be_text(shape) for at, (shape, text) in enumerate(parts)):
        yield make(
            text if _may_be_text(shape) else narrow[at] for at, (shape, text) in enumerate(parts)
        )


def _objects(named: Mapping[str, str], shape: Shape) -> Iterator[dict[str, Any]]:
    parts = [(shape.properties.get(name, Shape()), text) for name, text in named.items()]
    yield from _each(parts, lambda values: dict(zip(named, values, strict=True)))


def _may_be_text(shape: Shape) -> bool:
    return not shape.types or "string" in shape.types


def _bare(raw: str, parameter: Parameter) -> str:
    """A single text without what its style puts in front."""
    if parameter.style == "label":
        return raw.removeprefix(".")
    if parameter.style == "matrix":
        return raw.removeprefix(f";{parameter.name}").removeprefix("=")
    return raw


def _items(raws: Sequence[str], parameter: Parameter) -> list[str]:
    """The raw items of a list."""
    if parameter.style in {"form", *_DELIMITERS} and parameter.explode:
        return list(raws)
    if len(raws) > 1:
        raise NotText("stands more than once")
    if parameter.style == "matrix" and parameter.explode:
        prefix = parameter.name + "="
        return [part.removeprefix(prefix) for part in raws[0].removeprefix(";").split(";")]
    return _parts(raws[0], parameter)


def _parts(raw: str, parameter: Parameter) -> list[str]:
    bare = _bare(raw, parameter)
    if not bare:
        return []
    if parameter.style == "label" and parameter.explode:
        return bare.split(".")
    if parameter.style == "matrix" and parameter.explode:
        return raw.removeprefix(";").split(";")
    return _DELIMITERS.get(parameter.style, _COMMA).split(bare)


def _members(parts: list[str], parameter: Parameter) -> list[tuple[str, str]]:
    """The raw members of an object: `R=1,G=2` exploded, `R,1,G,2` otherwise."""
    if parameter.explode:
        split = (part.partition("=") for part in parts)
        return [(decoded(name), value) for name, _, value in split]
    if len(parts) % 2:
        raise NotText("names a member without a value")
    return [(decoded(name), value) for name, value in zip(parts[::2], parts[1::2], strict=True)]
