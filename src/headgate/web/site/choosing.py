"""How does a form have one row chosen, of which there may be thousands? By a select and a search.

Up to `CHOICES_MAX` rows stand in the select; of more, those that `?q=` finds. The search works
without scripts; with them (htmx) the select alone is replaced, and what was typed elsewhere stays.
What is sent is looked for among all rows that the person may choose from, shown or not: what is
not among them is not there (404), as anywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from headgate.store.services.actor import not_found
from headgate.web.site.forms import SiteForm
from headgate.web.site.listing import asked_words, matching

CHOICES_MAX = 50

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Choosable(Generic[M]):
    """What can be chosen. `rows`: all that this person may choose from, in order.

    `value` is what a form sends for a row, and `by` finds it again; `search` are the fields that
    the words of `?q=` are looked for in.
    """

    subject: str
    rows: "QuerySet[M]"
    search: tuple[str, ...]
    value: Callable[[M], str]
    by: Callable[[str], Q]
    title: Callable[[M], str]


class RowField(forms.ChoiceField):
    """One row; which ones there are comes by `offer_rows`.

    `narrowing`: what the search beside it holds and says; None: all rows stand in the select.
    """

    offered: Choosable[Any]
    narrowing: dict[str, str] | None = None

    def valid_value(self, value: Any) -> bool:  # noqa: ARG002  # the base's signature
        """Whatever was sent: `clean` looks for it."""
        return True

    def clean(self, value: Any) -> Any:
        """The row that was chosen.

        Raises:
            Problem: NOT_FOUND: it is none that this person may choose.
        """
        sent = str(super().clean(value)).replace("\0", "")
        return self._found(sent) if sent else None

    def offer(self, offered: Choosable[Any], asked: str, chosen: str) -> None:
        """Fill the select; `chosen` stands in it in any case, if there is such a row."""
        self.offered = offered
        words = asked_words(asked)
        rows = list(matching(offered.rows, offered.search, words)[: CHOICES_MAX + 1])
        is_whole = len(rows) <= CHOICES_MAX
        if words or not is_whole:
            self.narrowing = {"q": " ".join(words), "note": _note(len(rows))}
        shown = {offered.value(row): offered.title(row) for row in rows[:CHOICES_MAX]}
        if chosen and chosen not in shown:
            other = offered.rows.filter(offered.by(chosen)).first()
            if other is not None:
                shown = {offered.value(other): offered.title(other)} | shown
        self.choices = list(shown.items())

    def _found(self, sent: str) -> Any:
        found = self.offered.rows.filter(self.offered.by(sent)).first()
        if found is None:
            raise not_found(self.offered.subject, sent[:100])
        return found


def offer_rows(request: HttpRequest, form: SiteForm, name: str, offered: Choosable[Any]) -> None:
    """Give a form's `RowField` the rows to choose from, as far as the request asks for them."""
    field: Any = form.fields[name]  # a RowField
    asked = request.GET.get("q", "")
    if form.is_bound:
        chosen = form.data.get(name, "")
    else:  # what was asked for stands first
        chosen = "" if asked else form.get_initial_for_field(field, name)
    field.offer(offered, asked, str(chosen or "").replace("\0", ""))


def _note(found: int) -> str:
    if found == 0:
        return _("Nothing fits.")
    if found > CHOICES_MAX:
        return _("The first %(most)s are shown: search for others.") % {"most": CHOICES_MAX}
    return _("All that fit are shown.")
