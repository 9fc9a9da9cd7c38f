"""How do a policy's settings become a form, and a form settings? By the JSON Schema of its kind.

An object in a setting is a group of fields, a list of small objects a table with room for more.
Whatever a form has no field for is a box of YAML, so nothing is lost on the way from settings to
a form and back. What was left at its default and was not written stays unwritten. Pure: texts in,
values out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from headgate.core.mistakes import reason
from headgate.core.phrases import phrase

PREFIX = "s."  # of the fields of settings, so that none is taken for another of the page
WRITTEN = "written"  # names of the settings that are written although they have their default
TEXT_CHARACTERS_MAX = 200_000
YAML_NESTING_MAX = 50
LINE_CHARACTERS_MAX = 1_000  # a text that may be longer has several lines
ROWS_MAX = 200  # of one table
ROWS_SPARE = 2  # empty ones below those that are there


class Widget(StrEnum):
    """What a setting is edited in."""

    TEXT = "text"
    AREA = "area"  # a text that may have several lines
    NUMBER = "number"
    CHOICE = "choice"
    SWITCH = "switch"
    LINES = "lines"  # a list, one a line
    PAIRS = "pairs"  # an object of texts, `name: value` lines
    GROUP = "group"  # an object: a field for each of its members
    TABLE = "table"  # a list of objects without objects in them
    YAML = "yaml"  # anything else


TEXTS = frozenset({Widget.TEXT, Widget.AREA})
SCALARS = frozenset({Widget.TEXT, Widget.NUMBER, Widget.CHOICE, Widget.SWITCH})


@dataclass(frozen=True, slots=True)
class FieldOf:
    """One setting: how it is edited, and what its schema says. `parts`: of a group or table."""

    name: str
    widget: Widget
    description: str
    is_required: bool
    default: Any
    choices: tuple[str, ...] = ()
    items: str = "string"  # of a list
    is_nullable: bool = False
    parts: "tuple[FieldOf, ...]" = ()


@dataclass(frozen=True, slots=True)
class ShownField:
    """A setting with the text that stands in its field, and what is wrong with it.

    `id` is of the element. `parts` are the fields of a group, `rows` those of a table.
    """

    field: FieldOf
    id: str
    text: str = ""
    errors: tuple[str, ...] = ()
    parts: "tuple[ShownField, ...]" = ()
    rows: "tuple[tuple[ShownField, ...], ...]" = ()


def fields_of(schema: Mapping[str, Any]) -> list[FieldOf]:
    """The settings of a kind, those that must be given first."""
    return _fields(schema, schema.get("$defs", {}))


def shown(
    schema: Mapping[str, Any],
    settings: Mapping[str, Any],
    errors: Mapping[str, tuple[str, ...]] | None = None,
) -> list[ShownField]:
    """The fields filled with settings."""
    found = errors or {}
    return [
        _shown(one, "", settings.get(one.name, one.default), found.get(one.name, ()))
        for one in fields_of(schema)
    ]


def written(schema: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What a form keeps in `WRITTEN`: the settings that are there, also in groups and tables."""
    return ",".join(_paths(fields_of(schema), settings, ""))


