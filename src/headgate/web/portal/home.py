"""What does a developer see first? What there is to call, and where they are with it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from headgate.store.services import people
from headgate.web.site.signed_in import open_to_all


@open_to_all
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The start page, open to everybody."""
    return render(request, "portal/home.html", {"is_new": people.is_empty()})
