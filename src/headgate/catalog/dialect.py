"""What does a schema of an API document say in JSON Schema 2020-12?

Each schema is seen from one side: a request does not have to hold what is `readOnly`, a response
not what is `writeOnly`. References become `#/$defs/<name>`; schemas that contain themselves stay
so. Annotations are left out.

- 3.0 and 2.0: `nullable` (`x-nullable`) allows null beside everything else the schema says, also
  where the enum does not list it; boolean `exclusiveMinimum` and `exclusiveMaximum` become
  numbers; what stands beside a `$ref` does not count.
- `format` int32 and int64 are bounds; JSON Schema's own formats are checked, all others are not.
- `discriminator` is left out: the `oneOf` or `anyOf` beside it decides alone.
- `$dynamicRef` is taken as a plain reference.

Source: OpenAPI 3.0.4 §4.7.24, OpenAPI 3.1.1 §4.8.24, Swagger 2.0 "Schema Object".
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from headgate.catalog.document import Format
from headgate.catalog.library import REFERENCES_IN_A_ROW_MAX, BrokenReference, Library
from headgate.catalog.operations import Place
from headgate.catalog.pointers import keys, place, pointer
from headgate.core.phrases import phrase
from headgate.model.contract import Schema, Shape

SHAPE_LEVELS_MAX = 3  # an object of lists of values: no style writes more into a text

_MAPS = ("properties", "patternProperties", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLES = (
    "not",
    "items",
    "additionalProperties",
    "contains",
    "propertyNames",
    "if",
    "then",
    "else",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_PLAIN = (
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
)
_FORMATS = frozenset(
    {"date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"}
    | {"uri-reference", "iri", "iri-reference", "json-pointer", "regex"}
)
_BOUNDS = {"int32": 2**31, "int64": 2**63}
_EXCLUSIVE = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))


class Side(StrEnum):
    """Who sends the value."""

    REQUEST = "request"
    RESPONSE = "response"

    @property
    def foreign(self) -> str:
        """The annotation of properties that this side does not send."""
        return "readOnly" if self is Side.REQUEST else "writeOnly"


class Dialect:
    """Translates the schemas of one document. `finish` makes what references lead to."""

    def __init__(self, library: Library, document_format: Format) -> None:
        self._library = library
        self._is_3_1 = document_format is Format.OPENAPI_3_1
        self._names: dict[tuple[Side, int], str] = {}
        self._waiting: list[tuple[str, Place, Side]] = []

    def schema(self, at: Place, side: Side) -> Schema:
        """The schema at a place.

        Raises:
            BrokenReference: a reference in it leads nowhere.
        """
        value = at.value
        if not isinstance(value, dict):
            return value if isinstance(value, bool) else True
        reference = value.get("$ref", value.get("$dynamicRef"))
        if not isinstance(reference, str):
            return self._nullable(value, self._keywords(at, side))
        found: dict[str, Any] = {"$ref": f"#/$defs/{self._named(at, reference, side)}"}
        if not self._is_3_1:
            return found
        return found | self._keywords(at, side)

    def finish(self) -> dict[str, Schema]:
        """The schemas that all those made so far refer to, by name.

        Raises:
            BrokenReference: as `schema`.
        """
        found: dict[str, Schema] = {}
        while self._waiting:
            name, target, side = self._waiting.pop()
            found[name] = self.schema(target, side)
        return found

    def shape(self, at: Place, levels: int = SHAPE_LEVELS_MAX) -> Shape:
        """What texts the schema at a place can stand for."""
        parts = list(self._alternatives(at, set()))
        types = {kind for part in parts for kind in self._types(part.value)}
        if not levels:
            return Shape(tuple(sorted(types)))
        items = [part for part in parts if isinstance(part.value.get("items"), dict)]
        properties = {
            name: _below(part, "properties", name)
            for part in parts
            if isinstance(part.value.get("properties"), dict)
            for name in part.value["properties"]
        }
        return Shape(
            tuple(sorted(types)),
            self.shape(_below(items[0], "items"), levels - 1) if items else None,
            {name: self.shape(one, levels - 1) for name, one in properties.items()},
        )

    def resolved(self, at: Place) -> Place:
        """The schema that a place is or refers to."""
        for _ in range(REFERENCES_IN_A_ROW_MAX):
            reference = at.value.get("$ref") if isinstance(at.value, dict) else None
            if not isinstance(reference, str):
                break
            at = self._target(at, reference)
        return at

    def _named(self, at: Place, reference: str, side: Side) -> str:
        target = self._target(at, reference)
        known = self._names.get((side, id(target.value)))
        if known is None:
            known = f"{side[:3]}{len(self._names)}"
            self._names[side, id(target.value)] = known
            self._waiting.append((known, target, side))
        return known

    def _target(self, at: Place, reference: str) -> Place:
        steps = keys(at.at)
        try:
            target = self._library.target(at.file, reference, steps)
        except BrokenReference as error:
            raise BrokenReference(
                phrase(
                    "{pointer}: {reference}: {error}",
                    pointer=pointer(steps),
                    reference=reference,
                    error=error,
                )
            ) from error
        return Place(target.value, target.file, place(target.steps))

    def _keywords(self, at: Place, side: Side) -> dict[str, Any]:
        value: dict[str, Any] = at.value
        made = {name: value[name] for name in _PLAIN if name in value}
        if not self._is_3_1:
            _numbers_for_flags(made)
        for name in _MAPS:
            if isinstance(value.get(name), dict):
                made[name] = {key: self.schema(_below(at, name, key), side) for key in value[name]}
        for name in _LISTS:
            if isinstance(value.get(name), list):
                made[name] = [
                    self.schema(_below(at, name, index), side) for index in range(len(value[name]))
                ]
        for name in _SINGLES:
            if isinstance(value.get(name), dict | bool):
                made[name] = self.schema(_below(at, name), side)
        if isinstance(made.get("required"), list):
            made["required"] = self._required(at, side)
        _apply_format(made, value.get("format"))
        if made.get("type") == "file":
            del made["type"]
        return made

    def _required(self, at: Place, side: Side) -> list[str]:
        """The required properties that this side sends."""
        properties = at.value.get("properties")
        known = properties if isinstance(properties, dict) else {}

        def is_sent(name: str) -> bool:
            if name not in known:
                return True
            one = self.resolved(_below(at, "properties", name)).value
            own = known[name]
            return not any(
                isinstance(part, dict) and part.get(side.foreign) is True for part in (one, own)
            )

        listed = at.value["required"]
        return [name for name in listed if isinstance(name, str) and is_sent(name)]

    def _nullable(self, value: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
        is_nullable = value.get("nullable") is True or value.get("x-nullable") is True
        if self._is_3_1 or not is_nullable:
            return made
        return {"anyOf": [{"type": "null"}, made]}

    def _alternatives(self, at: Place, seen: set[int]) -> Iterable[Place]:
        """The schema and those that it combines, each once."""
        at = self.resolved(at)
        if not isinstance(at.value, dict) or id(at.value) in seen:
            return
        seen.add(id(at.value))
        yield at
        for name in ("allOf", "anyOf", "oneOf"):
            listed = at.value.get(name)
            for index in range(len(listed) if isinstance(listed, list) else 0):
                yield from self._alternatives(_below(at, name, index), seen)

    def _types(self, value: dict[str, Any]) -> Iterable[str]:
        declared = value.get("type")
        found = declared if isinstance(declared, list) else [declared] if declared else []
        yield from (kind for kind in found if isinstance(kind, str) and kind != "file")
        if not found and "properties" in value:
            yield "object"
        if not found and "items" in value:
            yield "array"
        if not found:
            yield from {_type_of(item) for item in value.get("enum") or ()}
        if not self._is_3_1 and value.get("nullable") is True:
            yield "null"


def _below(at: Place, *steps: str | int) -> Place:
    value, where = at.value, at.at
    for step in steps:
        value, where = value[step], (where, step)
    return Place(value, at.file, where)


def _numbers_for_flags(made: dict[str, Any]) -> None:
    """`minimum: 3, exclusiveMinimum: true` → `exclusiveMinimum: 3`."""
    for flag, bound in _EXCLUSIVE:
        is_exclusive = made.pop(flag, False)
        if is_exclusive is True and bound in made:
            made[flag] = made.pop(bound)
        elif not isinstance(is_exclusive, bool):
            made[flag] = is_exclusive  # written as in 3.1


def _apply_format(made: dict[str, Any], name: object) -> None:
    if name in _FORMATS:
        made["format"] = name
    bound = _BOUNDS.get(name) if isinstance(name, str) else None
    if bound is not None and "integer" in (made.get("type"), *_listed(made.get("type"))):
        made["minimum"] = max(made.get("minimum", -bound), -bound)
        made["maximum"] = min(made.get("maximum", bound - 1), bound - 1)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _type_of(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "null" if value is None else names.get(type(value), "object")
