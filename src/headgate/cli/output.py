"""How does a command say what it found? Aligned columns for people, JSON for machines.

Results go to stdout, everything else (progress, problems, advice) to stderr, so that a result
can be piped. Nothing is cut to the width of a terminal.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from headgate.core.problems import Problem

GAP = "  "
ERRORS_SHOWN_MAX = 25  # of a document's mistakes; the count of the rest is said
Columns = Mapping[str, str]
"""Heading → the item's member; a dot goes one level down (`upstream.host`)."""


class Output:
    """Where one command's result goes, in the form that its caller asked for."""

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json

    def table(self, items: Iterable[Any], columns: Columns, *, empty: str) -> None:
        """A list of resources; `empty` is the sentence for people where there are none."""
        found = list(items)
        if self.is_json:
            self.value({"items": found})
        elif not found:
            self.note(empty)
        else:
            rows = [[shown(member(item, path)) for path in columns.values()] for item in found]
            self.line(aligned(list(columns), rows))

    def record(self, item: Mapping[str, Any]) -> None:
        """One resource: a member per line."""
        if self.is_json:
            self.value(item)
            return
        width = max(map(len, item), default=0)
        self.line("\n".join(f"{name:<{width}}  {shown(v)}" for name, v in item.items()))

    def value(self, value: Any) -> None:
        """One JSON document."""
        self.line(json.dumps(value, indent=2, ensure_ascii=False))

    def result(self, value: Any, sentence: str) -> None:
        """What an action answered: the JSON for machines, a sentence for people."""
        if self.is_json:
            self.value(value)
        else:
            self.line(sentence)

    def line(self, text: str) -> None:
        """One line (or block) of the result."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """One line beside the result, for people only."""
        if not self.is_json:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def secret(self, made: Any, sentence: str, text: str = "", **named: str) -> None:
        """What is shown this once, alone on stdout, as `text` or as `name=…`."""
        if self.is_json:
            self.value(made)
            return
        for line in (text, *(f"{name}={value}" for name, value in named.items())):
            if line:
                self.line(line)
        is_secret = text or len(named) > 1
        self.note(f"{sentence}. It is shown this once: keep it safe." if is_secret else sentence)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show a person at a terminal that something is under way, for what may take a second."""
        if self.is_json or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console  # only where there is somebody to see it

        with Console(stderr=True).status(what):
            yield

    def problem(self, problem: Problem) -> None:
        """Why the request failed and what to do next, on stderr."""
        text = json.dumps(problem.as_json()) if self.is_json else problem_text(problem)
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def problem_text(problem: Problem) -> str:
    """A problem for people: what, each place with pointer and line, then the next step."""
    lines = [f"error: {problem.detail}"]
    for error in problem.errors[:ERRORS_SHOWN_MAX]:
        found = {"message": error.message, "pointer": error.pointer, "line": error.line}
        lines.append(f"  {place_text(found)}")
    left = len(problem.errors) - ERRORS_SHOWN_MAX
    if left > 0:
        lines.append(f"  … and {left} more")
    if problem.next_step:
        lines.append(f"next:  {problem.next_step}")
    return "\n".join(lines)


def place_text(found: Mapping[str, Any]) -> str:
    """One place of a document and what is the matter there."""
    line = f" (line {found['line']})" if found.get("line") is not None else ""
    return f"{found.get('pointer') or '/'}{line}: {found['message']}"


def member(item: Any, path: str) -> Any:
    """The member of `item` at a dotted path, None where there is none."""
    for name in path.split("."):
        if not isinstance(item, Mapping):
            return None
        item = item.get(name)
    return item


def shown(value: Any) -> str:
    """A value in a cell: thousands separated, lists by commas, nothing as a hyphen; of a text all
    that a terminal would obey becomes spaces, line ends too."""
    match value:
        case None | "" | [] | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}"
        case list() | tuple():
            return ", ".join(shown(v) for v in value)
        case dict():
            return json.dumps(value, ensure_ascii=False)
    return "".join(one if one.isprintable() else " " for one in str(value))


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Text columns; a column whose every cell is a number stands to the right."""
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(headings))]
    lines = []
    for row in [[heading.upper() for heading in headings], *rows]:
        cells = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        )
        lines.append(GAP.join(cells).rstrip())
    return "\n".join(lines)


def _is_number(cell: str) -> bool:
    return cell == "-" or cell.replace(",", "").replace(".", "", 1).rstrip("%").isdigit()
