"""Where in a document is a value? JSON pointers, kept cheap while nothing is wrong.

Source: RFC 6901; OpenAPI 3.1.1 §4.3 for pointers as URL fragments.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

At: TypeAlias = "tuple[At, str | int] | None"
"""A place as a chain from the inside out: None is the whole document. Built for every value that
is visited, so it is one tuple; `keys` and `pointer` are only asked for when there is a mistake."""

Keys: TypeAlias = tuple[str | int, ...]

MISSING = object()  # answer of `find` where a document has nothing


def keys(at: At) -> Keys:
    """The steps from the whole document to the place."""
    steps: list[str | int] = []
    while at is not None:
        at, key = at
        steps.append(key)
    return tuple(reversed(steps))


def place(steps: Sequence[str | int]) -> At:
    """The reverse of `keys`."""
    at: At = None
    for step in steps:
        at = (at, step)
    return at


def pointer(steps: Sequence[str | int]) -> str:
    """The steps as a JSON pointer: `/paths/~1pets/get`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def parse_pointer(text: str) -> tuple[str, ...]:
    """The steps of a JSON pointer; a wrong `~` stands for itself."""
    if not text:
        return ()
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def find(root: Any, steps: Sequence[str | int]) -> tuple[Any, Keys]:
    """The value that the steps lead to and the steps as they are in the document.

    Digits become an index where there is a list. `(MISSING, ())` where there is nothing.
    """
    value, actual = root, list[str | int]()
    for step in steps:
        key = _index(step, len(value)) if isinstance(value, list) else step
        if key is None or not isinstance(value, dict | list):
            return MISSING, ()
        if isinstance(value, dict) and key not in value:
            return MISSING, ()
        value = value[key]  # type: ignore[index]  # an index for lists, a name for objects
        actual.append(key)
    return value, tuple(actual)


def find_keys(root: Any, steps: Keys) -> Any:
    """The value at steps that are known to exist."""
    for step in steps:
        root = root[step]
    return root


def find_fragment(root: Any, fragment: str) -> tuple[Any, Keys]:
    """As `find` for the fragment of a reference: escapes of the URL first, then of the pointer.

    A key that holds a `%` written as such is found too.
    """
    found = find(root, parse_pointer(unquote(fragment)))
    if found[0] is MISSING and "%" in fragment:
        return find(root, parse_pointer(fragment))
    return found


def _index(step: str | int, length: int) -> int | None:
    if isinstance(step, str):
        if not (step.isascii() and step.isdecimal() and len(step) <= 9):
            return None
        step = int(step)
    return step if step < length else None
