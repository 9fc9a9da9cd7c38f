"""How much is called, how fast and how well, by API, operation, application and the rest?"""

from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.core.phrases import phrase
from headgate.store.services.actor import Scope
from headgate.store.services.traffic import questions
from headgate.store.services.values import invalid
from headgate.traffic.queries import GroupBy, StatsRow
from headgate.web.console.pages import allowed
from headgate.web.site.computed import Computed
from headgate.web.site.listing import Column

SPANS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
BY = ("api", "operation", "application", "organization", "plan", "status", "verdict")
NARROWED_BY = (
    "api",
    "version",
    "operation",
    "application",
    "organization",
    "plan",
    "status",
    "verdict",
)
INTO = {
    "api": "operation",
    "operation": "application",
    "organization": "application",
    "application": "operation",
    "plan": "application",
    "status": "api",
    "verdict": "api",
}
"""What a row is divided into when it is opened."""


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Numbers by one thing, over a time, of what was chosen; each row leads further down."""
    actor = allowed(request, Scope.TRAFFIC, "traffic")
    by, span = request.GET.get("by", "api"), request.GET.get("span", "1d")
    if by not in BY:
        raise invalid(
            phrase(
                "Numbers are not counted by '{by}'; by {bys} they are.",
                by=by[:20],
                bys=", ".join(BY),
            ),
            "/by",
        )
    if span not in SPANS:
        raise invalid(
            phrase("'{span}' is none of {spans}.", span=span[:20], spans=", ".join(SPANS)), "/span"
        )
    chosen = {name: request.GET.get(name, "")[:400] for name in NARROWED_BY}
    chosen = {name: value for name, value in chosen.items() if value}
    status = chosen.get("status")
    if status is not None and not (status.isascii() and status.isdecimal()):
        raise invalid(phrase("'{status}' is no status.", status=status[:20]), "/status")
    filters = questions.request_filter(
        actor,
        since=actor.at - SPANS[span],
        status=int(status[:3]) if status else None,
        **{name: chosen.get(name) for name in NARROWED_BY if name != "status"},  # type: ignore[arg-type]  # all of them are texts
    )
    rows = questions.stats(actor, GroupBy(by), filters)
    more = {
        "by": by,
        "span": span,
        "spans": _spans(),
        "tabs": [
            {
                "by": one,
                "title": _titles()[one],
                "query": urlencode(chosen | {"by": one, "span": span}),
            }
            for one in BY
        ],
        "chosen": [
            {"name": name, "value": value, "without": urlencode(_without(chosen, name, by, span))}
            for name, value in chosen.items()
        ],
        "kept": chosen,
        "empty": _("Nothing was called in this time."),
        "title": _("Numbers"),
    }
    listing = Computed("numbers", _columns(by, span, chosen))
    return listing.answer(request, rows, "console/numbers.html", more)


def _without(chosen: dict[str, str], name: str, by: str, span: str) -> dict[str, str]:
    return {key: value for key, value in chosen.items() if key != name} | {"by": by, "span": span}


def _titles() -> dict[str, str]:
    return {
        "api": _("APIs"),
        "operation": _("Operations"),
        "application": _("Applications"),
        "organization": _("Organizations"),
        "plan": _("Plans"),
        "status": _("Status"),
        "verdict": _("Verdicts"),
    }


def _spans() -> list[tuple[str, str]]:
    titles = {
        "15m": _("15 minutes"),
        "1h": _("hour"),
        "6h": _("6 hours"),
        "1d": _("day"),
        "7d": _("7 days"),
        "30d": _("30 days"),
        "90d": _("90 days"),
    }
    return [(key, titles[key]) for key in SPANS]


def _columns(by: str, span: str, chosen: dict[str, str]) -> "tuple[Column[StatsRow], ...]":
    def opened(row: StatsRow) -> tuple[str, str]:
        title = " ".join(part for part in row.key if part)
        names = ("api", "version", "operation") if by == "operation" else (by,)
        more = {name: value for name, value in zip(names, row.key, strict=False) if value}
        if not more:
            return title or _("(none)"), "?" + urlencode(chosen | {"by": by, "span": span})
        query = urlencode(chosen | more | {"by": INTO[by], "span": span})
        return title, f"{reverse('console_numbers')}?{query}"

    return (
        Column("key", _titles()[by], opened, "link", "key"),
        Column("requests", _("Calls"), lambda row: row.requests, "number", "requests"),
        Column(
            "refused", _("Refused"), lambda row: row.requests - row.allowed, "number", "refused"
        ),
        Column("errors", _("Failed"), lambda row: row.errors, "number", "errors"),
        Column(
            "error_ratio",
            _("Share failed"),
            lambda row: row.errors / row.requests if row.requests else None,
            "ratio",
            "error_ratio",
        ),
        Column(
            "would_refuse",
            _("Would refuse"),
            lambda row: row.would_refuse,
            "number",
            "would_refuse",
        ),
        Column("latency_ms_p50", "p50", lambda row: row.latency_ms_p50, "ms", "p50"),
        Column("latency_ms_p95", "p95", lambda row: row.latency_ms_p95, "ms", "p95"),
        Column("latency_ms_p99", "p99", lambda row: row.latency_ms_p99, "ms", "p99"),
        Column("request_bytes", _("Received"), lambda row: row.request_bytes, "size", "in"),
        Column("response_bytes", _("Sent"), lambda row: row.response_bytes, "size", "out"),
    )
