"""Which scopes may a client have, and what may a person mistype in a code?"""

import pytest

from headgate.access.clients import (
    USER_CODE_ALPHABET,
    Grant,
    granted,
    new_user_code,
    plain_user_code,
)
from headgate.model.scopes import granted_error


@pytest.mark.parametrize("scopes", [[], ["read"], ["orders:write", "https://x.example/all"]])
def test_scopes_are_visible_words(scopes: list[str]) -> None:
    assert granted_error(scopes) is None


@pytest.mark.parametrize(
    "scopes",
    [["a b"], [""], ['a"b'], ["a\\b"], ["ä"], ["x" * 65], ["x"] * 51, ["x" * 64] * 8],
)
def test_what_is_no_scope_is_said_so(scopes: list[str]) -> None:
    assert granted_error(scopes) is not None


def test_a_public_client_cannot_act_as_itself() -> None:
    assert Grant.CLIENT_CREDENTIALS not in granted(is_public=True, has_device_flow=True)
    assert granted(is_public=False, has_device_flow=False) == (Grant.CLIENT_CREDENTIALS,)
    assert granted(is_public=True, has_device_flow=False) == ()


def test_a_user_code_is_read_as_people_write_it() -> None:
    code = new_user_code()
    assert len(code) == 9
    assert set(code) <= {*USER_CODE_ALPHABET, "-"}
    assert plain_user_code(f" {code.lower().replace('-', ' ')} ") == code.replace("-", "")
    assert plain_user_code("äöü\0-1") == ""


def test_every_letter_of_a_user_code_is_as_likely_as_any_other() -> None:
    every = bytes(range(256))
    letters = [new_user_code(lambda count, at=at: every[at : at + 1] * count) for at in range(240)]  # type: ignore[misc]
    assert all(letters.count(code) == 12 for code in set(letters))
