"""What does a schema say, all of it together? References followed, `allOf` put together.

Source: OpenAPI 3.1.1 §4.8.24; JSON Schema 2020-12 Core §10.2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from headgate.catalog.pointers import MISSING, pointer
from headgate.catalog.reference.parts import Parts

MERGED_MAX = 100  # schemas put together into one
ALTERNATIVES_MAX = 50  # of one `oneOf`, and parts of one `allOf`
AND = "~&"
"""Between the pointers of an address that means several places at once. No pointer holds it: in
one, a `~` is followed by 0 or 1 (RFC 6901 §3)."""

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array"})


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Schemas of which one (`oneOf`) or some (`anyOf`) must fit; by their addresses."""

    is_one: bool
    addresses: tuple[str, ...]
    discriminator: str = ""
    values: tuple[str, ...] = ()  # of the discriminator, one for each address, "" where unknown


@dataclass(frozen=True, slots=True)
class Merged:
    """The schemas that hold at one address, outermost first, each with its pointer."""

    at: str
    places: tuple[tuple[str, dict[str, Any]], ...]
    alternatives: tuple[Alternatives, ...]
    is_nullable: bool
    is_never: bool = False  # the schema `false`

    def first(self, keyword: str) -> Any:
        """The outermost value of a keyword; `MISSING` where no schema has it."""
        return next((s[keyword] for _, s in self.places if keyword in s), MISSING)

    def every(self, keyword: str) -> Iterator[Any]:
        """Every schema's value of a keyword."""
        return (schema[keyword] for _, schema in self.places if keyword in schema)

    def has(self, flag: str) -> bool:
        """Whether a flag is set anywhere."""
        return any(value is True for value in self.every(flag))

    @property
    def types(self) -> tuple[str, ...]:
        """JSON types, without null; guessed from other keywords where none is given."""
        for given in self.every("type"):
            listed = given if isinstance(given, list) else [given]
            found = tuple(kind for kind in listed if isinstance(kind, str) and kind in _TYPES)
            if found:
                return found
        for keyword, kind in (("properties", "object"), ("items", "array")):
            if isinstance(self.first(keyword), dict):
                return (kind,)
        if isinstance(self.first("additionalProperties"), dict):
            return ("object",)
        return ()

    @property
    def required(self) -> frozenset[str]:
        """Names of required properties."""
        lists = (value for value in self.every("required") if isinstance(value, list))
        return frozenset(name for names in lists for name in names if isinstance(name, str))

    @property
    def properties(self) -> dict[str, str]:
        """Address by name, in the document's order."""
        found: dict[str, list[str]] = {}
        for place, schema in self.places:
            listed = schema.get("properties")
            for name in listed if isinstance(listed, dict) else ():
                found.setdefault(name, []).append(f"{place}{pointer(('properties', name))}")
        return {name: AND.join(places[:MERGED_MAX]) for name, places in found.items()}

    def below(self, keyword: str) -> str:
        """The address of a keyword's schema, "" where it is none."""
        return AND.join(
            f"{place}/{keyword}"
            for place, schema in self.places
            if isinstance(schema.get(keyword), dict)
        )


def merged(parts: Parts, at: str) -> Merged:
    """What holds at an address. One that leads nowhere means anything."""
    gathered = _Gathered(parts)
    for place in at.split(AND)[:MERGED_MAX]:
        gathered.add(place)
    return Merged(
        at,
        tuple(gathered.places),
        tuple(gathered.alternatives),
        gathered.is_nullable,
        gathered.is_never,
    )


class _Gathered:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen: set[str] = set()
        self.places: list[tuple[str, dict[str, Any]]] = []
        self.alternatives: list[Alternatives] = []
        self.is_nullable = False
        self.is_never = False

    def add(self, place: str) -> None:
        if place in self._seen or len(self._seen) >= MERGED_MAX:
            return
        self._seen.add(place)
        schema = self._parts.value(place)
        if schema is False:
            self.is_never = True
        if not isinstance(schema, dict):
            return
        self.places.append((place, schema))
        self._note_null(schema)
        target = self._parts.target(schema)
        if target is not None:
            self.add(target)
        listed = schema.get("allOf")
        for index in range(min(len(listed), MERGED_MAX) if isinstance(listed, list) else 0):
            self.add(f"{place}/allOf/{index}")
        for keyword in ("oneOf", "anyOf"):
            if isinstance(schema.get(keyword), list):
                self._add_alternatives(place, schema, keyword)

    def _note_null(self, schema: dict[str, Any]) -> None:
        kind = schema.get("type")
        if schema.get("nullable") is True or schema.get("x-nullable") is True:
            self.is_nullable = True
        if kind == "null" or (isinstance(kind, list) and "null" in kind):
            self.is_nullable = True

    def _add_alternatives(self, place: str, schema: dict[str, Any], keyword: str) -> None:
        """`oneOf: [X, {type: "null"}]` is X that may be null."""
        listed = schema[keyword][:ALTERNATIVES_MAX]
        self._parts.fetch_references(listed)
        kept = [index for index, one in enumerate(listed) if not _is_null(one)]
        if len(kept) < len(listed):
            self.is_nullable = True
        addresses = [f"{place}/{keyword}/{index}" for index in kept]
        if len(addresses) == 1:
            self.add(addresses[0])
            return
        said = schema.get("discriminator")
        said = said if isinstance(said, dict) else {}
        name = said.get("propertyName")
        values = [self._value(one, said.get("mapping")) for one in addresses]
        self.alternatives.append(
            Alternatives(
                keyword == "oneOf",
                tuple(addresses),
                name if isinstance(name, str) else "",
                tuple(values) if isinstance(name, str) else (),
            )
        )

    def _value(self, address: str, mapping: object) -> str:
        """Which value of the discriminator means this alternative."""
        target = self._parts.target(self._parts.value(address))
        if target is None:
            return ""
        component = target.rsplit("/", 1)[-1]
        for value, meant in (
            islice(mapping.items(), MERGED_MAX) if isinstance(mapping, dict) else ()
        ):
            if isinstance(meant, str) and target in (
                meant.removeprefix("#"),
                f"/components/schemas/{meant}",
            ):
                return str(value)
        return component


def _is_null(schema: object) -> bool:
    return isinstance(schema, dict) and (
        schema.get("type") == "null"
        or schema.get("enum") == [None]
        or schema.get("const", 0) is None
    )
