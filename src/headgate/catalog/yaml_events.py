"""What values does a YAML text hold, and on which lines? Read event by event, never recursively.

Only what JSON can hold comes out (YAML 1.2 core schema, as OpenAPI asks for): PyYAML's own
constructors follow YAML 1.1, where `no` is false and `12:30` is 750. Digits that begin with a 0
are a text, as in YAML's JSON schema: a number would lose the 0. Aliases share one value and
are counted as if spelt out, so that a few lines cannot stand for a billion values.

Source: YAML 1.2.2 §10.2 and §10.3; OpenAPI 3.1.1 §4.1 "Format".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml._yaml import CParser

from headgate.catalog.document import NESTING_MAX, NODES_MAX
from headgate.catalog.unreadable import Unreadable
from headgate.core.phrases import phrase

TAG = "tag:yaml.org,2002:"
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**64 - 1  # what orjson can write

_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_NUMBER_STARTS = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TEXT_TAGS = frozenset({"!", TAG + "str", TAG + "timestamp"})
_PLAIN_TAGS = frozenset(TAG + kind for kind in ("int", "float", "bool", "null"))
_ABSENT = object()


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that has begun and not ended."""

    value: Any
    anchor: str | None
    nodes_before: int
    key: Any = _ABSENT  # of a mapping: the key whose value comes next
    is_merge: bool = False  # the value that comes next stands behind `<<`
    merged: list[dict[str, Any]] = field(default_factory=list)


def load(text: str) -> Any:
    """The values of a text with one YAML document.

    Raises:
        Unreadable: not YAML, several documents, a key given twice, a value that JSON lacks,
            or beyond `NESTING_MAX` or `NODES_MAX`.
    """
    return _Builder().build(text)


def events(text: str) -> Iterator[Any]:
    """The events of libyaml.

    Raises:
        Unreadable: not YAML.
    """
    try:
        parser = CParser(text)
        while parser.check_event():
            yield parser.get_event()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(
            phrase("this is not YAML: {message}", message=message), mark.line + 1 if mark else None
        ) from error
    except (yaml.YAMLError, UnicodeError) as error:
        what = str(error).splitlines()[0]
        raise Unreadable(
            phrase("this is not YAML: {what}", what=what), _line_of(text, error)
        ) from error


def scalar(event: yaml.ScalarEvent) -> Any:
    """The value of one scalar: a text, or what YAML 1.2 makes of a plain one.

    Raises:
        Unreadable: a tag that JSON has no value for.
    """
    if event.tag is None:
        return _plain(event.value) if event.implicit[0] else event.value
    if event.tag in _TEXT_TAGS:
        return event.value
    if event.tag in _PLAIN_TAGS:
        return _plain(event.value)
    raise Unreadable(
        phrase("the tag {tag} has no counterpart in JSON", tag=event.tag.replace(TAG, "!!")),
        _line(event),
    )


class _Builder:
    """Builds the values of one document; every check is made while the text is read."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._root: Any = _ABSENT

    def build(self, text: str) -> Any:
        for event in events(text):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent:
                self._start({}, event)
            elif kind is yaml.SequenceStartEvent:
                self._start([], event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end(event)
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent and self._root is not _ABSENT:
                raise Unreadable(phrase("it holds more than one YAML document"), _line(event))
        return None if self._root is _ABSENT else self._root

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._is_key_next():
            frame = self._open[-1]
            if event.value == "<<" and event.implicit[0]:
                frame.key, frame.is_merge = "<<", True
            elif event.value in frame.value:
                raise Unreadable(
                    phrase("the key {value!r} is given twice in one mapping", value=event.value),
                    _line(event),
                )
            else:
                frame.key = event.value
            return
        value = scalar(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, 1, event)

    def _start(self, value: Any, event: Any) -> None:
        if self._is_key_next():
            raise Unreadable(phrase("a key must be a text"), _line(event))
        if event.tag not in (None, "!", TAG + "map", TAG + "seq"):
            raise Unreadable(
                phrase(
                    "the tag {tag} has no counterpart in JSON",
                    tag=event.tag.replace(TAG, "!!"),
                ),
                _line(event),
            )
        if len(self._open) >= NESTING_MAX:
            raise Unreadable(
                phrase("it is nested deeper than {most} levels", most=NESTING_MAX), _line(event)
            )
        if event.anchor:
            self._anchors.pop(event.anchor, None)  # an alias inside it must not find an older one
        self._open.append(_Open(value, event.anchor, self._nodes))

    def _end(self, event: Any) -> None:
        frame = self._open.pop()
        for merged in frame.merged:  # the first of several wins, and own keys before all
            for key, value in merged.items():
                frame.value.setdefault(key, value)
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, self._nodes - frame.nodes_before + 1)
        self._add(frame.value, 1, event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line = _line(event)
        if any(frame.anchor == event.anchor for frame in self._open):
            raise Unreadable(
                phrase("the alias *{anchor} contains itself", anchor=event.anchor), line
            )
        if event.anchor not in self._anchors:
            raise Unreadable(phrase("the alias *{anchor} has no anchor", anchor=event.anchor), line)
        value, nodes = self._anchors[event.anchor]
        if self._is_key_next():
            if not isinstance(value, str):
                raise Unreadable(phrase("a key must be a text"), line)
            if value in self._open[-1].value:
                raise Unreadable(
                    phrase("the key {value!r} is given twice in one mapping", value=value), line
                )
            self._open[-1].key = value
            return
        self._add(value, nodes, event)

    def _is_key_next(self) -> bool:
        return bool(self._open) and (
            type(self._open[-1].value) is dict and self._open[-1].key is _ABSENT
        )

    def _add(self, value: Any, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > NODES_MAX:
            raise Unreadable(
                phrase(
                    "it holds more than {most:,} values with its aliases spelt out", most=NODES_MAX
                ),
                _line(event),
            )
        if not self._open:
            self._root = value
            return
        frame = self._open[-1]
        if type(frame.value) is list:
            frame.value.append(value)
            return
        if frame.is_merge:
            self._merge(frame, value, event)
        else:
            frame.value[frame.key] = value
        frame.key, frame.is_merge = _ABSENT, False

    def _merge(self, frame: _Open, value: Any, event: Any) -> None:
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise Unreadable(phrase("`<<` merges mappings only"), _line(event))
        frame.merged += sources


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_STARTS:
        if len(text) < 400 and _INTEGER.fullmatch(text):
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            number = int(text, base)
            return number if INTEGER_MIN <= number <= INTEGER_MAX else _finite(float(number), text)
        if _FLOAT.fullmatch(text):
            return _finite(float(text), text)
    return text


def _finite(number: float, text: str) -> float | str:
    return text if number in (float("inf"), float("-inf")) else number


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _line_of(text: str, error: Exception) -> int | None:
    position = getattr(error, "position", getattr(error, "start", None))
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else None
