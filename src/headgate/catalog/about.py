"""What is an API about? The few words of its document that a catalogue shows and searches."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DESCRIPTION_CHARACTERS_MAX = 400
WORDS_CHARACTERS_MAX = 20_000
READ_CHARACTERS_MAX = 100_000  # of a description; what follows is not read
TAGS_MAX = 100
TAG_CHARACTERS_MAX = 80

_FENCES = re.compile(r"(?ms)^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)")
_LINKS = re.compile(r"!?\[([^\]\[]{0,500})\]\([^)\s]{0,2000}(?:\s[^)]{0,200})?\)")
_MARKUP = re.compile(r"<[^<>]{0,2000}>")
_MARKS = re.compile(r"(?m)^\s{0,3}(?:[#>]{1,6}|[-+*]|\d{1,9}[.)])\s+|[*_`|\\]+|^[-=\s]{3,}$")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")


@dataclass(frozen=True, slots=True)
class About:
    """`description`: its first paragraph as plain text. `words`: what a search looks through."""

    description: str
    tags: tuple[str, ...]
    words: str


def about(document: Mapping[str, Any]) -> About:
    """The words of a bundled document, Swagger's too; empty where it says nothing."""
    info = _mapping(document.get("info"))
    long = _text(info.get("description"))[:READ_CHARACTERS_MAX]
    tags = tuple(dict.fromkeys(_tags(document)))[:TAGS_MAX]
    told = [_text(tag.get("description"))[:1_000] for tag in _mappings(document.get("tags"))]
    parts = (_text(info.get("title")), _text(info.get("summary")), *tags, plain(long), *told)
    words = " ".join(" ".join(parts).split())
    summary = plain(_text(info.get("summary"))) or _first_paragraph(long)
    return About(_cut(summary), tags, words[:WORDS_CHARACTERS_MAX])


def plain(markdown: str) -> str:
    """The text of Markdown without its marks, on one line: for excerpts, never for showing it."""
    text = _FENCES.sub(" ", markdown)
    text = _LINKS.sub(r"\1", text)
    text = _MARKUP.sub(" ", text)
    return " ".join(_MARKS.sub(" ", text).replace("\0", "").split())


def _first_paragraph(markdown: str) -> str:
    for part in _PARAGRAPHS.split(_FENCES.sub(" ", markdown)):
        lines = [line for line in part.splitlines() if not _HEADING.match(line)]
        found = plain("\n".join(lines))
        if found:
            return found
    return ""


def _cut(text: str) -> str:
    """At most `DESCRIPTION_CHARACTERS_MAX`, between words."""
    if len(text) <= DESCRIPTION_CHARACTERS_MAX:
        return text
    return text[: DESCRIPTION_CHARACTERS_MAX - 1].rpartition(" ")[0] + "…"


def _tags(document: Mapping[str, Any]) -> Iterator[str]:
    for tag in _mappings(document.get("tags")):
        if name := _text(tag.get("name")).strip():
            yield name[:TAG_CHARACTERS_MAX]
    for item in _mapping(document.get("paths")).values():
        for operation in _mapping(item).values():
            named = _mapping(operation).get("tags")
            for name in named if isinstance(named, list) else ():
                if isinstance(name, str) and name.strip():
                    yield name.strip()[:TAG_CHARACTERS_MAX]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
