"""Keys are random, recognisable and never kept."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.access.keys import (
    BASE62,
    checksum,
    digest,
    is_key,
    is_same,
    is_token,
    new_key,
    new_token,
    secret_of,
)


def test_a_key_has_the_prefix_32_characters_and_a_checksum_of_6() -> None:
    key = new_key()
    assert key.text.startswith("hg_")
    assert len(key.text) == 3 + 32 + 6
    assert set(key.text[3:]) <= set(BASE62)
    assert is_key(key.text)


def test_a_token_is_no_key_and_a_key_is_no_token() -> None:
    assert is_token(new_token().text)
    assert not is_key(new_token().text)
    assert not is_token(new_key().text)


def test_what_is_kept_is_the_hash_and_nine_characters() -> None:
    key = new_key()
    assert key.sha256 == hashlib.sha256(key.text.encode()).hexdigest()
    assert key.shown == key.text[:9]


def test_a_secret_does_not_show_itself_in_logs() -> None:
    key = new_key()
    assert key.text not in repr(key)
    assert key.sha256 not in repr(key)


def test_the_checksum_of_a_known_body_stays_the_same_for_ever() -> None:
    body = "0" * 32
    assert checksum(body) == "2wjyrI"
    assert is_key(f"hg_{body}{checksum(body)}")


@pytest.mark.parametrize("place", [0, 2, 3, 20, 34, 35, 40])
def test_a_key_with_one_wrong_character_is_refused(place: int) -> None:
    text = new_key().text
    other = "x" if text[place] != "x" else "y"
    assert not is_key(text[:place] + other + text[place + 1 :])


@given(st.text(max_size=60))
def test_no_text_makes_the_check_fail(text: str) -> None:
    assert is_key(text) in (True, False)
    assert not is_key(text) or secret_of(text).sha256 == digest(text)


def test_random_bytes_are_used_without_bias() -> None:
    # 248..255 would make the first eight characters more likely: they are thrown away
    stream = iter([bytes([255] * 24 + [0] * 24), bytes([61] * 48)])
    key = new_key(lambda _: next(stream))
    assert key.text[3:35] == "0" * 24 + "z" * 8


def test_digests_are_compared_whole() -> None:
    assert is_same(digest("a"), digest("a"))
    assert not is_same(digest("a"), digest("b"))
