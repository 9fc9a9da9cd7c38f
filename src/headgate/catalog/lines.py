"""On which line of a text is a place? Asked only when something is wrong there.

One pass over the text for all places. JSON is skipped over by the standard library's scanner at
full speed; only the objects on the way are looked into.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, TypeAlias

import yaml

from headgate.catalog.pointers import Keys
from headgate.catalog.reading import looks_like_json, without_mark
from headgate.catalog.unreadable import Unreadable
from headgate.catalog.yaml_events import events

Tree: TypeAlias = dict[str | int, Any]  # the places that are wanted, nested by step

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


def lines_of(name: str, text: str, places: Iterable[Keys]) -> dict[Keys, int]:
    """The 1-based line of each place: of its key in an object, of its first sign in a list.

    A place that is not there has the line of the nearest one around it that is.
    """
    wanted = list(places)
    tree: Tree = {}
    for steps in wanted:
        node = tree
        for step in steps:
            node = node.setdefault(step, {})
    found: dict[Keys, int] = {(): 1}
    offsets: dict[Keys, int] = {}
    text = without_mark(text)
    try:
        if looks_like_json(name, text):
            _json_value(text, _skip(text, 0), tree, (), offsets)
        else:
            _yaml(text, tree, found)
    except (ValueError, IndexError, RecursionError, Unreadable):
        pass  # a text that is not well-formed: what was found before the mistake is right
    found |= _lines(text, offsets)
    return {steps: _nearest(steps, found) for steps in wanted}


def _nearest(steps: Keys, found: dict[Keys, int]) -> int:
    while steps not in found:
        steps = steps[:-1]
    return found[steps]


def _lines(text: str, offsets: dict[Keys, int]) -> dict[Keys, int]:
    lines: dict[Keys, int] = {}
    line, counted = 1, 0
    for steps, offset in sorted(offsets.items(), key=lambda pair: pair[1]):
        line += text.count("\n", counted, offset)
        counted = offset
        lines[steps] = line
    return lines


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _json_value(text: str, at: int, tree: Tree, steps: Keys, offsets: dict[Keys, int]) -> int:
    """Notes the offsets of the tree's places in the value at `at`; the offset behind it."""
    if not tree or text[at] not in "{[":
        return _DECODER.raw_decode(text, at)[1]
    is_object = text[at] == "{"
    end = "}" if is_object else "]"
    at, index = _skip(text, at + 1), 0
    while text[at] != end:
        begin = at
        key: str | int = index
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # behind the colon
        below = tree.get(key)
        if below is not None:
            offsets[(*steps, key)] = begin
        at = _skip(text, _json_value(text, at, below or {}, (*steps, key), offsets))
        if text[at] == ",":
            at = _skip(text, at + 1)
        index += 1
    return at + 1


class _Level:
    """A mapping or sequence on the way; `tree` is None where nothing below is wanted."""

    __slots__ = ("is_mapping", "is_value_next", "key", "steps", "tree")

    def __init__(self, *, is_mapping: bool, tree: Tree | None, steps: Keys) -> None:
        self.is_mapping = is_mapping
        self.tree = tree
        self.steps = steps
        self.key: str | int = -1
        self.is_value_next = False


def _yaml(text: str, tree: Tree, found: dict[Keys, int]) -> None:
    stack: list[_Level] = []
    for event in events(text):
        kind = type(event)
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            stack.pop()
        elif kind in (yaml.ScalarEvent, yaml.AliasEvent):
            _yaml_step(stack, event, found)
        elif kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
            below, steps = _yaml_step(stack, event, found) if stack else (tree, ())
            stack.append(_Level(is_mapping=kind is yaml.MappingStartEvent, tree=below, steps=steps))


def _yaml_step(stack: list[_Level], event: Any, found: dict[Keys, int]) -> tuple[Tree | None, Keys]:
    """Moves one value on in the innermost level; what is wanted below it and its steps."""
    if not stack:
        return None, ()
    level = stack[-1]
    if level.is_mapping and not level.is_value_next:
        level.key = getattr(event, "value", "")
        level.is_value_next = True
    elif level.is_mapping:
        level.is_value_next = False
        return _below(level)
    else:
        level.key = int(level.key) + 1
    if level.tree is not None and level.key in level.tree:
        found[(*level.steps, level.key)] = event.start_mark.line + 1
    return _below(level)


def _below(level: _Level) -> tuple[Tree | None, Keys]:
    if level.tree is None:
        return None, ()
    return level.tree.get(level.key), (*level.steps, level.key)
