"""How does a page carry out what a form asks for, and show a secret once? The same on both sites.

Each site says how it looks: `portal/pages.py` and `console/pages.py` bind these to templates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from headgate.web.site.forms import SiteForm

REFUSED = 422  # the form was not carried out
Then = Callable[[Any], HttpResponse | tuple[str, str]]
"""What follows an act: an answer, or what was done in words and the address to go on to."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A new secret, what it is, and where to go on. Never kept, never logged."""

    title: str
    text: str = field(repr=False)
    then: str
    more: Sequence[tuple[str, str]] = ()
    back: Sequence[tuple[str, str]] = ()
    lead: str = ""
    example: str = ""


def carry_out(
    template: str,
    request: HttpRequest,
    page: Any,
    form: SiteForm,
    act: Callable[[dict[str, Any]], Any],
    then: Then,
    **more: Any,
) -> HttpResponse:
    """The page of an act. Once its form was sent and taken, what `then` makes of its result."""
    if request.method == "POST" and form.do(act):
        done = then(form.result)
        if isinstance(done, HttpResponse):
            return done
        messages.success(request, done[0])
        return redirect(done[1])
    status = REFUSED if form.is_bound else 200
    return render(request, template, {"page": page, "form": form, **more}, status=status)


def reveal(template: str, request: HttpRequest, secret: Secret) -> HttpResponse:
    """The only page that a new secret ever stands on."""
    response = render(request, template, {"secret": secret})
    response["Cache-Control"] = "no-store"
    return response
