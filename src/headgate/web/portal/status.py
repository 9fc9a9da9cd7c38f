"""How well does an API answer? Its last hour and day, the last 90 days, and a badge to put up."""

from typing import TYPE_CHECKING

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from headgate.store.models import APIVersion
from headgate.store.services.values import invalid
from headgate.traffic.health import BAD_BELOW, GOOD_FROM, Health
from headgate.web.portal.health import in_short, words
from headgate.web.portal.reference import context_of, found_for
from headgate.web.site.brand import LOGO_CSP
from headgate.web.site.signed_in import open_to_all, origin

if TYPE_CHECKING:  # the query engine takes 40 MB: it is loaded by the first question
    from headgate.store.services.traffic.api_status import APIStatus

BADGE_SECONDS = 60
LETTER_WIDTH = 7  # pixels, about, in the badge's letters
FILLS = {  # white text on them can be read (WCAG 2.2 AA)
    Health.GOOD: "#1a7a45",
    Health.DEGRADED: "#8a5a00",
    Health.FAILING: "#b3261e",
    Health.UNKNOWN: "#5c6660",
}


@open_to_all
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The status of a version, for all who may see it; also as JSON."""
    from headgate.store.services.traffic import api_status  # as above

    found = found_for(name)
    status = api_status.of(found.version, origin(request).at)
    wanted = request.GET.get("format", "")
    if wanted == "json":
        return _json(found.version, status)
    if wanted:
        raise invalid("There is the format json.", "/format")
    now = status.hour if status.hour.health is not Health.UNKNOWN else status.day
    context = context_of(found) | {
        "status": status,
        "state": words(now),
        "days": [(day, words(day)) for day in status.days],
        "badge": request.build_absolute_uri(f"{request.path.removesuffix('/status')}/badge.svg"),
        "good_from": GOOD_FROM,
        "bad_below": BAD_BELOW,
        "is_status": True,
    }
    return render(request, "portal/reference/status.html", context)


@open_to_all
@require_safe
def badge(request: HttpRequest, name: str) -> HttpResponse:
    """The last day as a small picture, for pages elsewhere."""
    from headgate.store.services.traffic import api_status  # as above

    found = found_for(name)
    day = api_status.lately(found.version, origin(request).at)
    title, text = found.index.title[:60], in_short(day)
    left, right = (LETTER_WIDTH * len(one) + 20 for one in (title, text))
    context = {
        "title": title,
        "text": text,
        "left": left,
        "right": right,
        "width": left + right,
        "title_at": left / 2,
        "text_at": left + right / 2,
        "fill": FILLS[day.health],
    }
    response = render(request, "portal/badge.svg", context, content_type="image/svg+xml")
    response["Cache-Control"] = f"public, max-age={BADGE_SECONDS}"
    response["Content-Security-Policy"] = LOGO_CSP
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # it is made to stand elsewhere
    return response


def _json(version: APIVersion, status: "APIStatus") -> HttpResponse:
    windows = {
        name: {
            "calls": one.calls,
            "failed": one.failed,
            "success_ratio": one.success_ratio,
            "latency_ms_p95": one.latency_ms_p95,
            "health": one.health,
        }
        for name, one in (("hour", status.hour), ("day", status.day))
    }
    days = [
        {"day": one.day, "calls": one.calls, "failed": one.failed, "health": one.health}
        for one in status.days
    ]
    body = {"api": version.api.name, "version": version.name, "state": version.lifecycle}
    return HttpResponse(
        orjson.dumps(body | windows | {"days": days}, option=orjson.OPT_INDENT_2),
        content_type="application/json",
    )
