"""Which small values do services take and give?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Generic, TypeVar

from django.db import models
from django.db.models.functions import Coalesce

from headgate.core.phrases import phrase
from headgate.core.problems import Detail, Problem, ProblemType
from headgate.core.text import name_error

PAGE_ITEMS_MAX = 1000
PAGE_ITEMS_DEFAULT = 100

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""An argument that was not given, where None means something."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of the items; `next` is the cursor of the following page, None on the last one."""

    items: tuple[T, ...]
    next: str | None


def page_of(
    rows: "models.QuerySet[M]", cursor: str | None, limit: int, *, newest_first: bool = False
) -> Page[M]:
    """A page of `rows` in the order of their primary keys.

    Raises:
        Problem: INVALID_INPUT: the cursor is none that a page gave, or the limit out of range.
    """
    if not 1 <= limit <= PAGE_ITEMS_MAX:
        raise invalid(phrase("The limit is 1 to {most}.", most=PAGE_ITEMS_MAX), "/limit")
    if cursor:
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
            raise invalid("The cursor is not one that a page gave.", "/cursor")
        rows = rows.filter(**{"pk__lt" if newest_first else "pk__gt": int(cursor)})
    found = tuple(rows.order_by("-pk" if newest_first else "pk")[: limit + 1])
    return Page(found[:limit], str(found[limit - 1].pk) if len(found) > limit else None)


def invalid(message: str, pointer: str = "") -> Problem:
    """The problem for one wrong value."""
    return Problem(
        ProblemType.INVALID_INPUT,
        message,
        "Correct it and send it again.",
        (Detail(message, pointer),) if pointer else (),
    )


def check_name(name: str, pointer: str = "/name") -> None:
    """Let only names pass.

    Raises:
        Problem: INVALID_INPUT.
    """
    error = name_error(name)
    if error is not None:
        raise invalid(phrase("{error}.", error=error), pointer)


def check_text(text: str, characters_max: int, pointer: str) -> None:
    """Let only texts of at most `characters_max` pass, without NUL (PostgreSQL cannot store it).

    Raises:
        Problem: INVALID_INPUT.
    """
    if len(text) > characters_max:
        raise invalid(
            phrase("This text is longer than {most} characters.", most=characters_max), pointer
        )
    if "\0" in text:
        raise invalid("This text holds a NUL character.", pointer)


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Let only instants of the future pass, or none.

    Raises:
        Problem: INVALID_INPUT.
    """
    if expires_at is None:
        return
    if expires_at.tzinfo is None:
        raise invalid("The expiry has no time zone; write 2030-01-31T00:00:00Z.", "/expires_at")
    if expires_at <= now:
        raise invalid("The expiry is in the past.", "/expires_at")


def already_exists(
    subject: str, name: str, next_step: str = "Choose another name, or change the one that exists."
) -> Problem:
    """The problem for a name that is taken."""
    return Problem(
        ProblemType.ALREADY_EXISTS,
        phrase("There is already {subject} '{name}'.", subject=phrase(subject), name=name),
        next_step,
    )


def refused(detail: str, next_step: str) -> Problem:
    """The problem for what the present state does not allow."""
    return Problem(ProblemType.CONFLICT, detail, next_step)


def as_fields(row: models.Model, *names: str) -> dict[str, Any]:
    """Some fields of a row as JSON values, for the audit log."""
    found: dict[str, Any] = {}
    for name in names:
        value = getattr(row, name)
        found[name] = value.isoformat() if hasattr(value, "isoformat") else value
    return found


def count_of(rows: "models.QuerySet[Any]", owner: str) -> Coalesce:
    """How many of `rows` lead to a listed row by their field `owner`, as a column of the store."""
    theirs = rows.filter(**{owner: models.OuterRef("pk")}).order_by().values(owner)
    return Coalesce(models.Subquery(theirs.annotate(found=models.Count("pk")).values("found")), 0)
