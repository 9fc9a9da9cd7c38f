"""What changed from one state of a thing to the next? For people: place, before, after."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DIFFERENCES_MAX = 500
TEXT_CHARACTERS_MAX = 2000  # of one value


@dataclass(frozen=True, slots=True)
class Difference:
    """One place. `before` or `after` is None where there was nothing, or nothing is left."""

    place: str
    before: str | None
    after: str | None


def differences(before: Any, after: Any) -> list[Difference]:
    """Where two values of JSON differ, in the order of the second; at most `DIFFERENCES_MAX`.

    Lists are compared place by place; an object that came or went is told with each of its values.
    """
    found: list[Difference] = []
    for one in _between("", before, after):
        if len(found) == DIFFERENCES_MAX:
            break
        found.append(one)
    return found


def _between(place: str, before: Any, after: Any) -> Iterator[Difference]:
    if _is_nested(before) or _is_nested(after):
        old, new = _members(before), _members(after)
        if old is not None and new is not None:
            for key in [*new, *(key for key in old if key not in new)]:
                at = f"{place}.{key}" if place else key
                yield from _between(at, old.get(key), new.get(key))
            return
    if before != after or type(before) is not type(after):
        yield Difference(place, _text(before), _text(after))


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _members(value: Any) -> dict[str, Any] | None:
    """The parts of a value by their names; a value without any is a value of its own."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(key): part for key, part in value.items()}
    if isinstance(value, list):
        return {str(number + 1): part for number, part in enumerate(value)}
    return None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else str(value)
    if len(text) > TEXT_CHARACTERS_MAX:
        text = f"{text[:TEXT_CHARACTERS_MAX]}…"
    return text
