"""Do two places of two documents ask the same of callers? References followed, cycles too.

Words for people (descriptions, examples, titles) do not count, and neither do `x-` fields; a
property that happens to be named so does.
"""

from typing import Any

from headgate.catalog.pointers import MISSING, At, find_fragment, keys, pointer

DOCUMENTATION = frozenset(
    {"title", "summary", "description", "example", "examples", "externalDocs", "xml", "$comment"}
)
_NAMES = frozenset(
    {
        "properties",
        "patternProperties",
        "dependentSchemas",
        "$defs",
        "definitions",
        "headers",
        "content",
        "encoding",
        "links",
        "callbacks",
        "mapping",
        "responses",
    }
)
"""Fields whose object has free names: a key in it is a name, never a field."""

_UNORDERED = frozenset({"required", "enum", "tags"})
_REFERENCES_IN_A_ROW_MAX = 50


class Comparison:
    """Compares places of one pair of documents; remembers what it found equal."""

    def __init__(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        self._before = before
        self._after = after
        self._equal: set[tuple[int, int]] = set()

    def difference(
        self, before: Any, after: Any, *, are_names: bool = False, without: str = ""
    ) -> str | None:
        """The pointer, from the two values on, of the first difference; None if they are equal.

        `are_names` says that the values are objects with free names. The field `without` of the
        two values themselves does not count.
        """
        met: set[tuple[int, int]] = set()
        waiting: list[tuple[Any, Any, bool, At]] = [(before, after, are_names, None)]
        while waiting:
            one, other, is_map, at = waiting.pop()
            if not is_map:
                one, other = followed(self._before, one), followed(self._after, other)
            if not isinstance(one, dict | list):
                if type(one) is not type(other) or one != other:
                    return pointer(keys(at))
                continue
            pair = (id(one), id(other))
            if pair in met or pair in self._equal:
                continue
            ignored = without if at is None else ""
            if not ignored:
                met.add(pair)
            below = self._below(one, other, at, is_map=is_map, ignored=ignored)
            if isinstance(below, str):
                return below
            waiting += below
        self._equal |= met
        return None

    def _below(
        self, one: Any, other: Any, at: At, *, is_map: bool, ignored: str
    ) -> list[tuple[Any, Any, bool, At]] | str:
        """The pairs to compare next, or the pointer of a difference."""
        if isinstance(one, list):
            if not isinstance(other, list) or len(one) != len(other):
                return pointer(keys(at))
            if at is not None and at[1] in _UNORDERED:
                one, other = sorted(one, key=repr), sorted(other, key=repr)
            items = enumerate(zip(one, other, strict=True))
            return [(item, match, False, (at, index)) for index, (item, match) in items]
        if not isinstance(other, dict):
            return pointer(keys(at))
        names = _fields(one, ignored, is_map=is_map)
        names_after = _fields(other, ignored, is_map=is_map)
        for key in [*names, *names_after]:
            if (key in names) != (key in names_after):
                return pointer(keys((at, key)))
        return [self._pair(one, other, key, (at, key), is_map=is_map) for key in reversed(names)]

    def _pair(
        self, one: dict[str, Any], other: dict[str, Any], key: str, at: At, *, is_map: bool
    ) -> tuple[Any, Any, bool, At]:
        """The two values of a key; of a `$ref` that has siblings, what it names."""
        if key == "$ref" and not is_map:
            targets = _target(self._before, one[key]), _target(self._after, other[key])
            if MISSING not in targets:
                return (*targets, False, at)
        return one[key], other[key], not is_map and key in _NAMES, at


def followed(root: dict[str, Any], value: Any) -> Any:
    """The value, or what its `$ref` names; a `$ref` beside more than words is left."""
    for _ in range(_REFERENCES_IN_A_ROW_MAX):
        if not (isinstance(value, dict) and "$ref" in value):
            return value
        target = _target(root, value["$ref"])
        if target is MISSING or value.keys() - DOCUMENTATION - {"$ref"}:
            return value
        value = target
    return value


def _target(root: dict[str, Any], reference: object) -> Any:
    if not (isinstance(reference, str) and (reference == "#" or reference.startswith("#/"))):
        return MISSING
    return find_fragment(root, reference[1:])[0]


def _fields(value: dict[str, Any], ignored: str, *, is_map: bool) -> dict[str, None]:
    return {
        key: None
        for key in value
        if is_map or not (key in DOCUMENTATION or key.startswith("x-") or key == ignored)
    }
