"""How do pages wear the colours and the logo of whoever runs the portal?

The style sheet is made of one accent: on light and on dark ground it is moved until text in it
can be read (`core/colours.py`). A logo is only ever shown as a picture, never as a page.
"""

import hashlib
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from headgate.catalog.reference import markdown
from headgate.core.colours import Palette, palette
from headgate.store.services.catalog import branding
from headgate.web.site.assets import CACHED_FOR_GOOD, DIGEST_CHARACTERS
from headgate.web.site.signed_in import open_to_all

LIGHT, DARK = "#f1f5f3", "#171d1a"  # --sunken and --raised: the hardest grounds to read on
LOGO_CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
RULES = """:root {{ {light} }}
@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}
:root[data-theme="dark"] {{ {dark} }}
"""


def shown() -> dict[str, Any]:
    """What every template knows of the look. The welcome is made where it is shown alone."""
    look = branding.look()
    return {
        "name": look.name or "Headgate",
        "welcome": lambda: mark_safe(markdown.html_of_operators(look.welcome)),  # noqa: S308  # sanitized
        "style": _address("brand_style", look.accent.encode()) if look.accent else "",
        "logo": _address("brand_logo", look.logo) if look.logo else "",
        "pages": branding.pages().exclude(position=0).only("name", "title"),
    }


@open_to_all
@require_safe
def style(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The style sheet of the accent."""
    accent = branding.look().accent
    if not accent:
        raise Http404
    text = RULES.format(light=_rules(palette(accent, LIGHT)), dark=_rules(palette(accent, DARK)))
    response = HttpResponse(text, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = CACHED_FOR_GOOD  # another accent has another address
    return response


@open_to_all
@require_safe
def logo(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The logo; opened as a page of its own, it may do nothing."""
    look = branding.look()
    if not look.logo:
        raise Http404
    response = HttpResponse(look.logo, content_type=look.logo_type)
    response["Cache-Control"] = CACHED_FOR_GOOD
    response["Content-Security-Policy"] = LOGO_CSP
    return response


def _address(name: str, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]
    return f"{reverse(name)}?v={digest}"


def _rules(colours: Palette) -> str:
    return (
        f"--fill: {colours.fill}; --fill-hover: {colours.hover}; --on-fill: {colours.on_fill};"
        f" --tint: {colours.tint}; --link: {colours.fill};"
    )
