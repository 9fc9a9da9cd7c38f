"""How are settings edited by form or as YAML? What was sent in either way, and how it is shown.

Nothing typed is lost between the two: what cannot be read stays as it was, with what is wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from headgate.core.mistakes import reason
from headgate.core.problems import Problem
from headgate.web.console import policy_forms
from headgate.web.site.acts import REFUSED
from headgate.web.site.forms import NOT_TO_MEND
from headgate.web.site.words import refusal, said

ACTS = frozenset({"save", "preview", "yaml", "form"})
Errors = dict[str, tuple[str, ...]]
"""What is wrong by the setting that it is in; under "" what is in none."""


@dataclass
class Edited:
    """Settings on their way. `do`: one of `ACTS` once the form was sent; `mode`: form or yaml.

    `sent_as`: the mode in which they came, which stays where they are refused.
    """

    schema: Mapping[str, Any]
    settings: Any
    mode: str = "form"
    sent_as: str = "form"
    do: str = ""
    errors: Errors = field(default_factory=dict)
    written: str = ""  # the YAML as it was typed

    @classmethod
    def of(cls, request: HttpRequest, schema: Mapping[str, Any], present: Any) -> "Edited":
        """What a request sends, or `present` where it sends nothing."""
        if request.method != "POST":
            return cls(schema, present)
        mode, do = request.POST.get("mode", "form"), request.POST.get("do", "")
        settings, errors, written = _sent(schema, mode, request.POST.dict())
        shown_as = do if do in {"yaml", "form"} and not errors else mode
        return cls(schema, settings, shown_as, mode, do, errors, written)

    @property
    def is_tried(self) -> bool:
        """Whether they are to be saved or looked at, and could be read."""
        return self.do in {"save", "preview"} and not self.errors

    def attempt(self, act: Callable[[], Any]) -> Any:
        """What `act` gives; None where it refuses, and what is wrong is kept.

        Raises:
            Problem: what typing something else would not mend.
        """
        try:
            return act()
        except Problem as problem:
            if problem.type in NOT_TO_MEND:
                raise
            self.errors, self.mode = _by_setting(problem), self.sent_as
            return None

    @property
    def status(self) -> int:
        """Of the page that shows them."""
        return REFUSED if self.do in ACTS and self.errors else 200

    def context(self) -> dict[str, Any]:
        """What `console/setting_form.html` needs."""
        is_object = isinstance(self.settings, dict)
        is_kept = self.mode == "yaml" and self.errors
        fields = policy_forms.shown(self.schema, self.settings, self.errors) if is_object else ()
        return {
            "mode": self.mode,
            "fields": fields,
            "written": policy_forms.written(self.schema, self.settings) if is_object else "",
            "yaml": self.written if is_kept else policy_forms.as_yaml(self.settings),
            "errors": self.errors,
        }


def _sent(schema: Mapping[str, Any], mode: str, given: dict[str, str]) -> tuple[Any, Errors, str]:
    """The settings that were sent in either way, what could not be read, and the text."""
    if mode != "yaml":
        settings, errors = policy_forms.read(schema, given)
        return settings, errors, ""
    written = given.get("yaml", "")
    try:
        found = policy_forms.from_yaml(written)
    except ValueError as error:
        return {}, {"": (reason(error),)}, written
    if found is not None and not isinstance(found, dict):
        return {}, {"": (_("Write settings as name: value."),)}, written
    return found or {}, {}, written


def _by_setting(problem: Problem) -> Errors:
    """The mistakes by the setting that they are in; what is deeper is said with its place."""
    found: Errors = {}
    for error in problem.errors:
        place = error.pointer.rpartition("/settings/")[2].removeprefix("/upstream")
        name, _slash, deeper = place.removeprefix("/").partition("/")
        message = said(error.message)
        told = f"{deeper.replace('/', '.')}: {message}" if deeper else message
        found[name] = (*found.get(name, ()), told)
    return found or {"": (refusal(problem),)}
