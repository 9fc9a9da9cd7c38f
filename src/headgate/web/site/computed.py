"""How does a list look whose rows were added up, not stored? As every other: also JSON and CSV.

There are at most some thousands, so they are sorted and cut into pages here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from headgate.core.phrases import phrase
from headgate.store.services.values import invalid
from headgate.web.site.listing import (
    ROWS_PER_PAGE,
    Column,
    Shown,
    exported,
    head,
    page_number,
)

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Computed(Generic[R]):
    """A list of values. A column with a `sort` is sorted by its value; the order given is first."""

    name: str
    columns: tuple[Column[R], ...]

    def answer(
        self,
        request: HttpRequest,
        rows: Sequence[R],
        template: str,
        more: Mapping[str, Any] | None = None,
    ) -> HttpResponse:
        """The page, or the rows as JSON or CSV.

        Raises:
            Problem: INVALID_INPUT: a sort, page or format that there is not.
        """
        asked = request.GET.get("sort", "")
        rows = self._sorted(rows, asked)
        wanted = request.GET.get("format", "")
        if wanted:
            return exported(wanted, self.name, self.columns, rows)
        number = page_number(request.GET.get("page", "1"))
        first = (number - 1) * ROWS_PER_PAGE
        found = rows[first : first + ROWS_PER_PAGE]
        shown = Shown(
            name=self.name,
            heads=[head(column, asked) for column in self.columns],
            rows=[
                [{"show": column.show, "value": column.value(row)} for column in self.columns]
                for row in found
            ],
            filters=[],
            q="",
            is_searched=False,
            is_narrowed=False,
            sort=asked,
            number=number,
            total=len(rows),
            first=first + 1 if found else 0,
            last=first + len(found),
            pages=max(1, -(-len(rows) // ROWS_PER_PAGE)),
        )
        return render(request, template, {"list": shown, **(more or {})})

    def _sorted(self, rows: Sequence[R], asked: str) -> Sequence[R]:
        if not asked:
            return rows
        key = asked.removeprefix("-")
        column = next((one for one in self.columns if one.sort and one.key == key), None)
        if column is None:
            raise invalid(
                phrase("This list is not sorted by '{asked}'.", asked=asked[:40]), "/sort"
            )
        value = column.value

        def place(row: R) -> tuple[bool, Any]:
            found = value(row)
            found = found[0] if isinstance(found, tuple) else found
            return found is None, 0 if found is None else found

        return sorted(rows, key=place, reverse=asked.startswith("-"))
