"""How does a form show what a service refused? At the field it is about, with what was typed kept.

A view says what to do with the fields; `SiteForm.do` does it and puts a refusal where it belongs.
What a person cannot mend by typing something else (no right, not signed in) stays a page of its
own.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.web.site.words import refusal, said

NOT_TO_MEND = frozenset({ProblemType.FORBIDDEN, ProblemType.UNAUTHENTICATED})
ERRORS_SHOWN_MAX = 50  # a document can have thousands

form_view = require_http_methods(["GET", "HEAD", "POST"])


class SiteForm(forms.Form):
    """A form of ours. `result` is what the act gave; `names` maps pointers to other field names.

    A pointer is matched by its first member: `/limits/2` belongs to the field `limits`.
    """

    names: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *arguments: Any, **more: Any) -> None:
        more.setdefault("label_suffix", "")
        super().__init__(*arguments, **more)
        self.result: Any = None

    def do(self, act: Callable[[dict[str, Any]], Any]) -> bool:
        """Whether the fields were right and `act` did with them what it does."""
        if not self.is_bound or not self.is_valid():
            return False
        try:
            self.result = act(self.cleaned_data)
        except Problem as problem:
            if problem.type in NOT_TO_MEND:
                raise
            self.refuse(problem)
            return False
        except DependencyError as error:
            self.add_error(None, str(error))
            return False
        return True

    def offer(self, name: str, choices: Iterable[tuple[str, str]]) -> None:
        """Give a field its choices, which the store knows."""
        self.fields[name].choices = list(choices)  # type: ignore[attr-defined]  # of a ChoiceField

    @property
    def is_narrowed(self) -> bool:
        """Whether one of its fields has a search beside it; see `site.choosing`."""
        return any(getattr(field, "narrowing", None) for field in self.fields.values())

    def refuse(self, problem: Problem) -> None:
        """Show a refusal: each place at its field, the rest above the form."""
        for error in problem.errors[:ERRORS_SHOWN_MAX]:
            field = self._field(error.pointer)
            if field:
                self.add_error(field, said(error.message))
            elif len(problem.errors) > 1:
                at = f"{error.pointer}: " if error.pointer else ""
                line = _(" (line %(line)s)") % {"line": error.line} if error.line else ""
                self.add_error(None, f"{at}{said(error.message)}{line}")
        if len(problem.errors) > ERRORS_SHOWN_MAX:
            more = len(problem.errors) - ERRORS_SHOWN_MAX
            self.add_error(None, _("… and %(more)s more places.") % {"more": f"{more:,}"})
        if not self.errors or len(problem.errors) != 1:
            self.add_error(None, refusal(problem))

    def _field(self, pointer: str) -> str:
        first = pointer.removeprefix("/").partition("/")[0]
        name = self.names.get(first, first)
        return name if name in self.fields else ""


class ConfirmForm(SiteForm):
    """Asks to type a name before something is done that cannot be undone."""

    typed = forms.CharField()

    def __init__(self, name: str, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._name = name
        field = self.fields["typed"]
        field.label = _("Type %(name)s to confirm") % {"name": name}
        field.widget.attrs |= {"autocomplete": "off", "autocapitalize": "none", "class": "code"}

    def clean_typed(self) -> str:
        """The name, and nothing else."""
        if self.cleaned_data["typed"].strip() != self._name:
            raise forms.ValidationError(_("This is not the name; nothing was done."))
        return self._name


class NameField(forms.CharField):
    """The name of something new, which stays."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Name"),
            help_text=gettext_lazy("Lower case letters, digits, '-', '_' and '.'; it stays."),
        )


class DayField(forms.DateField):
    """A day until whose end (UTC) something holds; None: without an end."""

    def __init__(self, **more: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], **more)


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, *, rows: int = 3, **more: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows, "class": "code"}), **more)

    def clean(self, value: Any) -> Any:
        """The lines that are not empty."""
        text = str(super().clean(value) or "")
        return [line.strip() for line in text.split("\n") if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        """As it stands in the box."""
        return "\n".join(value) if isinstance(value, list | tuple) else value


def end_of(day: date | None) -> datetime | None:
    """The instant at which a day is over."""
    return datetime.combine(day, time(), UTC) + timedelta(days=1) if day else None


def last_day(end: datetime | None) -> date | None:
    """The reverse of `end_of`: the last day on which something holds."""
    return (end - timedelta(microseconds=1)).astimezone(UTC).date() if end else None
