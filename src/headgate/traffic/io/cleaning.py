"""What is left of a segment when its bad lines are taken out?

Only segments that DuckDB refuses come here: the good ones never pay for it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from headgate.model.logline import LINE_FIELDS
from headgate.traffic.io.engine import JSON_LINE_BYTES_MAX
from headgate.traffic.record import line_error

_VALUE = re.compile(rb"=[^&\s\"]+")
REJECT_BYTES_MAX = 4096  # of one rejected line: enough to see what it is


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is no record: its number from 1, its beginning without values, and why."""

    line: int
    text: str
    reason: str

    def as_json(self, segment: str) -> bytes:
        """As one line of a rejects file."""
        return orjson.dumps(
            {"segment": segment, "line": self.line, "reason": self.reason, "text": self.text},
            option=orjson.OPT_APPEND_NEWLINE,
        )


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`records` good lines were written; `rejects` holds the rest, at most `rejects_max`."""

    records: int
    rejected: int
    rejects: tuple[Reject, ...]


def count_lines(path: Path) -> int:
    """Lines of a file; a last one without its newline counts too."""
    lines = 0
    last = b"\n"
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return lines + (last != b"\n")


def masked(line: bytes) -> bytes:
    """The line with `*` for the values of its query: they are kept for a day at most."""
    return _VALUE.sub(b"=*", line)


def clean(source: Path, target: Path, *, rejects_max: int) -> Cleaned:
    """Copy the lines of `source` that are records to `target`, each with declared types only."""
    records = rejected = 0
    rejects: list[Reject] = []
    with source.open("rb") as file, target.open("wb") as out:
        for number, line in enumerate(_lines(file), 1):
            found = _parsed(line)
            if isinstance(found, dict):
                out.write(orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE))
                records += 1
                continue
            rejected += 1
            if len(rejects) < rejects_max:
                text = masked(line[:REJECT_BYTES_MAX]).decode("utf-8", "backslashreplace")
                rejects.append(Reject(number, text.rstrip("\n"), found))
    return Cleaned(records, rejected, tuple(rejects))


def _lines(file: Any) -> Iterator[bytes]:
    """Lines of at most one byte more than is allowed: the rest of a longer one is passed over."""
    while line := file.readline(JSON_LINE_BYTES_MAX + 1):
        yield line
        while len(line) > JSON_LINE_BYTES_MAX and not line.endswith(b"\n"):
            line = file.readline(JSON_LINE_BYTES_MAX + 1)


def _parsed(line: bytes) -> dict[str, object] | str:
    """The fields of a line, or why it is no record."""
    if len(line) > JSON_LINE_BYTES_MAX:
        return f"longer than {JSON_LINE_BYTES_MAX:,} bytes"
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"no JSON: {error}"[:200]
    if not isinstance(value, dict):
        return "no JSON object"
    if reason := line_error(value):
        return reason
    return {name: _plain(value.get(name)) for name in LINE_FIELDS}


def _plain(value: object) -> object:
    """Lists and objects as their text: a text field takes any JSON value."""
    if value == "-":
        return None
    return json.dumps(value) if isinstance(value, dict | list) else value
