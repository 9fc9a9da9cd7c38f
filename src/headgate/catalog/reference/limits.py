"""What does a schema ask of a value, in words? `1 to 255 characters`, `more than 0`.

Source: JSON Schema 2020-12 Validation §6.
"""

from collections.abc import Iterator
from typing import Any

from headgate.catalog.pointers import MISSING
from headgate.catalog.reference.merged import Merged
from headgate.core.phrases import Phrase, phrase, words_of

PATTERN_CHARACTERS_MAX = 500
_COUNTED = (
    ("minLength", "maxLength", words_of("character"), words_of("characters")),
    ("minItems", "maxItems", words_of("item"), words_of("items")),
    ("minProperties", "maxProperties", words_of("property"), words_of("properties")),
)


def limits(schema: Merged) -> tuple[Phrase, ...]:
    """The limits of a value, each a phrase."""
    return tuple(_limits(schema))


def bounds(schema: Merged) -> tuple[float | None, bool, float | None, bool]:
    """Least and greatest number, and whether each is excluded; of 3.0 and of 3.1."""
    least, is_over = _bound(schema, "minimum", "exclusiveMinimum", max)
    greatest, is_under = _bound(schema, "maximum", "exclusiveMaximum", min)
    return least, is_over, greatest, is_under


def _limits(schema: Merged) -> Iterator[Phrase]:
    least, is_over, greatest, is_under = bounds(schema)
    if least is not None and greatest is not None and not (is_over or is_under):
        yield phrase("{least} to {most}", least=_number(least), most=_number(greatest))
    else:
        if least is not None:
            number = _number(least)
            yield (
                phrase("more than {number}", number=number)
                if is_over
                else phrase("at least {number}", number=number)
            )
        if greatest is not None:
            number = _number(greatest)
            yield (
                phrase("less than {number}", number=number)
                if is_under
                else phrase("at most {number}", number=number)
            )
    if _is_number(multiple := schema.first("multipleOf")):
        yield phrase("a multiple of {number}", number=_number(multiple))
    for least_name, greatest_name, one, many in _COUNTED:
        yield from _counted(schema.first(least_name), schema.first(greatest_name), one, many)
    if schema.has("uniqueItems"):
        yield phrase("no item twice")
    for pattern in schema.every("pattern"):
        if isinstance(pattern, str):
            yield phrase("matches {pattern}", pattern=pattern[:PATTERN_CHARACTERS_MAX])
    if isinstance(kind := schema.first("contentMediaType"), str):
        yield phrase("holds {type}", type=kind[:PATTERN_CHARACTERS_MAX])


def _counted(least: Any, greatest: Any, one: str, many: str) -> Iterator[Phrase]:
    low = least if _is_number(least) and least > 0 else None
    high = greatest if _is_number(greatest) else None
    if low is not None and low == high:
        yield phrase("exactly {number} {noun}", number=_number(low), noun=_noun(low, one, many))
    elif low is not None and high is not None:
        numbers = {"least": _number(low), "most": _number(high)}
        yield phrase("{least} to {most} {noun}", **numbers, noun=phrase(many))
    elif low is not None:
        yield phrase("at least {number} {noun}", number=_number(low), noun=_noun(low, one, many))
    elif high is not None:
        yield phrase("at most {number} {noun}", number=_number(high), noun=_noun(high, one, many))


def _noun(number: float, one: str, many: str) -> Phrase:
    return phrase(one if number == 1 else many)


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
