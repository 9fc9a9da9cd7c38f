"""Are quantities read as people write them, and is everything else refused?"""

from datetime import timedelta

import pytest

from headgate.core.text import name_error, slug
from headgate.core.units import count, parse_bytes, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h", 3600), ("1h30m", 5400), ("7d", 604_800)],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "10", "-1h", "1x", "1h 3", "1.5h"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("512kB", 512_000), ("1MiB", 1_048_576), ("10 MB", 10_000_000), ("7", 7)]
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1 parsec"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_bytes(text)


def test_a_count_agrees_with_its_noun() -> None:
    assert [count(n, "reply", "replies") for n in (0, 1, 1000)] == [
        "0 replies",
        "1 reply",
        "1,000 replies",
    ]


@pytest.mark.parametrize("name", ["a", "petstore", "v1.2_x-y", "0", "a" * 63])
def test_a_good_name_is_taken(name: str) -> None:
    assert name_error(name) is None


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a/b", "ä", "a b", "a" * 64])
def test_a_bad_name_is_refused_with_the_rule(name: str) -> None:
    assert name_error(name) is not None


def test_a_slug_is_always_a_name() -> None:
    assert name_error(slug("Größe & Preis (2026)!")) is None
    assert name_error(slug("!!!")) is None
