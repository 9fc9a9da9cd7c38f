"""What does the portal say beside its APIs? Pages that its operators write, in Markdown."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from headgate.catalog.reference import markdown
from headgate.store.services.catalog import branding
from headgate.web.site.signed_in import open_to_all


@open_to_all
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One page, open to everybody."""
    found = branding.page(name)
    text = mark_safe(markdown.html_of_operators(found.text))  # noqa: S308  # sanitized there
    return render(request, "portal/text_page.html", {"text_page": found, "text": text})
