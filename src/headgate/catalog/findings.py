"""What is wrong with a document, and where? Collected first, given lines and words at the end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headgate.catalog.document import MESSAGE_CHARACTERS_MAX
from headgate.catalog.lines import lines_of
from headgate.catalog.pointers import At, Keys, keys, pointer
from headgate.core.phrases import Phrase, Sentence, capital, phrase
from headgate.core.problems import Detail

FINDINGS_MAX = 5_000  # kept of each severity; far more than is listed


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake at a place of one file. `line` only where the text could not be read."""

    location: str
    at: At
    message: str
    line: int | None = None


class Findings:
    """The mistakes of one import: errors refuse the document, warnings are listed with it."""

    def __init__(self) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.errors_dropped = 0
        self.warnings_dropped = 0

    def error(self, location: str, at: At, message: str, line: int | None = None) -> None:
        if len(self.errors) < FINDINGS_MAX:
            self.errors.append(Finding(location, at, message, line))
        else:
            self.errors_dropped += 1

    def warning(self, location: str, at: At, message: str) -> None:
        if len(self.warnings) < FINDINGS_MAX:
            self.warnings.append(Finding(location, at, message))
        else:
            self.warnings_dropped += 1


def details(
    findings: Iterable[Finding], texts: Mapping[str, str], *, limit: int, entry: str
) -> tuple[Detail, ...]:
    """The first `limit` findings by file (the entry first) and line.

    A finding in another file than the entry names that file in its message.
    """
    ordered = sorted(findings, key=lambda found: (found.location != entry, found.location))
    chosen = ordered[:FINDINGS_MAX]
    wanted: dict[str, set[Keys]] = {}
    for found in chosen:
        wanted.setdefault(found.location, set()).add(keys(found.at))
    lines = {
        location: lines_of(location, texts[location], places) if location in texts else {}
        for location, places in wanted.items()
    }
    result: list[tuple[tuple[bool, str, int], Detail]] = []
    for found in chosen:
        steps = keys(found.at)
        line = found.line or lines[found.location].get(steps)
        message = _sentence(found.message)
        if found.location != entry:
            message = phrase("{file}: {message}", file=found.location, message=message)
        detail = Detail(_cut(message), _cut(pointer(steps)), line)
        result.append(((found.location != entry, found.location, line or 0), detail))
    result.sort(key=lambda pair: pair[0])
    unique = dict.fromkeys(detail for _, detail in result)
    return tuple(unique)[:limit]


def _cut(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", "\\0")  # which no database keeps
    is_long = len(text) > MESSAGE_CHARACTERS_MAX
    return text[:MESSAGE_CHARACTERS_MAX] + "…" if is_long else text


def _sentence(text: str) -> str:
    return Sentence(text.words, text.values) if isinstance(text, Phrase) else capital(text)
