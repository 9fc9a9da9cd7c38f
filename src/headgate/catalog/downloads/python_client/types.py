"""Which Python types stand for the schemas of a document? `TypedDict`s, as JSON comes and goes."""

from collections.abc import Iterator

from headgate.catalog.downloads.python_client.names import Names
from headgate.catalog.pointers import pointer
from headgate.catalog.reference.merged import AND, Merged, merged
from headgate.catalog.reference.parts import Parts
from headgate.catalog.samples.python import quoted

LEVELS_MAX = 5  # of types written out in place; what is deeper is Any
LITERALS_MAX = 50
UNION_MAX = 30
ANYTHING = "Any"
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_TYPES_PREFIX = ("components", "schemas")


class Types:
    """The types of one package: one name for each component, in `models`."""

    def __init__(self, parts: Parts, components: list[str]) -> None:
        self._parts = parts
        names = Names()
        self._names = {pointer((*_TYPES_PREFIX, name)): names.type(name) for name in components}

    def module(self) -> str:
        """The source of `models`."""
        made = "\n".join(self._definition(at, name) for at, name in self._names.items())
        listed = "".join(f"    {quoted(name)},\n" for name in sorted(self._names.values()))
        return (
            '"""The values that the API takes and gives, as JSON has them."""\n\n'
            "from typing import Any, Literal, NotRequired, Required, TypeAlias, TypedDict\n\n"
            f"__all__ = [\n{listed}]\n\n{made}"
        )

    def of(self, at: str, *, prefix: str = "", levels: int = LEVELS_MAX) -> str:
        """The type at an address, as an expression. `prefix` stands before names of `models`."""
        name = self._component(at)
        if name:
            schema = merged(self._parts, at)
            return f"{prefix}{name} | None" if _adds_null(schema) else f"{prefix}{name}"
        return self._written(merged(self._parts, at), prefix, levels)

    def _definition(self, at: str, name: str) -> str:
        schema = merged(self._parts, at)
        if _is_record(schema):
            fields = "".join(f"        {line},\n" for line in self._fields(schema))
            return (
                f"{name} = TypedDict(\n    {quoted(name)},\n    {{\n{fields}    }},\n"
                f"    total=False,\n)\n"
            )
        target = self._component(at, is_inside=True)
        written = target if target and target != name else self._written(schema, "", LEVELS_MAX)
        return f"{name}: TypeAlias = {quoted(written)}\n"

    def _fields(self, schema: Merged) -> Iterator[str]:
        required = schema.required
        for name, at in schema.properties.items():
            word = "Required" if name in required else "NotRequired"
            yield f"{quoted(name)}: {word}[{quoted(self.of(at))}]"

    def _written(self, schema: Merged, prefix: str, levels: int) -> str:
        if schema.is_never or levels <= 0:
            return ANYTHING
        found = self._alternatives(schema, prefix, levels) or self._plain(schema, prefix, levels)
        if ANYTHING in found:
            return ANYTHING
        if schema.is_nullable:
            found.append("None")
        return " | ".join(dict.fromkeys(found)) or ANYTHING

    def _alternatives(self, schema: Merged, prefix: str, levels: int) -> list[str]:
        if not schema.alternatives or schema.properties:
            return []
        addresses = schema.alternatives[0].addresses
        if len(addresses) > UNION_MAX:
            return [ANYTHING]
        return [self.of(at, prefix=prefix, levels=levels - 1) for at in addresses]

    def _plain(self, schema: Merged, prefix: str, levels: int) -> list[str]:
        values = schema.first("enum")
        if isinstance(values, list) and 0 < len(values) <= LITERALS_MAX:
            texts = [one for one in values if isinstance(one, str)]
            if len(texts) == len([one for one in values if one is not None]):
                return [f"Literal[{', '.join(map(quoted, dict.fromkeys(texts)))}]"] if texts else []
        const = schema.first("const")
        if isinstance(const, str):
            return [f"Literal[{quoted(const)}]"]
        return [self._of_kind(kind, schema, prefix, levels) for kind in schema.types] or (
            [] if schema.is_nullable else [ANYTHING]
        )

    def _of_kind(self, kind: str, schema: Merged, prefix: str, levels: int) -> str:
        if kind == "string" and schema.first("format") == "binary":
            return "bytes"
        if kind in _SCALARS:
            return _SCALARS[kind]
        if kind == "array":
            at = schema.below("items")
            item = self.of(at, prefix=prefix, levels=levels - 1) if at else ANYTHING
            return f"list[{item}]"
        at = "" if schema.properties else schema.below("additionalProperties")
        value = self.of(at, prefix=prefix, levels=levels - 1) if at else ANYTHING
        return f"dict[str, {value}]"

    def _component(self, at: str, *, is_inside: bool = False) -> str:
        """The name of the component that an address is, or refers to and nothing else."""
        if AND in at:
            return ""
        if at in self._names and not is_inside:
            return self._names[at]
        value = self._parts.value(at)
        target = self._parts.target(value)
        if target is None and isinstance(value, dict) and isinstance(value.get("allOf"), list):
            only = value["allOf"]
            is_one = len(only) == 1 and not {"properties", "oneOf", "anyOf"} & value.keys()
            target = self._parts.target(only[0]) if is_one else None
        return self._names.get(target or "", "") if target is not None else ""


def _is_record(schema: Merged) -> bool:
    """Whether every value is an object with known members."""
    is_object = schema.types in {("object",), ()} and bool(schema.properties)
    return is_object and not schema.is_nullable


def _adds_null(schema: Merged) -> bool:
    """Whether null is allowed beside the component, not by it."""
    own = schema.places[0][1] if schema.places else {}
    return "$ref" in own and own.get("nullable") is True


def component_names(document: dict[str, object]) -> list[str]:
    """The names of a document's schemas."""
    components = document.get("components")
    schemas = components.get("schemas") if isinstance(components, dict) else None
    return list(schemas) if isinstance(schemas, dict) else []
