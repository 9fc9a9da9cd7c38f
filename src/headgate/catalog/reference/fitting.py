"""Does a value fit a schema? Good enough to choose examples; calls are judged elsewhere.

Scalars are judged by the validator that also judges calls, so that a pattern of a stranger's
document cannot run for ever.
"""

from collections.abc import Iterable
from typing import Any

import jsonschema_rs

from headgate.catalog.dialect import Side
from headgate.catalog.reference.limits import bounds
from headgate.catalog.reference.merged import Merged, merged
from headgate.catalog.reference.parts import Parts
from headgate.catalog.reference.tree import type_of

LEVELS_MAX = 12  # of a value that is judged; a deeper one does not fit
STEPS_MAX = 5_000  # values judged for one example
_KEYWORDS = ("enum", "const", "multipleOf", "minLength", "maxLength", "pattern")
_SIZES = ("minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems")
_FORMATS = frozenset(
    {"date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"}
    | {"uri-reference", "iri", "iri-reference", "json-pointer", "regex"}
)
_WHOLE = {"int32": 2**31, "int64": 2**63}


class Fitting:
    """Judges values for one page."""

    def __init__(self, parts: Parts, side: Side) -> None:
        self._parts = parts
        self._side = side
        self._left = STEPS_MAX

    def fits(self, value: Any, at: str, levels: int = LEVELS_MAX) -> bool:
        """Whether a value may stand at an address; False where that took too many steps."""
        self._left -= 1
        if levels <= 0 or self._left <= 0:
            return False
        schema = merged(self._parts, at)
        if schema.is_never:
            return False
        if value is None:
            return schema.is_nullable or not (schema.types or schema.alternatives)
        if not _fits_type(value, schema.types) or not is_scalar_fit(value, schema):
            return False
        if isinstance(value, dict) and not self._fits_object(value, schema, levels):
            return False
        if isinstance(value, list) and not self._fits_list(value, schema, levels):
            return False
        return all(self._fits_one(value, found, levels) for found in schema.alternatives)

    def _fits_one(self, value: Any, found: Any, levels: int) -> bool:
        fitting = sum(self.fits(value, at, levels - 1) for at in found.addresses)
        return fitting == 1 if found.is_one else fitting > 0

    def _fits_object(self, value: dict[str, Any], schema: Merged, levels: int) -> bool:
        known = schema.properties
        foreign = self._side.foreign
        for name in schema.required - value.keys():
            if name not in known or not merged(self._parts, known[name]).has(foreign):
                return False
        is_closed = any(more is False for more in schema.every("additionalProperties"))
        other = schema.below("additionalProperties")
        for name, item in value.items():
            if name in known:
                if not self.fits(item, known[name], levels - 1):
                    return False
            elif is_closed or (other and not self.fits(item, other, levels - 1)):
                return False
        return True

    def _fits_list(self, value: list[Any], schema: Merged, levels: int) -> bool:
        at = schema.below("items")
        return not at or all(self.fits(item, at, levels - 1) for item in value)


def is_scalar_fit(value: Any, schema: Merged) -> bool:
    """Whether a value keeps the limits that need no other schema."""
    return all(_valid(one, value) for one in _plain(schema))


def _plain(schema: Merged) -> Iterable[dict[str, Any]]:
    least, is_over, greatest, is_under = bounds(schema)
    limits: dict[str, Any] = {}
    if least is not None:
        limits["exclusiveMinimum" if is_over else "minimum"] = least
    if greatest is not None:
        limits["exclusiveMaximum" if is_under else "maximum"] = greatest
    yield limits
    for _, one in schema.places:
        made = {name: one[name] for name in (*_KEYWORDS, *_SIZES) if name in one}
        kind = one.get("format")
        if isinstance(kind, str) and kind in _FORMATS:
            made["format"] = kind
        if isinstance(kind, str) and kind in _WHOLE and "integer" in schema.types:
            made |= {"minimum": -_WHOLE[kind], "maximum": _WHOLE[kind] - 1}
        if made:
            yield made


def _valid(schema: dict[str, Any], value: Any) -> bool:
    if not schema:
        return True
    try:
        return jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(value)
    except (ValueError, TypeError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return False  # this schema is none, or the value is no JSON


def _fits_type(value: Any, types: tuple[str, ...]) -> bool:
    kind = type_of(value)
    if not types or kind in types:
        return True
    if kind == "number" and "integer" in types:
        return bool(float(value).is_integer())
    return kind == "integer" and "number" in types
