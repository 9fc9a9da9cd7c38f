"""How is a consumer erased from the records? Counted first, then done once its name is typed."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.core.clock import SystemClock
from headgate.store.services.actor import Scope, not_found
from headgate.store.services.traffic import erasure
from headgate.web.console import hits
from headgate.web.console.pages import (
    FormPage,
    Part,
    allowed,
    carry_out,
    confirmed,
    number,
)
from headgate.web.site.forms import SiteForm, form_view

KINDS = ("application", "organization")
_clock = SystemClock()


class WhoseForm(SiteForm):
    """Whose records."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Whose"),
        choices=[
            ("application", gettext_lazy("an application's")),
            ("organization", gettext_lazy("an organization's")),
        ],
    )
    name = forms.CharField(
        label=gettext_lazy("Name or id"),
        help_text=gettext_lazy("Such as acme/demo or acme; also of one that was deleted."),
    )


def _back() -> tuple[str, str]:
    return _("Erase records"), reverse("console_erasure")


@form_view
def page(request: HttpRequest) -> HttpResponse:
    """Whose records are they?"""
    actor = allowed(request, Scope.ADMIN, "consumer")

    def act(given: dict[str, Any]) -> str:
        erasure.preview(actor, **{given["kind"]: given["name"]})  # that there is such a one
        return reverse("console_erase", args=[given["kind"], given["name"]])

    form_page = FormPage(
        _("Erase records"),
        _("Count them"),
        (),
        lead=_(
            "Requests of a consumer lose who called, from where, and which path. Their time,"
            " operation, status and sizes stay, so that all sums still add up."
        ),
    )
    form = WhoseForm(request.POST or None)
    return carry_out(request, form_page, form, act, redirect)


@form_view
def one(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """How many they are; and erase them."""
    actor = allowed(request, Scope.ADMIN, "consumer")
    if kind not in KINDS:
        raise not_found("kind of consumer", kind[:60])
    whose = {kind: name}
    found = erasure.preview(actor, **whose)
    form_page = FormPage(
        _("Erase the records of %(name)s") % {"name": name},
        _("Erase them"),
        (_back(),),
        lead=_(
            "Delete or suspend it first: calls that it still makes are recorded as before. This"
            " cannot be undone."
        ),
        hits=(
            Part(
                _("What is erased"),
                (_("Records"), _("Files to rewrite"), _("Copies of log segments to remove")),
                [[number(found.records), number(found.files), number(found.copies)]],
            ),
            hits.callers(actor, **whose),
        ),
    )
    done = _("The records of %(name)s no longer tell whose they were.") % {"name": name}
    return confirmed(
        request,
        form_page,
        name,
        lambda: erasure.erase(actor, clock=_clock, **whose),
        (done, _back()[1]),
    )
