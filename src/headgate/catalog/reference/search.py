"""What was meant by these words? Names, tags, operations and texts, the best first.

Every word of the question must be found, anywhere and also inside a word. Where it is found, and
whether a word begins there, decides the order; equal ones keep theirs.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

WORDS_MAX = 8
QUERY_CHARACTERS_MAX = 200
RESULTS_MAX = 50
SEARCHED_MAX = 50_000  # things in one index; more are not searched, and counted

_SEPARATORS = " /-_.{}():,;"
_TITLE, _NAME, _TAG, _TEXT = 8, 6, 4, 1  # what a word counts where it begins a word; inside, half


@dataclass(frozen=True, slots=True)
class Searched:
    """One thing that can be found; `key` says which one it is."""

    key: str
    title: str
    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Folded:
    key: str
    all: str
    fields: tuple[tuple[int, str], ...]  # what a find in it counts, and the text
    length: int


class SearchIndex:
    """Things made ready for many questions."""

    def __init__(self, things: Iterable[Searched]) -> None:
        listed = list(things)
        self.dropped = max(0, len(listed) - SEARCHED_MAX)
        self._things = [_folded(one) for one in listed[:SEARCHED_MAX]]

    def __len__(self) -> int:
        return len(self._things)

    def find(self, query: str, results_max: int = RESULTS_MAX) -> tuple[str, ...]:
        """The keys of what fits every word, the best first; nothing for no words."""
        words = _words(query)
        if not words:
            return ()
        whole = " ".join(words)
        scored = [
            (-_score(thing, words, whole), thing.length, number)
            for number, thing in enumerate(self._things)
            if all(word in thing.all for word in words)
        ]
        best = sorted(scored)[: max(0, min(results_max, RESULTS_MAX))]
        return tuple(self._things[number].key for _, _, number in best)


def fold(text: str) -> str:
    """A text as it is compared: no case, no accents, separators as spaces, words of camelCase."""
    spaced = "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter
        for before, letter in zip(" " + text, text, strict=False)
    )
    plain = unicodedata.normalize("NFKD", spaced.casefold())
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(kept.translate(_SPACES).split())


_SPACES = str.maketrans(dict.fromkeys(_SEPARATORS, " "))


def _words(query: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold(query[:QUERY_CHARACTERS_MAX]).split()))[:WORDS_MAX]


def _folded(thing: Searched) -> _Folded:
    fields = (
        (_TITLE, f" {fold(thing.title)} "),
        (_NAME, f" {' '.join(fold(name) for name in thing.names)} "),
        (_TAG, f" {' '.join(fold(tag) for tag in thing.tags)} "),
        (_TEXT, f" {fold(thing.text)} "),
    )
    return _Folded(thing.key, "".join(text for _, text in fields), fields, len(thing.title))


def _score(thing: _Folded, words: tuple[str, ...], whole: str) -> float:
    found = 0.0
    for word in words:
        found += max(_worth(text, word) * worth for worth, text in thing.fields)
    title = thing.fields[0][1]
    if f" {whole} " == title:
        found += 3 * _TITLE
    elif whole in title:
        found += _TITLE
    return found


def _worth(text: str, word: str) -> float:
    """1 for a whole word, less where one only begins, least inside one."""
    if f" {word} " in text:
        return 1.0
    if f" {word}" in text:
        return 0.8
    return 0.5 if word in text else 0.0
