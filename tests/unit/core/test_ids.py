"""Are identifiers of one length, and does each bit of randomness count?"""

from hypothesis import given
from hypothesis import strategies as st

from headgate.core.ids import ALPHABET, ID_BYTES, new_id


@given(st.binary(min_size=8, max_size=8))
def test_an_id_is_its_kind_and_twelve_characters(seed: bytes) -> None:
    found = new_id("app", lambda _count: seed)
    assert len(found.encode()) == ID_BYTES
    assert found.startswith("app_")
    assert set(found[4:]) <= set(ALPHABET)


def test_ids_of_different_randomness_differ() -> None:
    first = new_id("key", lambda _count: bytes(8))
    other = new_id("key", lambda _count: b"\x10".rjust(8, b"\0"))
    assert first != other


def test_the_last_four_bits_are_left_out_so_that_sixty_remain() -> None:
    assert new_id("key", lambda _c: bytes(8)) == new_id("key", lambda _c: b"\x0f".rjust(8, b"\0"))