def read(
    schema: Mapping[str, Any], given: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """The settings that a sent form says, and what could not be read, by setting.

    What cannot be read is left in the settings as it was typed, for its own refusal.
    """
    form = _Sent(given, frozenset(given.get(WRITTEN, "").split(",")), {})
    return form.members(fields_of(schema), ""), form.errors


@dataclass(frozen=True, slots=True)
class _Sent:
    """A sent form: its texts, what was written before, and what could not be read."""

    given: Mapping[str, str]
    written: frozenset[str]
    errors: dict[str, tuple[str, ...]]

    def members(self, fields: Sequence[FieldOf], at: str) -> dict[str, Any]:
        """The members of the object at a place."""
        found: dict[str, Any] = {}
        for one in fields:
            place = at + one.name
            try:
                value = self._value(one, place)
            except ValueError as error:
                found[one.name] = self._text(place)
                top, _dot, deeper = place.partition(".")
                told = reason(error)
                if deeper:
                    told = phrase("{place}: {error}", place=deeper, error=told)
                self.errors[top] = (*self.errors.get(top, ()), told)
                continue
            is_written = place in self.written or one.is_required
            if value == one.default and not is_written:
                continue
            if value is None and not one.is_nullable:
                continue
            if value in ({}, []) and one.parts and not (is_written or one.is_nullable):
                continue
            found[one.name] = value
        return found

    def _value(self, one: FieldOf, place: str) -> Any:
        if one.widget is Widget.GROUP:
            is_off = one.is_nullable and self._text(place) != "on"
            return None if is_off else self.members(one.parts, f"{place}.")
        if one.widget is Widget.TABLE:
            starts = (f"{place}.{number}." for number in range(self._rows(place)))
            return [self.members(one.parts, at) for at in starts if not self._is_empty(one, at)]
        return _read(one, self._text(place))

    def _text(self, place: str) -> str:
        text = self.given.get(PREFIX + place, "")
        return text[:TEXT_CHARACTERS_MAX].replace("\r\n", "\n")

    def _rows(self, place: str) -> int:
        start = f"{PREFIX}{place}."
        numbers = {
            key[len(start) :].partition(".")[0] for key in self.given if key.startswith(start)
        }
        known = [int(number) for number in numbers if number.isascii() and number.isdecimal()]
        return min(max(known, default=-1) + 1, ROWS_MAX)

    def _is_empty(self, one: FieldOf, at: str) -> bool:
        """A row in which nothing was typed; a choice always has something chosen."""
        typed = (part for part in one.parts if part.widget is not Widget.CHOICE)
        return not any(self._text(at + part.name).strip() for part in typed)


def _paths(fields: Sequence[FieldOf], settings: Mapping[str, Any], at: str) -> Iterator[str]:
    for one in fields:
        if one.name not in settings:
            continue
        place, value = at + one.name, settings[one.name]
        yield place
        if one.widget is Widget.GROUP and isinstance(value, dict):
            yield from _paths(one.parts, value, f"{place}.")
        if one.widget is Widget.TABLE and isinstance(value, list):
            for number, row in enumerate(value):
                if isinstance(row, dict):
                    yield from _paths(one.parts, row, f"{place}.{number}.")


def _shown(one: FieldOf, at: str, value: Any, errors: tuple[str, ...] = ()) -> ShownField:
    place = at + one.name
    if one.widget is Widget.GROUP:
        members = value if isinstance(value, dict) else {}
        parts = [
            _shown(part, f"{place}.", members.get(part.name, part.default)) for part in one.parts
        ]
        is_on = not one.is_nullable or isinstance(value, dict)
        return ShownField(one, place, "on" if is_on else "", errors, tuple(parts))
    if one.widget is Widget.TABLE:
        filled = [row if isinstance(row, dict) else {} for row in value or ()]
        rows = [
            tuple(
                _shown(
                    part, f"{place}.{number}.", row.get(part.name, part.default if row else None)
                )
                for part in one.parts
            )
            for number, row in enumerate([*filled, *({} for _ in range(ROWS_SPARE))])
        ]
        return ShownField(one, place, "", errors, rows=tuple(rows))
    return ShownField(one, place, _written(one, value), errors)


def as_yaml(value: Any) -> str:
    """A value as people write it."""
    if value is None or value in ({}, []):
        return ""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return text.removesuffix("...\n")


def from_yaml(text: str) -> Any:
    """What a text says. Aliases are refused: a few of them can stand for millions of values.

    Raises:
        ValueError: it is no YAML, with the line.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        raise ValueError(
            phrase("this is longer than {most:,} characters", most=TEXT_CHARACTERS_MAX)
        )
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                at = event.start_mark.line + 1 if event.start_mark else 1
                raise ValueError(phrase("line {at}: aliases are not read here", at=at))  # noqa: TRY004  # of the text, not of a value
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > YAML_NESTING_MAX:
                raise ValueError(
                    phrase("this is nested more than {most} levels deep", most=YAML_NESTING_MAX)
                )
        return _plain(yaml.safe_load(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(
            phrase("line {line}: this is no YAML: {problem}", line=line, problem=error.problem)
        ) from error
    except yaml.YAMLError as error:
        raise ValueError(phrase("this is no YAML: {error}", error=error)) from error


def _plain(value: Any) -> Any:
    """Values of JSON alone: YAML also knows dates, sets and keys that are no texts."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _fields(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], *, is_inner: bool = False
) -> list[FieldOf]:
    required = set(schema.get("required", ()))
    found = [
        _field(name, part, definitions, is_required=name in required, is_inner=is_inner)
        for name, part in schema.get("properties", {}).items()
    ]
    return sorted(found, key=lambda one: not one.is_required)


