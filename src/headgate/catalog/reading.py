"""What values does a text in JSON or YAML hold? Read within limits, never executed."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

from headgate.catalog import yaml_events
from headgate.catalog.document import NESTING_MAX, NODES_MAX
from headgate.catalog.unreadable import Unreadable
from headgate.core.phrases import phrase


def read(name: str, text: str) -> Any:
    """The values of a text: JSON if it looks like it, else YAML.

    Raises:
        Unreadable: not well-formed, a key given twice, too deep or too many values.
    """
    text = without_mark(text)
    if not looks_like_json(name, text):
        value = yaml_events.load(text)
    else:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            value = _after_json(name, text, error)
        else:
            _check_keys(text)
    _check_size(value)
    return value


def without_mark(text: str) -> str:
    """The text without a byte order mark."""
    return text.removeprefix("\ufeff")


def looks_like_json(name: str, text: str) -> bool:
    """Whether a text is to be read as JSON first: by its name, or by how it begins."""
    return name.endswith(".json") or text.lstrip()[:1] in ("{", "[")


def _after_json(name: str, text: str, error: orjson.JSONDecodeError) -> Any:
    """YAML in braces is YAML; everything else is told what JSON it fails to be."""
    broken = Unreadable(
        phrase("this is not JSON: {what}", what=error.msg.partition(": line")[0]),
        error.lineno,
    )
    if name.endswith(".json"):
        raise broken from error
    try:
        return yaml_events.load(text)
    except Unreadable:
        raise broken from error


def _check_size(value: Any) -> None:
    """Level by level: as cheaply as Python can look at every object and list."""
    level, depth, nodes = [value] if isinstance(value, dict | list) else [], 0, 0
    while level:
        depth += 1
        if depth > NESTING_MAX:
            raise Unreadable(
                phrase("it is nested deeper than {most} levels", most=NESTING_MAX), None
            )
        below: list[Any] = []
        for item in level:
            nodes += len(item)
            inner = item.values() if type(item) is dict else item
            below += [child for child in inner if type(child) is dict or type(child) is list]
        if nodes > NODES_MAX:
            raise Unreadable(phrase("it holds more than {most:,} values", most=NODES_MAX), None)
        level = below


def _check_keys(text: str) -> None:
    """orjson keeps the last of two equal keys in silence; a path given twice must not vanish."""
    twice: list[str] = []

    def pairs(items: Sequence[tuple[str, Any]]) -> None:
        names = [key for key, _ in items]
        if len(names) != len(set(names)):
            twice.append(next(key for at, key in enumerate(names) if key in names[:at]))

    try:
        json.loads(text, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return  # orjson has read it; the standard library's other limits do not matter
    if twice:
        raise Unreadable(phrase("the key {key!r} is given twice in one object", key=twice[0]), None)
