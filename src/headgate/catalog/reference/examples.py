"""What could a value look like? The given example where it fits, else one made of the schema."""

import math
from dataclasses import dataclass
from typing import Any

from headgate.catalog.dialect import Side
from headgate.catalog.pointers import MISSING
from headgate.catalog.reference.fitting import Fitting, is_scalar_fit
from headgate.catalog.reference.limits import bounds
from headgate.catalog.reference.merged import AND, Alternatives, Merged, merged
from headgate.catalog.reference.parts import Parts
from headgate.catalog.reference.patterns import matching

LEVELS_MAX = 8  # optional parts below are left out
VALUES_MAX = 400  # of one example
OPTIONAL_MAX = 40  # optional properties of one object
TEXT_CHARACTERS_MAX = 1_000
ALTERNATIVES_TRIED_MAX = 5
_TEXTS = {
    "date": "2026-03-14",
    "date-time": "2026-03-14T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "P1DT2H",
    "email": "ada@example.com",
    "hostname": "api.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "iri": "https://example.com/",
    "uri-reference": "/path",
    "iri-reference": "/path",
    "uuid": "7f3c2f6e-9a53-4f0e-8c55-1f2f5a3b6c7d",
    "byte": "aGVhZGdhdGU=",
    "binary": "headgate",
    "password": "correct horse",
    "json-pointer": "/name",
    "regex": "^[a-z]+$",
}


@dataclass(frozen=True, slots=True)
class Example:
    """An example value. `is_given`: it stands in the document."""

    value: Any
    is_given: bool = False


def example(parts: Parts, at: str, side: Side) -> Example | None:
    """A value for the schema at an address; None where none was found that fits."""
    maker = _Maker(parts, side)
    made = maker.value(at)
    if made is MISSING:
        return None
    return Example(made, is_given=maker.is_given_whole)


class _Maker:
    def __init__(self, parts: Parts, side: Side) -> None:
        self._parts = parts
        self._side = side
        self._fitting = Fitting(parts, side)
        self._left = VALUES_MAX
        self.is_given_whole = False

    def value(self, at: str, name: str = "", above: tuple[str, ...] = ()) -> Any:
        """A value, or `MISSING`."""
        self._left -= 1
        schema = merged(self._parts, at)
        if schema.is_never:
            return MISSING
        given = self._given(schema, at)
        if given is not MISSING:
            self.is_given_whole |= not above
            return given
        home = next((place for place, one in schema.places if "$ref" not in one), at)
        if above.count(home) or len(above) > 3 * LEVELS_MAX:
            return None if schema.is_nullable else MISSING
        made = self._made(schema, name, (*above, home))
        return None if made is MISSING and schema.is_nullable else made

    def _given(self, schema: Merged, at: str) -> Any:
        for values in ("const", "example", "examples", "default", "enum"):
            for found in schema.every(values):
                is_list = values in {"examples", "enum"}
                listed = found if is_list and isinstance(found, list) else [found]
                for one in listed[:ALTERNATIVES_TRIED_MAX]:
                    if one is not None and self._fitting.fits(one, at):
                        return one
        return MISSING

    def _made(self, schema: Merged, name: str, above: tuple[str, ...]) -> Any:
        if schema.alternatives:
            return self._chosen(schema, schema.alternatives[0], name, above)
        types = schema.types
        if not types:
            return self._untyped(schema)
        if "object" in types:
            return self._object(schema, above)
        if "array" in types:
            return self._list(schema, above)
        if "string" in types:
            return _text(schema, name)
        if "boolean" in types:
            return True
        return _number(schema, is_whole="integer" in types)

    def _untyped(self, schema: Merged) -> Any:
        if schema.is_nullable:
            return None
        if bounds(schema) != (None, False, None, False):
            return _number(schema, is_whole=True)
        return _text(schema, "") if schema.places else "anything"

    def _chosen(
        self, schema: Merged, found: Alternatives, name: str, above: tuple[str, ...]
    ) -> Any:
        """One of the alternatives, together with what holds beside them."""
        beside = schema.properties
        values = found.values or ("",) * len(found.addresses)
        pairs = list(zip(found.addresses, values, strict=True))[:ALTERNATIVES_TRIED_MAX]
        fallback: Any = MISSING
        for address, value in pairs:
            made = self.value(address, name, above)
            if made is MISSING:
                continue
            if isinstance(made, dict):
                made = self._with_beside(made, schema, beside, above)
                if found.discriminator and value and found.discriminator not in made:
                    made[found.discriminator] = value
            fallback = made if fallback is MISSING else fallback
            if self._fitting.fits(made, schema.at):
                return made
        return fallback

    def _with_beside(
        self, made: dict[str, Any], schema: Merged, beside: dict[str, str], above: tuple[str, ...]
    ) -> dict[str, Any]:
        own = self._object(schema, above) if beside or schema.required else {}
        return {**own, **made} if isinstance(own, dict) else dict(made)

    def _object(self, schema: Merged, above: tuple[str, ...]) -> Any:
        known = schema.properties
        required = schema.required
        places = (place for at in known.values() for place in at.split(AND))
        self._parts.fetch_references(map(self._parts.value, places))
        made: dict[str, Any] = {}
        optional = 0
        for name, at in known.items():
            is_required = name in required
            if not is_required:
                optional += 1
                if optional > OPTIONAL_MAX or len(above) > LEVELS_MAX or self._left <= 0:
                    continue
            one = merged(self._parts, at)
            if one.has(self._side.foreign) or (one.has("deprecated") and not is_required):
                continue
            value = self.value(at, name, above)
            if value is not MISSING:
                made[name] = value
            elif is_required:
                return MISSING
        for name in sorted(required - known.keys()):
            made[name] = self._entry(schema, name, above)
        return self._enough(made, schema, above)

    def _enough(self, made: dict[str, Any], schema: Merged, above: tuple[str, ...]) -> Any:
        """Further members where there have to be some, or where only such are described."""
        least = schema.first("minProperties")
        wanted = least if isinstance(least, int) else 0
        if not schema.properties and schema.below("additionalProperties"):
            wanted = max(wanted, 1)
        for number in range(1, min(wanted, OPTIONAL_MAX) + 1):
            if len(made) >= wanted:
                break
            value = self._entry(schema, "", above)
            if value is MISSING:
                return made
            made[f"name{number}"] = value
        most = schema.first("maxProperties")
        if isinstance(most, int) and len(made) > most:
            kept = [name for name in made if name in schema.required]
            rest = [name for name in made if name not in schema.required]
            made = {name: made[name] for name in (kept + rest)[:most]}
        return made

    def _entry(self, schema: Merged, name: str, above: tuple[str, ...]) -> Any:
        at = schema.below("additionalProperties")
        return self.value(at, name, above) if at else "anything"

    def _list(self, schema: Merged, above: tuple[str, ...]) -> Any:
        least, most = schema.first("minItems"), schema.first("maxItems")
        count = least if isinstance(least, int) else 0
        if most == 0:
            return []
        made = self._tuple(schema, above)
        at = schema.below("items")
        if made or (schema.first("items") is False):
            return made
        is_room = len(above) <= LEVELS_MAX and self._left > 0
        item = self.value(at, "", above) if at and (count or is_room) else "anything"
        if not at and not count:
            return []
        if item is MISSING:
            return MISSING if count else []
        if not count:
            return [item] if is_room else []
        return self._distinct(item, count, schema, at)

    def _tuple(self, schema: Merged, above: tuple[str, ...]) -> list[Any]:
        for place, one in schema.places:
            listed = one.get("prefixItems")
            if isinstance(listed, list):
                at = (f"{place}/prefixItems/{index}" for index in range(len(listed[:OPTIONAL_MAX])))
                return [
                    value
                    for one_at in at
                    if (value := self.value(one_at, "", above)) is not MISSING
                ]
        return []

    def _distinct(self, item: Any, count: int, schema: Merged, at: str) -> Any:
        if count > VALUES_MAX:
            return MISSING
        if not schema.has("uniqueItems"):
            return [item] * count
        enum = merged(self._parts, at).first("enum") if at else MISSING
        if isinstance(enum, list) and len(enum) >= count:
            return enum[:count]
        if isinstance(item, bool) or not isinstance(item, int | float | str):
            return [item] if count == 1 else MISSING
        if isinstance(item, str):
            return [item, *(f"{item}{number}" for number in range(2, count + 1))]
        step = merged(self._parts, at).first("multipleOf") if at else 1
        return [item + number * (step if isinstance(step, int) else 1) for number in range(count)]


