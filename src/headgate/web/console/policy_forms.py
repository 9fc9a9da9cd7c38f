"""How do a policy's settings become a form, and a form settings? By the JSON Schema of its kind.

Whatever a form has no field for (objects in objects) is a box of YAML, so nothing is lost on the
way from settings to a form and back. What was left at its default and was not written stays
unwritten. Pure: texts in, values out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

PREFIX = "s."  # of the fields of settings, so that none is taken for another of the page
WRITTEN = "written"  # names of the settings that are written although they have their default
TEXT_CHARACTERS_MAX = 200_000
YAML_NESTING_MAX = 50


class Widget(StrEnum):
    """What a setting is edited in."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    SWITCH = "switch"
    LINES = "lines"  # a list, one a line
    PAIRS = "pairs"  # an object of texts, `name: value` lines
    YAML = "yaml"  # anything else


@dataclass(frozen=True, slots=True)
class FieldOf:
    """One setting: how it is edited, and what its schema says."""

    name: str
    widget: Widget
    description: str
    is_required: bool
    default: Any
    choices: tuple[str, ...] = ()
    items: str = "string"  # of a list
    is_nullable: bool = False


@dataclass(frozen=True, slots=True)
class ShownField:
    """A setting with the text that stands in its field, and what is wrong with it."""

    field: FieldOf
    text: str
    errors: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Of the element."""
        return f"{PREFIX}{self.field.name}"


def fields_of(schema: Mapping[str, Any]) -> list[FieldOf]:
    """The settings of a kind, those that must be given first."""
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    found = [
        _field(name, part, definitions, is_required=name in required)
        for name, part in schema.get("properties", {}).items()
    ]
    return sorted(found, key=lambda one: not one.is_required)


def shown(
    schema: Mapping[str, Any],
    settings: Mapping[str, Any],
    errors: Mapping[str, tuple[str, ...]] | None = None,
) -> list[ShownField]:
    """The fields filled with settings."""
    found = errors or {}
    return [
        ShownField(one, _written(one, settings[one.name]), found.get(one.name, ()))
        if one.name in settings
        else ShownField(one, _written(one, one.default), found.get(one.name, ()))
        for one in fields_of(schema)
    ]


def read(
    schema: Mapping[str, Any], given: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """The settings that a sent form says, and what could not be read, by setting.

    What cannot be read is left in the settings as it was typed, for its own refusal.
    """
    written = set(given.get(WRITTEN, "").split(","))
    settings: dict[str, Any] = {}
    errors: dict[str, tuple[str, ...]] = {}
    for one in fields_of(schema):
        text = given.get(PREFIX + one.name, "")[:TEXT_CHARACTERS_MAX].replace("\r\n", "\n")
        try:
            value = _read(one, text)
        except ValueError as error:
            settings[one.name], errors[one.name] = text, (str(error),)
            continue
        if value == one.default and one.name not in written and not one.is_required:
            continue
        if value is None and not one.is_nullable:
            continue
        settings[one.name] = value
    return settings, errors


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
        raise ValueError(f"this is longer than {TEXT_CHARACTERS_MAX:,} characters")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                at = event.start_mark.line + 1 if event.start_mark else 1
                raise ValueError(f"line {at}: aliases are not read here")  # noqa: TRY004  # of the text, not of a value
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > YAML_NESTING_MAX:
                raise ValueError(f"this is nested more than {YAML_NESTING_MAX} levels deep")
        return _plain(yaml.safe_load(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"line {line}: this is no YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"this is no YAML: {error}") from error


def _plain(value: Any) -> Any:
    """Values of JSON alone: YAML also knows dates, sets and keys that are no texts."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _field(
    name: str, part: Mapping[str, Any], definitions: Mapping[str, Any], *, is_required: bool
) -> FieldOf:
    description, default = str(part.get("description", "")), part.get("default")
    is_nullable = False
    if "anyOf" in part:
        others = [one for one in part["anyOf"] if one.get("type") != "null"]
        is_nullable = len(others) < len(part["anyOf"])
        part = others[0] if len(others) == 1 else {}
    if "$ref" in part:
        part = definitions.get(str(part["$ref"]).rpartition("/")[2], {})
    widget, choices, items = _widget(part)
    if is_nullable and widget in {Widget.LINES, Widget.PAIRS}:
        widget = Widget.YAML  # an empty list is not the same as none
    return FieldOf(name, widget, description, is_required, default, choices, items, is_nullable)


def _widget(part: Mapping[str, Any]) -> tuple[Widget, tuple[str, ...], str]:
    kind = part.get("type")
    if "enum" in part and all(isinstance(value, str) for value in part["enum"]):
        return Widget.CHOICE, tuple(part["enum"]), ""
    if kind == "boolean":
        return Widget.SWITCH, (), ""
    if kind in {"integer", "number"}:
        return Widget.NUMBER, (), str(kind)
    if kind == "string":
        return Widget.TEXT, (), ""
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
            else ("" if one.widget is Widget.TEXT and isinstance(one.default, str) else None)
        )
    if one.widget is Widget.NUMBER:
        return _number(stripped, one.items)
    return from_yaml(text) if one.widget is Widget.YAML else text


def _number(text: str, kind: str) -> int | float:
    try:
        return int(text) if kind == "integer" else _float(text)
    except ValueError as error:
        raise ValueError(f"'{text[:40]}' is no number") from error


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
            raise ValueError(f"'{line.strip()[:60]}' is not written as name: value")
        found[name.strip()] = value.strip()
    return found
