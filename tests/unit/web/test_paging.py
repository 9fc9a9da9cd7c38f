"""Do cursors come back as they went out, and nothing else with them?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.problems import Problem
from headgate.web.api.paging import PageQuery, slice_of, unwrapped, wrapped


@given(st.text(st.characters(codec="ascii", categories=["Nd", "L", "P"]), max_size=40))
def test_a_cursor_comes_back(inner: str) -> None:
    assert unwrapped(wrapped(inner)) == inner


@given(st.text(max_size=60))
def test_anything_else_is_refused_as_a_mistake(text: str) -> None:
    try:
        inner = unwrapped(text)
    except Problem:
        return
    assert unwrapped(wrapped(inner)) == inner


def test_a_cursor_hides_what_is_inside() -> None:
    assert "42" not in wrapped("42")


def test_a_list_is_divided_without_loss() -> None:
    values = list(range(25))
    seen: list[int] = []
    cursor = ""
    while True:
        page = slice_of(values, PageQuery(limit=10, cursor=cursor), lambda value: value)
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == values


@pytest.mark.parametrize("inner", ["", "x", "-1", "99999"])
def test_a_place_outside_the_list_is_its_end(inner: str) -> None:
    page = slice_of([1, 2], PageQuery(limit=1, cursor=wrapped(inner)), lambda value: value)
    assert page == {"items": [], "next": None}
