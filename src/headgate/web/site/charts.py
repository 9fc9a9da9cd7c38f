"""How does a row of numbers over time look? Stacked bars as SVG, with the same in a table.

Pure: from numbers to places in a picture. No style and no script stands in it; the colours are
those of the style sheet, and the table says it to those who do not see the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.core.problems import Bug

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 26
BARS_MAX = 400  # more would be thinner than what can be seen
GRID_LINES = 4
LABELS_MAX = 8
GAP_SHARE = 0.15  # of a bar's place


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of one bar. `series` counts from 1, as the classes of the style sheet do."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True, slots=True)
class Label:
    """A word at an axis."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that a template draws. `rows`: the table twin."""

    title: str
    names: tuple[str, ...]
    bars: tuple[Bar, ...]
    across: tuple[Label, ...]
    up: tuple[Label, ...]
    rows: tuple[tuple[datetime, tuple[int, ...]], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    base: int = HEIGHT - BOTTOM


def bars(
    title: str,
    names: Sequence[str],
    rows: Sequence[tuple[datetime, Sequence[int]]],
    *,
    format_: str = "%H:%M",
) -> Chart:
    """Stacked bars, one for each row; `names` say what its numbers are.

    Raises:
        Bug: more rows than can be drawn, or a row of another length.
    """
    if len(rows) > BARS_MAX:
        raise Bug(f"a chart has at most {BARS_MAX} bars")
    if any(len(numbers) != len(names) for _, numbers in rows):
        raise Bug("each row has one number for each name")
    top = nice(max((sum(numbers) for _, numbers in rows), default=0))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    place = wide / max(1, len(rows))
    drawn: list[Bar] = []
    for index, (_, numbers) in enumerate(rows):
        y = float(HEIGHT - BOTTOM)
        for series, number in enumerate(numbers, 1):
            height = high * number / top
            y -= height
            if number:
                x = LEFT + place * (index + GAP_SHARE / 2)
                width = place * (1 - GAP_SHARE)
                drawn.append(Bar(_r(x), _r(y), _r(width), _r(max(height, 0.5)), series))
    every = max(1, -(-len(rows) // LABELS_MAX))
    across = tuple(
        Label(_r(LEFT + place * (index + 0.5)), HEIGHT - 8, at.strftime(format_))
        for index, (at, _) in enumerate(rows)
        if index % every == 0
    )
    up = tuple(
        Label(LEFT - 6, _r(HEIGHT - BOTTOM - high * step / GRID_LINES), _short(top, step))
        for step in range(GRID_LINES + 1)
    )
    twin = tuple((at, tuple(numbers)) for at, numbers in rows)
    return Chart(title, tuple(names), tuple(drawn), across, up, twin)


def nice(most: int) -> int:
    """The end of an axis that holds `most`: 4, 8, 20, 40, 80 … so that its quarters are round."""
    scale = 1
    while True:
        for end in (4, 8, 20):
            if most <= end * scale:
                return end * scale
        scale *= 10


def steps(since: datetime, until: datetime, length: timedelta) -> list[datetime]:
    """The beginnings of the steps of a stretch of time, the first one at or before `since`."""
    seconds = int(length.total_seconds())
    start = int(since.timestamp()) // seconds * seconds
    count = -(-(int(until.timestamp()) - start) // seconds)
    first = datetime.fromtimestamp(start, since.tzinfo)
    return [first + length * index for index in range(max(1, count))]


def _short(top: int, step: int) -> str:
    value = top * step // GRID_LINES
    for limit, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if value >= limit:
            shown = value / (1_000 if letter == "k" else limit)
            return f"{shown:g}{letter}"
    return f"{value:,}"


def _r(value: float) -> float:
    return round(value, 2)
