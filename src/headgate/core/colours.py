"""Can people read this colour on that one? One accent becomes a palette that they can.

Source: WCAG 2.2 §1.4.3 (contrast of text) and its definition of relative luminance.
"""

import re
from dataclasses import dataclass

CONTRAST_MIN = 4.5  # of text; WCAG's level AA
STEPS = 40  # from the accent towards black or white, until it can be read
BLACK, WHITE = "#000000", "#ffffff"
_FORM = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Palette:
    """An accent on one ground: as a fill, under the pointer, and what is written on it."""

    fill: str
    hover: str
    on_fill: str
    tint: str


def is_colour(text: str) -> bool:
    """Whether a text is a colour: `#0b5c4a`."""
    return _FORM.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """How well two colours are told apart: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palette(accent: str, ground: str) -> Palette:
    """The accent, moved away from `ground` as far as text in it needs.

    Raises:
        ValueError: no colour.
    """
    if not (is_colour(accent) and is_colour(ground)):
        raise ValueError(f"{accent!r} or {ground!r} is no colour such as #0b5c4a")
    is_dark = _luminance(ground) < 0.2
    away = WHITE if is_dark else BLACK
    moved = (mixed(accent, away, step / STEPS) for step in range(STEPS + 1))
    fill = next(colour for colour in moved if contrast(colour, ground) >= CONTRAST_MIN)
    on_fill = WHITE if contrast(WHITE, fill) >= contrast(BLACK, fill) else BLACK
    # what lies under text must not come nearer to it: the pointer darkens under white
    hover = mixed(fill, BLACK if on_fill == WHITE else WHITE, 0.2)
    return Palette(fill, hover, on_fill, mixed(ground, fill, 0.1))


def mixed(one: str, other: str, share: float) -> str:
    """`share` of `other` in `one`, in sRGB."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def _luminance(colour: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
