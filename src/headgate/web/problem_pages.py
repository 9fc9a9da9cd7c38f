"""What does the `type` of a problem mean? A page for each, for whoever met one: no login.

The text is `docs/problems.md`; the wheel carries it beside this module. No script, nothing from
another host, as the page of the REST API.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from headgate.store.services.actor import not_found
from headgate.web.answers import problem_response
from headgate.web.api.requests import request_id
from headgate.web.docs import CACHED, CSP, STYLE, marked

PLACES = (Path(__file__).with_name("problems.md"), Path(__file__).parents[3] / "docs/problems.md")
"""In an installed package, and in a work tree."""
NAME_CHARACTERS_MAX = 100


@dataclass(frozen=True, slots=True)
class Section:
    """What one problem means at one place (`at`: at the gateway, at the REST API)."""

    at: str
    name: str
    paragraphs: tuple[SafeString, ...]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every problem, by place."""
    by_place: dict[str, list[Section]] = {}
    for section in sections():
        by_place.setdefault(section.at, []).append(section)
    return _show(request, {"places": by_place.items(), "title": "Problems"})


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One problem, at each place where it is met."""
    found = [section for section in sections() if section.name == name]
    if not found:
        problem = not_found("problem", name[:NAME_CHARACTERS_MAX])
        return problem_response(problem, request_id(request))
    return _show(request, {"found": found, "title": name})


@require_safe
def style(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The style sheet of these pages."""
    response = HttpResponse(STYLE.read_bytes(), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = CACHED
    return response


@cache
def sections() -> tuple[Section, ...]:
    """The sections of the text, in its order."""
    text = next(place for place in PLACES if place.is_file()).read_text(encoding="utf-8")
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        at, _, rest = part.partition("\n")
        for one in re.split(r"^### ", rest, flags=re.MULTILINE)[1:]:
            name, _, body = one.partition("\n")
            paragraphs = (" ".join(lines.split()) for lines in body.split("\n\n"))
            shown = tuple(marked(_without_links(words)) for words in paragraphs if words)
            found.append(Section(at, name, shown))
    return tuple(found)


def _without_links(words: str) -> str:
    """Links lead to pages of the documentation, which are not served."""
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", words)


def _show(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    response = render(request, "problem.html", context)
    response["Content-Security-Policy"] = CSP
    response["Cache-Control"] = CACHED
    return response
