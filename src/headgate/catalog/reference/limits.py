"""What does a schema ask of a value, in words? `1 to 255 characters`, `more than 0`.

Source: JSON Schema 2020-12 Validation §6.
"""

from collections.abc import Iterator
from typing import Any

from headgate.catalog.pointers import MISSING
from headgate.catalog.reference.merged import Merged

PATTERN_CHARACTERS_MAX = 500
_COUNTED = (
    ("minLength", "maxLength", "character"),
    ("minItems", "maxItems", "item"),
    ("minProperties", "maxProperties", "property"),
)
_PLURALS = {"property": "properties"}


def limits(schema: Merged) -> tuple[str, ...]:
    """The limits of a value, each a phrase."""
    return tuple(_limits(schema))


def bounds(schema: Merged) -> tuple[float | None, bool, float | None, bool]:
    """Least and greatest number, and whether each is excluded; of 3.0 and of 3.1."""
    least, is_over = _bound(schema, "minimum", "exclusiveMinimum", max)
    greatest, is_under = _bound(schema, "maximum", "exclusiveMaximum", min)
    return least, is_over, greatest, is_under


def _limits(schema: Merged) -> Iterator[str]:
    least, is_over, greatest, is_under = bounds(schema)
    if least is not None and greatest is not None and not (is_over or is_under):
        yield f"{_number(least)} to {_number(greatest)}"
    else:
        if least is not None:
            yield f"{'more than' if is_over else 'at least'} {_number(least)}"
        if greatest is not None:
            yield f"{'less than' if is_under else 'at most'} {_number(greatest)}"
    if _is_number(multiple := schema.first("multipleOf")):
        yield f"a multiple of {_number(multiple)}"
    for least_name, greatest_name, noun in _COUNTED:
        yield from _counted(schema.first(least_name), schema.first(greatest_name), noun)
    if schema.has("uniqueItems"):
        yield "no item twice"
    for pattern in schema.every("pattern"):
        if isinstance(pattern, str):
            yield f"matches {pattern[:PATTERN_CHARACTERS_MAX]}"
    if isinstance(kind := schema.first("contentMediaType"), str):
        yield f"holds {kind[:PATTERN_CHARACTERS_MAX]}"


def _counted(least: Any, greatest: Any, noun: str) -> Iterator[str]:
    low = least if _is_number(least) and least > 0 else None
    high = greatest if _is_number(greatest) else None
    plural = _PLURALS.get(noun, f"{noun}s")
    if low is not None and low == high:
        yield f"exactly {_number(low)} {noun if low == 1 else plural}"
    elif low is not None and high is not None:
        yield f"{_number(low)} to {_number(high)} {plural}"
    elif low is not None:
        yield f"at least {_number(low)} {noun if low == 1 else plural}"
    elif high is not None:
        yield f"at most {_number(high)} {noun if high == 1 else plural}"


def _bound(schema: Merged, name: str, exclusive: str, choose: Any) -> tuple[float | None, bool]:
    """The strictest bound of one side."""
    found: list[tuple[float, bool]] = []
    for _, one in schema.places:
        plain, flag = one.get(name, MISSING), one.get(exclusive, MISSING)
        if _is_number(plain):
            found.append((plain, flag is True))
        if _is_number(flag):
            found.append((flag, True))
    if not found:
        return None, False
    strictest = choose(value for value, _ in found)
    return strictest, any(is_out for value, is_out in found if value == strictest)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else f"{value}"
