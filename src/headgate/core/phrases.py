"""How is a sentence with values in it said in another language? It carries what it is made of.

A `Phrase` is its English text to all who read it as such (REST, commands, logs), and keeps words
and values apart for the pages, which say it in their reader's language.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Self


class Phrase(str):
    """English text, with the `words` and `values` that it was made of by `str.format`.

    A value that is a phrase itself is said in the other language too; every other one stays.
    """

    __slots__ = ("values", "words")
    words: str
    values: Mapping[str, Any]

    def __new__(cls, words: str, values: Mapping[str, Any]) -> Self:
        """The sentence in English."""
        told = {name: _told(value) for name, value in values.items()}
        made = super().__new__(cls, cls._begun(words.format_map(told)))
        made.words, made.values = words, told
        return made

    def __getnewargs__(self) -> tuple[str, Mapping[str, Any]]:  # type: ignore[override]  # of a str it is its text
        return self.words, self.values

    def said(self, translate: Callable[[str], str]) -> str:
        """The sentence with its words as `translate` has them."""
        values = {
            name: value.said(translate) if isinstance(value, Phrase) else value
            for name, value in self.values.items()
        }
        return self._begun(translate(self.words).format_map(values)) if self.words else ""

    @staticmethod
    def _begun(text: str) -> str:
        return text

    def as_data(self) -> dict[str, Any]:
        """As JSON, to be kept."""
        values = {
            name: value.as_data() if isinstance(value, Phrase) else value
            for name, value in self.values.items()
        }
        return {"words": self.words, "values": values}


class Sentence(Phrase):
    """A clause that stands alone: in every language it begins with a capital letter."""

    __slots__ = ()

    @staticmethod
    def _begun(text: str) -> str:
        return capital(text)


def capital(text: str) -> str:
    """A clause as a sentence begins."""
    return text[:1].upper() + text[1:]


def words_of(text: str) -> str:
    """The same: it marks the words of phrases that are made later, for those who translate."""
    return text


def phrase(words: str, /, **values: Any) -> Phrase:
    """A sentence: `phrase("There are {most:,} pages already.", most=PAGES_MAX)`."""
    return Phrase(words, values)


def together(parts: Iterable[str], between: str = " ") -> Phrase:
    """Phrases and other texts, one after another."""
    values = {f"part_{number}": one for number, one in enumerate(parts)}
    return Phrase(between.join(f"{{{name}}}" for name in values), values)


def either(texts: Sequence[str]) -> str:
    """One of these: `a list or a text`."""
    return reduce(lambda one, other: phrase("{one} or {other}", one=one, other=other), texts)


def _told(value: Any) -> Any:
    """What an error says, in its place."""
    is_error = isinstance(value, Exception) and len(value.args) == 1
    return value.args[0] if is_error else value


def from_data(data: Mapping[str, Any]) -> Phrase:
    """The reverse of `Phrase.as_data`."""
    values = {
        name: from_data(value) if isinstance(value, dict) else value
        for name, value in data["values"].items()
    }
    return Phrase(data["words"], values)
