"""How does the portal look, and what do its pages say? Set here, seen at once."""

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from headgate.catalog.reference import markdown
from headgate.core.problems import Problem
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import branding
from headgate.web.site.signed_in import operator

NEW = "new"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The look, and the list of pages."""
    actor = _publisher(request)
    problem = None
    if request.method == "POST":
        try:
            _set(request, actor)
        except Problem as error:
            problem = error
        else:
            messages.success(request, gettext("The portal looks like this now."))
            return redirect("console_look")
    shown: dict[str, Any] = {
        "look": branding.look(),
        "pages": branding.pages(),
        "problem": problem,
        "given": request.POST,
    }
    return render(request, "console/look.html", shown, status=problem.status if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def text_page(request: HttpRequest, name: str) -> HttpResponse:
    """One page: its text, how it reads, and where it stands. `new` is the form for another."""
    actor = _publisher(request)
    found = None if name == NEW else branding.page(name)
    given, problem = request.POST, None
    if request.method == "POST" and "preview" not in given:
        try:
            made = branding.put_page(
                actor,
                given.get("name", "") if found is None else name,
                title=given.get("title", ""),
                text=given.get("text", ""),
                position=_number(given.get("position", "")),
            )
        except Problem as error:
            problem = error
        else:
            messages.success(request, gettext("The page is stored."))
            return redirect("console_text_page", made.name)
    text = given.get("text", found.text if found else "")
    shown = {
        "page": found,
        "given": given,
        "problem": problem,
        "text": text,
        "preview": mark_safe(markdown.html_of_operators(text)),  # noqa: S308  # sanitized there
    }
    status = problem.status if problem else 200
    return render(request, "console/text_page.html", shown, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, name: str) -> HttpResponse:
    """Ask, then take a page away."""
    actor = _publisher(request)
    found = branding.page(name)
    if request.method == "POST":
        branding.delete_page(actor, name)
        messages.success(request, gettext("The page is gone."))
        return redirect("console_look")
    return render(request, "console/text_page_delete.html", {"page": found})


def _publisher(request: HttpRequest) -> Actor:
    actor = operator(request)
    actor.require_operator(Scope.WRITE, "look of the portal")
    return actor


def _set(request: HttpRequest, actor: Actor) -> None:
    file = request.FILES.get("logo")
    logo: bytes | None = None
    if isinstance(file, UploadedFile):
        logo = file.read(branding.LOGO_BYTES_MAX + 1)
    elif "no_logo" in request.POST:
        logo = b""
    branding.set_look(
        actor,
        name=request.POST.get("name", ""),
        welcome=request.POST.get("welcome", ""),
        accent="" if "no_accent" in request.POST else request.POST.get("accent", ""),
        logo=logo,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else -1
