"""Which part of a long list is meant? Pages by an opaque cursor, stable while rows come and go.

The cursors of the services are row numbers; callers get them wrapped, so that nobody counts on
what is inside.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pydantic import Field

from headgate.core.problems import Detail, Problem, ProblemType
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page
from headgate.web.api.fields import Output, Parameters

CURSOR_CHARACTERS_MAX = 200
_MARK = "1:"
T = TypeVar("T")
V = TypeVar("V")


class PageOut(Output, Generic[T]):
    """One page of a list. `next` continues it; null at the end."""

    items: list[T]
    next: str | None = Field(..., description="Send it as `cursor` for the next page.")


class PageQuery(Parameters):
    """Which page."""

    limit: int = Field(
        PAGE_ITEMS_DEFAULT, ge=1, le=PAGE_ITEMS_MAX, description="Items of one page at most."
    )
    cursor: str = Field(
        "",
        max_length=CURSOR_CHARACTERS_MAX,
        description="`next` of the page before; empty for the first page.",
    )

    @property
    def position(self) -> str | None:
        """The service's own cursor.

        Raises:
            Problem: the cursor is not one of ours.
        """
        return unwrapped(self.cursor) if self.cursor else None


def page_out(page: Page[V], show: Callable[[V], Any]) -> dict[str, Any]:
    """A service's page as it is answered."""
    return {
        "items": [show(item) for item in page.items],
        "next": wrapped(page.next) if page.next else None,
    }


def slice_of(values: Sequence[V], query: PageQuery, show: Callable[[V], Any]) -> dict[str, Any]:
    """One page of a list that is at hand whole; the cursor counts its items.

    Raises:
        Problem: the cursor is not one of ours.
    """
    position = "0" if query.position is None else query.position
    start = int(position) if position.isascii() and position.isdecimal() else len(values)
    end = start + query.limit
    return {
        "items": [show(value) for value in values[start:end]],
        "next": wrapped(str(end)) if end < len(values) else None,
    }


def whole(values: list[Any]) -> dict[str, Any]:
    """A short list that is never divided."""
    return {"items": values, "next": None}


def wrapped(cursor: str) -> str:
    """A service's cursor as callers get it."""
    return base64.urlsafe_b64encode((_MARK + cursor).encode()).decode("ascii").rstrip("=")


def unwrapped(cursor: str) -> str:
    """The reverse of `wrapped`.

    Raises:
        Problem: not a cursor of ours.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        text = ""
    if not text.startswith(_MARK):
        raise Problem(
            ProblemType.INVALID_INPUT,
            "This is not a cursor of this list.",
            "Take `next` from the page before, or leave `cursor` out to start again.",
            [Detail("query parameter 'cursor' is not one of ours")],
        )
    return text.removeprefix(_MARK)
