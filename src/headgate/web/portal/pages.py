"""How does a page of the portal carry out what a form asks for, and show a secret once?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from headgate.web.site import acts
from headgate.web.site.acts import Secret, Then
from headgate.web.site.forms import SiteForm


@dataclass(frozen=True, slots=True)
class FormPage:
    """The page of one act. `hits`: what it will hit. `back`: text and address of where it is."""

    title: str
    submit: str
    back: Sequence[tuple[str, str]]
    lead: str = ""
    hits: Sequence[str] = ()
    is_danger: bool = False


def carry_out(
    request: HttpRequest,
    page: FormPage,
    form: SiteForm,
    act: Callable[[dict[str, Any]], Any],
    then: Then,
    template: str = "portal/form.html",
    **more: Any,
) -> HttpResponse:
    """The page of an act; see `site.acts.carry_out`."""
    return acts.carry_out(template, request, page, form, act, then, **more)


def reveal(request: HttpRequest, secret: Secret) -> HttpResponse:
    """The only page that a new secret ever stands on."""
    return acts.reveal("portal/secret.html", request, secret)
