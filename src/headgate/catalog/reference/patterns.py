"""Which short text matches a pattern? Made from the pattern, not searched for.

The pattern is only parsed, never run. What ECMA-262 has and Python has not gives nothing.
"""

import re
import warnings
from re import _constants as codes  # type: ignore[attr-defined]  # public only as deprecated sre_constants
from re import _parser  # type: ignore[attr-defined]  # public only as deprecated sre_parse
from typing import Any

CHARACTERS_MAX = 200
STEPS_MAX = 1_000
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "0",
    codes.CATEGORY_WORD: "a",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_DIGIT: "a",
    codes.CATEGORY_NOT_WORD: "-",
    codes.CATEGORY_NOT_SPACE: "a",
}
_LIKED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. "


def matching(pattern: str, characters_min: int = 0) -> str | None:
    """A text that should match; the caller makes sure that it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a pattern of a stranger may be odd
            parsed = _parser.parse(pattern)
        made = _Maker(characters_min).text(parsed)
    except (re.error, RecursionError, OverflowError, _TooLong, KeyError, ValueError):
        return None
    return made


class _TooLong(Exception):  # noqa: N818  # it ends the making, and no caller sees it
    """The text would be too long, or take too long."""


class _Maker:
    def __init__(self, characters_min: int) -> None:
        self._wanted = characters_min
        self._made = 0
        self._steps = 0
        self._groups: dict[int, str] = {}

    def text(self, parsed: Any) -> str:
        return "".join(self._one(code, given) for code, given in parsed)

    def _one(self, code: Any, given: Any) -> str:
        self._steps += 1
        if self._steps > STEPS_MAX or self._made > CHARACTERS_MAX:
            raise _TooLong
        if code in (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY, codes.CATEGORY):
            self._made += 1
            return _character(code, given)
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            return self._repeated(*given)
        if code is codes.SUBPATTERN:
            made = self.text(given[3])
            if given[0] is not None:
                self._groups[given[0]] = made
            return made
        if code is codes.BRANCH:
            return self.text(given[1][0])
        if code is codes.ATOMIC_GROUP:
            return self.text(given)
        if code is codes.GROUPREF:
            return self._groups[given]
        return ""  # places and assertions; what they ask is checked by the caller

    def _repeated(self, least: int, most: Any, inner: Any) -> str:
        # what is left to the length goes into the first repetition that takes it
        missing = max(0, self._wanted - self._made)
        times = least if most is not codes.MAXREPEAT and int(most) <= least else max(least, missing)
        if most is not codes.MAXREPEAT:
            times = min(times, int(most))
        if times > CHARACTERS_MAX:
            raise _TooLong
        return "".join(self.text(inner) for _ in range(times))


def _character(code: Any, given: Any) -> str:
    if code is codes.LITERAL:
        return chr(given)
    if code is codes.ANY:
        return "a"
    if code is codes.CATEGORY:
        return _CATEGORIES[given]
    if code is codes.NOT_LITERAL:
        return next(letter for letter in _LIKED if ord(letter) != given)
    return _of_set(given)


def _of_set(members: Any) -> str:
    is_negated = members[0][0] is codes.NEGATE
    if is_negated:
        text = "[^" + "".join(_written(code, given) for code, given in members[1:]) + "]"
        found = re.compile(text)
        return next(letter for letter in _LIKED if found.fullmatch(letter))
    code, given = members[0]
    if code is codes.RANGE:
        return chr(given[0])
    return _character(code, given)


def _written(code: Any, given: Any) -> str:
    if code is codes.LITERAL:
        return re.escape(chr(given))
    if code is codes.RANGE:
        return f"{re.escape(chr(given[0]))}-{re.escape(chr(given[1]))}"
    return {codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_WORD: r"\w", codes.CATEGORY_SPACE: r"\s"}[
        given
    ]
