"""Can every accent be read that somebody chooses?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.colours import CONTRAST_MIN, contrast, is_colour, mixed, palette

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # just not enough
    assert contrast("#767676", "#ffffff") >= CONTRAST_MIN


@given(COLOURS, st.sampled_from(["#ffffff", "#171d1a"]))
def test_text_in_any_accent_and_on_it_can_be_read(accent: str, ground: str) -> None:
    found = palette(accent, ground)
    assert contrast(found.fill, ground) >= CONTRAST_MIN
    assert contrast(found.on_fill, found.fill) >= CONTRAST_MIN
    assert contrast(found.on_fill, found.hover) >= CONTRAST_MIN


def test_an_accent_that_can_be_read_stays_as_it_is() -> None:
    assert palette("#0b5c4a", "#ffffff").fill == "#0b5c4a"
    assert palette("#ffee00", "#ffffff").fill != "#ffee00"


def test_mixing_ends_at_both_colours() -> None:
    assert mixed("#102030", "#ffffff", 0) == "#102030"
    assert mixed("#102030", "#ffffff", 1) == "#ffffff"


@pytest.mark.parametrize("text", ["", "red", "#fff", "#0B5C4A", "#0b5c4a;", "url(x)"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    assert not is_colour(text)
    with pytest.raises(ValueError, match="no colour"):
        palette(text, "#ffffff")
