"""How does a page of the portal carry out what a form asks for, and show a secret once?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from headgate.web.site.forms import SiteForm

REFUSED = 422  # the form was not carried out


@dataclass(frozen=True, slots=True)
class FormPage:
    """The page of one act. `hits`: what it will hit. `back`: text and address of where it is."""

    title: str
    submit: str
    back: Sequence[tuple[str, str]]
    lead: str = ""
    hits: Sequence[str] = ()
    is_danger: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """A new secret and where to go on. Never kept, never logged."""

    title: str
    text: str = field(repr=False)
    back: Sequence[tuple[str, str]]
    then: str
    lead: str = ""
    more: Sequence[tuple[str, str]] = ()
    example: str = ""


def carry_out(
    request: HttpRequest,
    page: FormPage,
    form: SiteForm,
    act: Callable[[dict[str, Any]], Any],
    then: Callable[[Any], "HttpResponse | tuple[str, str]"],
    template: str = "portal/form.html",
    **more: Any,
) -> HttpResponse:
    """The page of an act. Once its form was sent and taken, what `then` makes of its result.

    That is an answer, or what was done in words and the address to go on to.
    """
    if request.method == "POST" and form.do(act):
        done = then(form.result)
        if isinstance(done, HttpResponse):
            return done
        messages.success(request, done[0])
        return redirect(done[1])
    status = REFUSED if form.is_bound else 200
    return render(request, template, {"page": page, "form": form, **more}, status=status)


def reveal(request: HttpRequest, secret: Secret) -> HttpResponse:
    """The only page that a new secret ever stands on."""
    response = render(request, "portal/secret.html", {"secret": secret})
    response["Cache-Control"] = "no-store"
    return response
