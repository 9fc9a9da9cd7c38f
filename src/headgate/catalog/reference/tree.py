"""What does a page show of a schema? A tree that is opened one level at a time.

A node's address is a JSON pointer into the document, so that a schema that contains itself is as
easy to open as any other: nothing is written out before somebody asks.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any

from headgate.catalog.dialect import Side
from headgate.catalog.document import DESCRIPTION_CHARACTERS_MAX
from headgate.catalog.operations import shown
from headgate.catalog.pointers import MISSING, parse_pointer
from headgate.catalog.reference.limits import limits
from headgate.catalog.reference.merged import AND, Alternatives, Merged, merged
from headgate.catalog.reference.parts import Parts

CHILDREN_MAX = 200  # of one node; the rest is counted
NODES_MAX = 400  # made for one page: what is over stays closed
ENUM_SHOWN_MAX = 100
EXAMPLES_MAX = 3
VALUE_CHARACTERS_MAX = 500  # of a default, an example, a value of an enum
NAME_CHARACTERS_MAX = 200


class Kind(StrEnum):
    """What a node is to the one above it."""

    ROOT = "root"
    PROPERTY = "property"
    ITEM = "item"
    ENTRY = "entry"  # any other name: additionalProperties
    PATTERN = "pattern"  # names that match: patternProperties
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Node:
    """One schema as a page shows it. Texts are Markdown (`description`) or plain.

    `can_open`: there is something below it; `children` and `choices` are empty until it is opened.
    `is_cycle`: the same schema stands above it.
    """

    at: str
    kind: Kind
    name: str
    type: str
    title: str = ""  # of the component, or as the schema says
    format: str = ""
    description: str = ""
    is_required: bool = False
    is_nullable: bool = False
    is_deprecated: bool = False
    is_read_only: bool = False
    is_write_only: bool = False
    is_cycle: bool = False
    limits: tuple[str, ...] = ()
    enum: tuple[str, ...] = ()
    enum_dropped: int = 0
    const: str | None = None
    default: str | None = None
    examples: tuple[str, ...] = ()
    can_open: bool = False
    children: tuple["Node", ...] = ()
    children_dropped: int = 0
    choices: tuple["Choices", ...] = ()


@dataclass(frozen=True, slots=True)
class Choices:
    """Alternatives. `discriminator` is the property whose value says which one it is."""

    is_one: bool
    options: tuple[Node, ...]
    discriminator: str = ""


class Tree:
    """The nodes of one page, seen from the side that sends the values."""

    def __init__(self, parts: Parts, side: Side, nodes_max: int = NODES_MAX) -> None:
        self._parts = parts
        self._side = side
        self._left = nodes_max

    def root(self, at: str, levels: int = 1) -> Node:
        """The schema at an address, opened `levels` deep."""
        return self._node(at, Kind.ROOT, "", levels=levels, above=())

    def _node(
        self,
        at: str,
        kind: Kind,
        name: str,
        *,
        levels: int,
        above: tuple[str, ...],
        is_required: bool = False,
    ) -> Node:
        self._left -= 1
        schema = merged(self._parts, at)
        title = _title(self._parts, schema)
        home = _home(schema)
        node = Node(
            at=at,
            kind=kind,
            name=name[:NAME_CHARACTERS_MAX],
            type=_type(self._parts, schema),
            title=title,
            format=shown(schema.first("format"), NAME_CHARACTERS_MAX),
            description=shown(schema.first("description"), DESCRIPTION_CHARACTERS_MAX),
            is_required=is_required,
            is_nullable=schema.is_nullable,
            is_deprecated=schema.has("deprecated"),
            is_read_only=schema.has("readOnly"),
            is_write_only=schema.has("writeOnly"),
            is_cycle=home in above,
            limits=limits(schema),
            can_open=_can_open(schema),
            **_values(schema),
        )
        is_opened = levels > 0 and node.can_open and not node.is_cycle and self._left > 0
        return self._opened(node, schema, levels, (*above, home)) if is_opened else node

    def _opened(self, node: Node, schema: Merged, levels: int, above: tuple[str, ...]) -> Node:
        children = list(self._children(schema, levels, above))
        dropped = max(0, len(schema.properties) - CHILDREN_MAX)
        choices = tuple(self._choices(one, levels, above) for one in schema.alternatives)
        return replace(
            node,
            can_open=bool(children or choices),
            children=tuple(children),
            children_dropped=dropped,
            choices=choices,
        )

    def _children(self, schema: Merged, levels: int, above: tuple[str, ...]) -> Iterator[Node]:
        properties = dict(islice(schema.properties.items(), CHILDREN_MAX))
        places = (place for at in properties.values() for place in at.split(AND))
        self._parts.fetch_references(map(self._parts.value, places))
        for name, at in properties.items():
            if not self._is_foreign(at):
                yield self._node(
                    at,
                    Kind.PROPERTY,
                    name,
                    levels=levels - 1,
                    above=above,
                    is_required=name in schema.required,
                )
        for place, one in schema.places:
            patterns = one.get("patternProperties")
            for pattern in islice(patterns, CHILDREN_MAX) if isinstance(patterns, dict) else ():
                at = f"{place}/patternProperties/{_escaped(pattern)}"
                yield self._node(at, Kind.PATTERN, pattern, levels=levels - 1, above=above)
        for keyword, kind in (("additionalProperties", Kind.ENTRY), ("items", Kind.ITEM)):
            if at := schema.below(keyword):
                # the items of a list are no level of their own: people think of one thing
                below = levels if kind is Kind.ITEM else levels - 1
                node = self._node(at, kind, "", levels=below, above=above)
                if kind is not Kind.ITEM or _is_telling(node):
                    yield node
        yield from self._tuple_items(schema, levels, above)

    def _tuple_items(self, schema: Merged, levels: int, above: tuple[str, ...]) -> Iterator[Node]:
        for place, one in schema.places:
            listed = one.get("prefixItems")
            for index in range(min(len(listed), CHILDREN_MAX) if isinstance(listed, list) else 0):
                at = f"{place}/prefixItems/{index}"
                yield self._node(at, Kind.ITEM, f"{index + 1}", levels=levels - 1, above=above)

    def _choices(self, found: Alternatives, levels: int, above: tuple[str, ...]) -> Choices:
        values = found.values or ("",) * len(found.addresses)
        options = (
            self._node(at, Kind.CHOICE, value, levels=levels - 1, above=above)
            for at, value in zip(found.addresses, values, strict=True)
        )
        return Choices(found.is_one, tuple(options), found.discriminator)

    def _is_foreign(self, at: str) -> bool:
        """Whether the sender of this side does not send the property."""
        places = merged(self._parts, at)
        return places.has(self._side.foreign)


def _is_telling(node: Node) -> bool:
    """Whether the items of a list are more than what `array of string` has said."""
    return bool(node.can_open or node.limits or node.enum or node.description or node.format)


def opened(parts: Parts, at: str, side: Side) -> Node:
    """One node of a schema, opened by one level: what a page fetches when somebody opens it."""
    return Tree(parts, side).root(at, levels=1)


def nodes(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    for one in (*node.children, *(option for some in node.choices for option in some.options)):
        yield from nodes(one)


def _can_open(schema: Merged) -> bool:
    if schema.alternatives or schema.properties:
        return True
    keywords = ("additionalProperties", "items", "patternProperties")
    return any(isinstance(schema.first(one), dict) for one in keywords) or isinstance(
        schema.first("prefixItems"), list
    )


def _type(parts: Parts, schema: Merged) -> str:
    """`string`, `array of Pet`, `one of 3`, `any`."""
    if schema.is_never:
        return "nothing"
    types = schema.types
    if types == ("array",) and (at := schema.below("items")):
        item = merged(parts, at)
        return f"array of {_title(parts, item) or ' or '.join(item.types) or 'any'}"
    if types:
        return " or ".join(types)
    if schema.alternatives:
        first = schema.alternatives[0]
        return f"{'one' if first.is_one else 'any'} of {len(first.addresses)}"
    values = schema.first("enum")
    if isinstance(values, list) and values:
        return " or ".join(dict.fromkeys(map(type_of, values)))
    const = schema.first("const")
    if const is not MISSING:
        return type_of(const)
    return "null" if schema.is_nullable else "any"


def type_of(value: object) -> str:
    """The JSON type of a value."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "null" if value is None else names.get(type(value), "object")


