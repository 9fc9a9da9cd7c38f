"""What needs attention now? The console's first page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from headgate.store.services import people
from headgate.web.site.signed_in import open_to_all, operator


@open_to_all
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The first page; on a new installation, the way to its first administrator."""
    if people.is_empty():
        return redirect("first_administrator")
    return render(request, "console/home.html", {"actor": operator(request)})