def _text(schema: Merged, name: str) -> Any:
    least, most = schema.first("minLength"), schema.first("maxLength")
    low = least if isinstance(least, int) else 0
    high = most if isinstance(most, int) else max(low, TEXT_CHARACTERS_MAX)
    if low > TEXT_CHARACTERS_MAX:
        return MISSING
    pattern = schema.first("pattern")
    kind = schema.first("format")
    candidates = [_TEXTS.get(kind, "") if isinstance(kind, str) else ""]
    if isinstance(pattern, str):
        candidates += [matching(pattern) or "", matching(pattern, low) or ""]
    candidates += [_sized(_word(name), low, high), _sized("text", low, high)]
    for candidate in candidates:
        if candidate and is_scalar_fit(candidate, schema):
            return candidate
    return "" if is_scalar_fit("", schema) else MISSING


def _word(name: str) -> str:
    return {"name": "Ada", "title": "A title", "currency": "EUR", "language": "en"}.get(
        name.lower(), "text"
    )


def _sized(text: str, low: int, high: int) -> str:
    return (text * (low // len(text) + 1) if len(text) < low else text)[: max(high, 0)][
        : max(low, len(text))
    ]


def _number(schema: Merged, *, is_whole: bool) -> Any:
    least, _, greatest, _ = bounds(schema)
    step = schema.first("multipleOf")
    unit: Any = step if isinstance(step, int | float) and step > 0 else (1 if is_whole else None)
    candidates: list[Any] = [1, 0]
    if least is not None:
        candidates = [least, *_aligned(least, unit), least + 1, least + (unit or 0.5), *candidates]
    if greatest is not None:
        below = (_aligned(greatest - (unit or 0), unit), _aligned(greatest, unit))
        candidates += [greatest, *below[1], *below[0], greatest - 1, greatest - (unit or 0.5)]
    if least is not None and greatest is not None:
        candidates.append((least + greatest) / 2)
    if unit is not None:
        candidates.append(unit)
    for candidate in candidates:
        value = int(candidate) if float(candidate).is_integer() else candidate
        if is_whole and not isinstance(value, int):
            continue
        if is_scalar_fit(value, schema):
            return value
    return MISSING


def _aligned(value: float, unit: float | None) -> list[float]:
    return [] if not unit else [math.ceil(value / unit) * unit, math.floor(value / unit) * unit]