def _field(
    name: str,
    part: Mapping[str, Any],
    definitions: Mapping[str, Any],
    *,
    is_required: bool,
    is_inner: bool,
) -> FieldOf:
    description, default = str(part.get("description", "")), part.get("default")
    is_nullable = False
    if "anyOf" in part:
        others = [one for one in part["anyOf"] if one.get("type") != "null"]
        is_nullable = len(others) < len(part["anyOf"])
        part = others[0] if len(others) == 1 else {}
    part = _resolved(part, definitions)
    description = description or str(part.get("description", ""))
    widget, choices, items = _widget(part)
    parts: tuple[FieldOf, ...] = ()
    if widget is Widget.YAML and not is_inner:
        widget, parts = _nested(part, definitions)
    if is_nullable and widget in {Widget.LINES, Widget.PAIRS, Widget.TABLE}:
        widget, parts = Widget.YAML, ()  # an empty list is not the same as none
    return FieldOf(
        name, widget, description, is_required, default, choices, items, is_nullable, parts
    )


def _resolved(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    found: Mapping[str, Any] = definitions.get(str(part["$ref"]).rpartition("/")[2], {})
    return found


def _nested(
    part: Mapping[str, Any], definitions: Mapping[str, Any]
) -> tuple[Widget, tuple[FieldOf, ...]]:
    """How an object, or a list of them, is edited: by fields where those are simple enough."""
    is_list = part.get("type") == "array"
    inner = _resolved(part.get("items", {}), definitions) if is_list else part
    if inner.get("type") != "object" or not inner.get("properties"):
        return Widget.YAML, ()
    own = tuple(_fields(inner, definitions, is_inner=True))
    if is_list and not all(one.widget in SCALARS for one in own):
        return Widget.YAML, ()
    return (Widget.TABLE if is_list else Widget.GROUP), own


def _widget(part: Mapping[str, Any]) -> tuple[Widget, tuple[str, ...], str]:
    kind = part.get("type")
    if "enum" in part and all(isinstance(value, str) for value in part["enum"]):
        return Widget.CHOICE, tuple(part["enum"]), ""
    if kind == "boolean":
        return Widget.SWITCH, (), ""
    if kind in {"integer", "number"}:
        return Widget.NUMBER, (), str(kind)
    if kind == "string":
        is_line = part.get("maxLength", 0) <= LINE_CHARACTERS_MAX
        return (Widget.TEXT if is_line else Widget.AREA), (), ""
    items = part.get("items", {}).get("type", "")
    if kind == "array" and items in {"string", "integer", "number"}:
        return Widget.LINES, (), items
    values = part.get("additionalProperties")
    if kind == "object" and isinstance(values, dict) and values.get("type") == "string":
        return Widget.PAIRS, (), ""
    return Widget.YAML, (), ""


def _written(one: FieldOf, value: Any) -> str:
    """A value as the text in its field; a value that does not fit the field as it is."""
    if value is None:
        return ""
    if one.widget is Widget.SWITCH:
        return "on" if value is True else ""
    if one.widget is Widget.LINES and isinstance(value, list):
        return "\n".join(map(str, value))
    if one.widget is Widget.PAIRS and isinstance(value, dict):
        return "\n".join(f"{key}: {part}" for key, part in value.items())
    if one.widget is Widget.YAML and not isinstance(value, str):
        return as_yaml(value)
    return str(value)


def _read(one: FieldOf, text: str) -> Any:
    stripped = text.strip()
    if one.widget is Widget.SWITCH:
        return stripped == "on"
    if one.widget is Widget.LINES:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        return lines if one.items == "string" else [_number(line, one.items) for line in lines]
    if one.widget is Widget.PAIRS:
        return _pairs(text)
    if not stripped:
        return (
            one.default
            if one.default is not None and one.widget is Widget.NUMBER
            else ("" if one.widget in TEXTS and isinstance(one.default, str) else None)
        )
    if one.widget is Widget.NUMBER:
        return _number(stripped, one.items)
    return from_yaml(text) if one.widget is Widget.YAML else text


def _number(text: str, kind: str) -> int | float:
    try:
        return int(text) if kind == "integer" else _float(text)
    except ValueError as error:
        raise ValueError(phrase("'{text}' is no number", text=text[:40])) from error


def _float(text: str) -> int | float:
    found = float(text)
    return int(found) if found.is_integer() and "." not in text else found


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ValueError(
                phrase("'{line}' is not written as name: value", line=line.strip()[:60])
            )
        found[name.strip()] = value.strip()
    return found