def _home(schema: Merged) -> str:
    """What makes two nodes the same schema: where references lead in the end."""
    return next((place for place, one in schema.places if "$ref" not in one), schema.at)


def _title(parts: Parts, schema: Merged) -> str:
    """The name of the component that is meant, else the schema's own title."""
    for place, one in schema.places[:2]:
        target = parts.target(one)
        steps = parse_pointer(target if target is not None else place)
        if len(steps) == 3 and steps[:2] == ("components", "schemas"):
            return steps[2][:NAME_CHARACTERS_MAX]
    return shown(schema.first("title"), NAME_CHARACTERS_MAX)


def _values(schema: Merged) -> dict[str, Any]:
    """Enum, const, default and examples as JSON texts."""
    listed = schema.first("enum")
    enum = listed if isinstance(listed, list) else []
    const, default = schema.first("const"), schema.first("default")
    many = schema.first("examples")
    given = [one for one in [schema.first("example")] if one is not MISSING]
    examples = given + (many if isinstance(many, list) else [])
    return {
        "enum": tuple(json_text(one) for one in enum[:ENUM_SHOWN_MAX]),
        "enum_dropped": max(0, len(enum) - ENUM_SHOWN_MAX),
        "const": None if const is MISSING else json_text(const),
        "default": None if default is MISSING else json_text(default),
        "examples": tuple(json_text(one) for one in examples[:EXAMPLES_MAX]),
    }


def json_text(value: object) -> str:
    """A value as JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[: VALUE_CHARACTERS_MAX - 1] + "…"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
