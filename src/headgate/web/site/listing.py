"""How does a list of things look, whatever they are? A table that is also JSON and CSV.

Every list can be searched, filtered, sorted and paged, and each state of it is an address:
`?q=…&sort=-created&page=2`, and `format=json` or `format=csv` for programs. It reads a page of
rows from the store, never all of them; exports end at `EXPORT_ROWS_MAX`, and say so.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Generic, TypeVar

import orjson
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from headgate.core.phrases import phrase
from headgate.core.problems import Problem
from headgate.store.services.values import invalid

ROWS_PER_PAGE = 50
PAGE_MAX = 100_000
EXPORT_ROWS_MAX = 10_000
SEARCH_CHARACTERS_MAX = 200
SPANS = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "365d": timedelta(days=365),
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute

M = TypeVar("M", bound=Model)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column. `value` is what programs get; `show` names how people see it.

    `show`: `text`, `mono`, `number`, `ratio`, `ms`, `size` (bytes), `instant`, `ago`, `badge`
    (value is `(word, kind)`; kind is good, warn, bad, info or empty) or `link` (value is
    `(text, address)`).
    `sort` is the field of the store that it is sorted by; empty: it is not.
    """

    key: str
    title: str
    value: Callable[[R], Any]
    show: str = "text"
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice above the table. `choices`: what stands in the address, and what people read."""

    key: str
    title: str
    choices: tuple[tuple[str, str], ...]
    apply: Callable[[str], Q]


@dataclass(frozen=True, slots=True)
class Listing(Generic[M]):
    """A list: its columns, what `q` searches in, its filters, its order where none is asked."""

    name: str
    columns: tuple[Column[M], ...]
    search: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    order: str = "-pk"

    def answer(
        self,
        request: HttpRequest,
        rows: "QuerySet[M]",
        template: str,
        more: Mapping[str, Any] | None = None,
    ) -> HttpResponse:
        """The page, or the rows as JSON or CSV. `rows`: all that this person may see.

        Raises:
            Problem: INVALID_INPUT: a sort, page or format that there is not.
        """
        rows = self._chosen(request, rows)
        wanted = request.GET.get("format", "")
        if wanted:
            found = list(rows[: EXPORT_ROWS_MAX + 1])
            return exported(wanted, self.name, self.columns, found)
        return render(request, template, {"list": self._page(request, rows), **(more or {})})

    def _chosen(self, request: HttpRequest, rows: "QuerySet[M]") -> "QuerySet[M]":
        for one in self.filters:
            value = request.GET.get(one.key, "")
            if value and value in dict(one.choices):
                rows = rows.filter(one.apply(value))
        rows = matching(rows, self.search, asked_words(request.GET.get("q", "")))
        return rows.order_by(*self._order(request.GET.get("sort", "")))

    def _order(self, asked: str) -> tuple[str, ...]:
        if not asked:
            return (self.order,) if self.order.lstrip("-") == "pk" else (self.order, "pk")
        fields = {column.key: column.sort for column in self.columns if column.sort}
        name = fields.get(asked.removeprefix("-"))
        if name is None:
            raise invalid(
                phrase(
                    "This list is not sorted by '{asked}'; by {fields} it is.",
                    asked=asked[:40],
                    fields=", ".join(fields),
                ),
                "/sort",
            )
        return (f"-{name}" if asked.startswith("-") else name, "pk")

    def _page(self, request: HttpRequest, rows: "QuerySet[M]") -> "Shown":
        number = page_number(request.GET.get("page", "1"))
        total = rows.count()
        first = (number - 1) * ROWS_PER_PAGE
        # PostgreSQL would work out what is counted for each row of the pages before, too
        shown = rows.values_list("pk", flat=True)[first : first + ROWS_PER_PAGE]
        found = list(rows.filter(pk__in=list(shown)))
        asked = request.GET.get("sort", "")
        return Shown(
            name=self.name,
            heads=[head(column, asked) for column in self.columns],
            rows=[
                [{"show": column.show, "value": column.value(row)} for column in self.columns]
                for row in found
            ],
            filters=[
                {
                    "key": one.key,
                    "title": one.title,
                    "choices": one.choices,
                    "chosen": request.GET.get(one.key, ""),
                }
                for one in self.filters
            ],
            q=request.GET.get("q", ""),
            is_searched=bool(self.search),
            is_narrowed=any(request.GET.get(key) for key in ("q", *(f.key for f in self.filters))),
            sort=asked,
            number=number,
            total=total,
            first=first + 1 if found else 0,
            last=first + len(found),
            pages=max(1, -(-total // ROWS_PER_PAGE)),
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What the template of a table gets."""

    name: str
    heads: list[dict[str, str]]
    rows: list[list[dict[str, Any]]]
    filters: list[dict[str, Any]]
    q: str
    is_searched: bool
    is_narrowed: bool
    sort: str
    number: int
    total: int
    first: int
    last: int
    pages: int
    formats: tuple[str, ...] = field(default=("csv", "json"))

    @property
    def before(self) -> int | None:
        """The page before this one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """The page after this one."""
        return self.number + 1 if self.number < self.pages else None


def asked_words(q: str) -> list[str]:
    """The words of a search as an address has it."""
    return q.strip()[:SEARCH_CHARACTERS_MAX].replace("\0", "").split()


def matching(rows: "QuerySet[M]", search: Sequence[str], words: Iterable[str]) -> "QuerySet[M]":
    """The rows that have each of the words in one of the fields `search`; without any, all."""
    for word in words if search else ():
        rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": word}) for name in search)))
    return rows


def exported(
    wanted: str, name: str, columns: Sequence[Column[Any]], rows: Sequence[Any]
) -> HttpResponse:
    """Rows as JSON or CSV, at most `EXPORT_ROWS_MAX`; the answer says whether that was all.

    Raises:
        Problem: INVALID_INPUT: another format.
    """
    is_complete, rows = len(rows) <= EXPORT_ROWS_MAX, rows[:EXPORT_ROWS_MAX]
    if wanted == "json":
        plain = [{one.key: _plain(one.value(row), one.show) for one in columns} for row in rows]
        return HttpResponse(
            orjson.dumps(
                {name: plain, "is_complete": is_complete},
                option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2,
                default=str,
            ),
            content_type="application/json",
        )
    if wanted != "csv":
        raise invalid(
            phrase("There is no format '{wanted}'; there are json and csv.", wanted=wanted[:20]),
            "/format",
        )
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([csv_cell(_plain(one.value(row), one.show)) for one in columns])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["X-Complete"] = "true" if is_complete else "false"
    return response


def csv_cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula. Source: OWASP, "CSV Injection"."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def counted(key: str, title: str) -> "Column[Any]":
    """The column of a number that the rows are annotated with as `<key>_count`."""
    name = f"{key}_count"
    return Column(key, title, lambda row: getattr(row, name), "number", name)


def since(now: datetime, *spans: str) -> Filter:
    """Rows whose `at` is not longer ago than one of `SPANS`."""
    titles = {
        "1h": _("the last hour"),
        "1d": _("the last day"),
        "7d": _("the last 7 days"),
        "30d": _("the last 30 days"),
        "365d": _("the last year"),
    }
    return Filter(
        "since",
        _("Time"),
        tuple((span, titles[span]) for span in spans),
        lambda span: Q(at__gte=now - SPANS[span]),
    )


def choices(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Choices whose words are their own titles."""
    return tuple((value, value) for value in values)


def _plain(value: Any, show: str) -> Any:
    return value[0] if show in {"badge", "link"} and isinstance(value, tuple) else value


def head(column: Column[Any], asked: str) -> dict[str, str]:
    """The head of a column, with the sort that it leads to."""
    is_up, is_down = asked == column.key, asked == f"-{column.key}"
    return {
        "title": column.title,
        "show": column.show,
        "sort": "" if not column.sort else f"-{column.key}" if is_up else column.key,
        "order": "ascending" if is_up else "descending" if is_down else "",
    }


def page_number(text: str) -> int:
    """The number of a page as an address has it.

    Raises:
        Problem: INVALID_INPUT.
    """
    if text.isascii() and text.isdecimal() and 1 <= int(text[:7]) <= PAGE_MAX:
        return int(text)
    problem: Problem = invalid(phrase("There is no page '{text}'.", text=text[:20]), "/page")
    raise problem
