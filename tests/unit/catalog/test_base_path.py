"""Which base paths are there, and which of them collide?"""

import pytest

from headgate.catalog.base_path import normalise
from headgate.core.problems import Problem


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/shop", "/shop"),
        ("/shop/", "/shop"),
        (" /shop/v2 ", "/shop/v2"),
        ("/", ""),
        ("", ""),
        ("/a-b_c~d.e/%C3%A4", "/a-b_c~d.e/%C3%A4"),
    ],
)
def test_a_base_path_is_stored_without_its_last_slash(text: str, path: str) -> None:
    assert normalise(text) == path
    assert normalise(path) == path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("shop", "does not start with '/'"),
        ("/shop//v2", "empty segment"),
        ("//shop", "empty segment"),
        ("//", "empty segment"),
        ("/shop/../admin", "segment '..'"),
        ("/shop/.", "segment '.'"),
        ("/shop/%2e%2E", "segment '%2e%2E'"),
        ("/shop%2Fv2", "escaped '/'"),
        ("/shop?x=1", "a query"),
        ("/shop#x", "a fragment"),
        ("/{shop}", "a template"),
        ("/my shop", "characters"),
        ("/shöp", "characters"),
        ("/shop\\v2", "characters"),
        ("/shop%2", "characters"),
        ("/shop\n/x", "characters"),
        ("/" + "a" * 500, "longer than"),
    ],
)
def test_a_path_that_no_api_can_be_served_under_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Problem) as caught:
        normalise(text)
    assert reason in caught.value.detail
