"""How does an application fare, and why did one of its calls fail? For its organization alone."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.core.phrases import phrase
from headgate.store.services.actor import Scope, not_found
from headgate.store.services.traffic import causes, explain, usage_reports
from headgate.store.services.traffic.usage_reports import DAY, Quota, Report
from headgate.store.services.values import invalid
from headgate.web.portal.places import application_of, way_to
from headgate.web.site import charts
from headgate.web.site.listing import csv_cell
from headgate.web.site.words import limit_words, step_name, step_outcome


@dataclass(frozen=True, slots=True)
class Range:
    """How far a report looks back, in steps of which length; `format` writes a step's time.

    The step that runs is one more than `length` holds.
    """

    title: Any
    length: timedelta
    step: timedelta
    format: str


RANGES = {
    "hour": Range(gettext_lazy("The last hour"), timedelta(hours=1), timedelta(minutes=1), "%H:%M"),
    "day": Range(gettext_lazy("The last day"), timedelta(days=1), timedelta(minutes=30), "%H:%M"),
    "week": Range(
        gettext_lazy("The last week"), timedelta(days=6, hours=20), timedelta(hours=4), "%m-%d"
    ),
    "month": Range(gettext_lazy("The last 30 days"), timedelta(days=29), DAY, "%m-%d"),
    "quarter": Range(gettext_lazy("The last 90 days"), timedelta(days=89), DAY, "%m-%d"),
}
RANGE_DEFAULT = "day"


@require_safe
def page(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """The report as a page, or its numbers as JSON or CSV."""
    actor, application = application_of(request, organization, name)
    actor.require(Scope.TRAFFIC)
    chosen = request.GET.get("range", RANGE_DEFAULT)
    if chosen not in RANGES:
        raise invalid(
            phrase(
                "There is no range '{chosen}': {ranges}.",
                chosen=chosen[:20],
                ranges=", ".join(RANGES),
            ),
            "/range",
        )
    found = RANGES[chosen]
    begins = charts.steps(actor.at - found.length, actor.at, found.step)
    report = usage_reports.of(actor, application, begins=begins, until=actor.at)
    wanted = request.GET.get("format", "")
    if wanted == "json":
        return _json(report)
    if wanted == "csv":
        return _csv(report)
    if wanted:
        raise invalid(
            phrase("There is no format '{wanted}'; there are json and csv.", wanted=wanted[:20]),
            "/format",
        )
    rows = [(step.at, (step.good, step.refused, step.failed)) for step in report.steps]
    names = (_("answered"), _("refused by the gateway"), _("failed"))
    title = _("Calls over time (UTC)")
    context = {
        "application": application,
        "back": way_to(application),
        "report": report,
        "chart": charts.bars(title, names, rows, format_=found.format),
        "quotas": [(quota, limit_words(quota.state.limit), told(quota)) for quota in report.quotas],
        "failures": [(seen, causes.in_words(seen.record)) for seen in report.failures],
        "ranges": [(key, one.title) for key, one in RANGES.items()],
        "chosen": chosen,
        "refused": sum(step.refused for step in report.steps),
        "failed": sum(step.failed for step in report.steps),
    }
    return render(request, "portal/report.html", context)


@require_safe
def one(request: HttpRequest, organization: str, name: str, request_id: str) -> HttpResponse:
    """One call: what became of it and what to do, without what is not the caller's to know."""
    actor, application = application_of(request, organization, name)
    found = explain.of_request(actor, request_id)
    if found.seen.record.application != application.id:
        raise not_found("request", request_id)
    steps = [(step_name(step), step_outcome(step), step.detail) for step in found.steps]
    context = {"application": application, "back": way_to(application), "found": found}
    context["steps"] = steps
    return render(request, "portal/call.html", context)


def told(quota: Quota) -> tuple[str, str]:
    """Where a quota is heading, in a sentence; and how good that is."""
    state, ahead = quota.state, quota.forecast
    ends = _instant(state.ends_at)
    if state.used >= state.limit.amount:
        return _("Used up. It begins anew on %(at)s.") % {"at": ends}, "bad"
    if not ahead.is_known:
        return _("Too little was called in this window to say where it is heading."), ""
    if ahead.used_up_at is not None:
        at = _instant(ahead.used_up_at)
        return _("At this pace it is used up on %(at)s.") % {"at": at}, "warn"
    expected = f"{ahead.expected:,}"
    return (
        _("At this pace about %(expected)s will be used when it begins anew on %(at)s.")
        % {"expected": expected, "at": ends},
        "good",
    )


def _instant(at: datetime) -> str:
    return f"{date_format(at, 'l Y-m-d H:i')} UTC"


def _json(report: Report) -> HttpResponse:
    total = report.total
    body = {
        "since": report.since,
        "until": report.until,
        "requests": total.requests if total else 0,
        "latency_ms": {
            "p50": total.latency_ms_p50 if total else None,
            "p95": total.latency_ms_p95 if total else None,
            "p99": total.latency_ms_p99 if total else None,
        },
        "steps": [
            {"at": step.at, "answered": step.good, "refused": step.refused, "failed": step.failed}
            for step in report.steps
        ],
        "causes": [
            {
                "cause": cause.name,
                "requests": cause.number,
                "detail": cause.detail,
                "next_step": cause.next_step,
            }
            for cause in report.causes
        ],
        "quotas": [
            {
                "plan": quota.subscription.plan.path,
                "quota": str(quota.state.limit),
                "gateway": quota.state.gateway,
                "used": quota.state.used,
                "ends_at": quota.state.ends_at,
                "expected": quota.forecast.expected if quota.forecast.is_known else None,
                "used_up_at": quota.forecast.used_up_at,
            }
            for quota in report.quotas
        ],
        "failures": [
            {
                "request_id": seen.record.request_id,
                "at": seen.record.started_at,
                "method": seen.record.method,
                "path": seen.record.path,
                "status": seen.record.status,
                "verdict": seen.record.verdict,
            }
            for seen in report.failures
        ],
    }
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2)
    return HttpResponse(content, content_type="application/json")


def _csv(report: Report) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["at", "answered", "refused", "failed"])
    for step in report.steps:
        writer.writerow([csv_cell(step.at), step.good, step.refused, step.failed])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="report.csv"'
    return response
