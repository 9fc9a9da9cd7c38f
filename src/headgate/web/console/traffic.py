"""What is called right now, by whom, and how does it end? And why did one request end so?"""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType
from headgate.model.record import RequestRecord, Verdict
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.traffic import explain, questions
from headgate.store.services.traffic.questions import SeenRequest
from headgate.traffic.queries import RequestFilter
from headgate.web.console import hits
from headgate.web.console.pages import (
    Act,
    Cell,
    Part,
    Thing,
    allowed,
    badge,
    code,
    link,
    number,
    text,
)
from headgate.web.site.listing import Column, exported
from headgate.web.site.tags import milliseconds, size
from headgate.web.site.words import refusal, said, step_name, step_outcome

ROWS = 100
EXPORT_ROWS = 1000
NEW_ROWS_MAX = 200  # at one time: more than a screen, less than a flood
FILTERS = ("api", "application", "status", "verdict", "text")
CLASSES = ("2xx", "3xx", "4xx", "5xx")


def status_kind(status: int) -> str:
    """The badge of a status."""
    return "bad" if status >= 500 or status == 0 else "warn" if status >= 400 else "good"


def asked(request: HttpRequest) -> dict[str, str]:
    """The filters of the address that have a value."""
    found = {name: request.GET.get(name, "").strip()[:200] for name in FILTERS}
    return {name: value.replace("\0", "") for name, value in found.items() if value}


def filters_of(actor: Actor, given: dict[str, str], **more: Any) -> RequestFilter:
    """The filters as the service takes them.

    Raises:
        Problem: INVALID_INPUT; NOT_FOUND: the application.
    """
    status = given.get("status", "")
    exact, of_class = None, None
    if status in CLASSES:
        of_class = int(status[0])
    elif status.isascii() and status.isdecimal() and len(status) == 3:
        exact = int(status)
    elif status:
        raise Problem(
            ProblemType.INVALID_INPUT,
            phrase("'{status}' is no status.", status=status[:20]),
            "Write three digits, or one of 2xx, 3xx, 4xx and 5xx.",
        )
    return questions.request_filter(
        actor,
        api=given.get("api"),
        application=given.get("application"),
        verdict=given.get("verdict"),
        text=given.get("text"),
        status=exact,
        status_class=of_class,
        **more,
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The newest requests; `live=1` goes on showing what comes."""
    actor = allowed(request, Scope.TRAFFIC, "traffic")
    given = asked(request)
    wanted = request.GET.get("format", "")
    cursor = request.GET.get("cursor") or None
    problem, found = "", None
    try:
        filters = filters_of(actor, given)
        limit = EXPORT_ROWS if wanted else ROWS
        found = questions.requests(actor, filters, cursor=cursor, limit=limit)
    except Problem as error:
        if wanted or error.type is ProblemType.FORBIDDEN:
            raise
        problem = refusal(error)
    if wanted and found:
        return exported(wanted, "requests", _columns(), found.items)
    is_live = request.GET.get("live") == "1" and not problem
    query = urlencode(given)
    context = {
        "rows": found.items if found else (),
        "given": given,
        "problem": problem,
        "is_live": is_live,
        "is_narrowed": bool(given),
        "query": query,
        "classes": CLASSES,
        "verdicts": list(Verdict),
        "older": urlencode(given | {"cursor": found.next}) if found and found.next else "",
        "new": new_address(given, found.after) if found else "",
    }
    return render(request, "console/traffic.html", context, status=422 if problem else 200)


def new_address(given: dict[str, str], after: str) -> str:
    """Where the requests are that were stored since."""
    return f"{reverse('console_traffic_new')}?{urlencode(given | {'after': after})}"


@require_safe
def new(request: HttpRequest) -> HttpResponse:
    """The rows that came since `after`, for the page to put above the others."""
    actor = allowed(request, Scope.TRAFFIC, "traffic")
    given = asked(request)
    found = questions.follow(
        actor, filters_of(actor, given), after=request.GET.get("after", ""), limit=NEW_ROWS_MAX
    )
    context = {"rows": tuple(reversed(found.items)), "new": new_address(given, found.after)}
    return render(request, "console/traffic_new.html", context)


def _columns() -> "tuple[Column[SeenRequest], ...]":
    plain = (
        "started_at",
        "request_id",
        "gateway",
        "api",
        "version",
        "operation",
        "method",
        "path",
        "status",
        "verdict",
        "duration_us",
        "upstream_us",
        "client_ip",
    )

    def of(name: str) -> "Column[SeenRequest]":
        return Column(name, name, lambda seen: getattr(seen.record, name))

    return (
        *(of(name) for name in plain),
        Column("application", "application", lambda seen: seen.application),
        Column("plan", "plan", lambda seen: seen.plan),
    )


@require_safe
def one(request: HttpRequest, request_id: str) -> HttpResponse:
    """Why one request was answered as it was."""
    actor = allowed(request, Scope.TRAFFIC, "traffic")
    found = explain.of_request(actor, request_id)
    seen, record = found.seen, found.seen.record
    thing = Thing(
        title=f"{record.method} {record.path}",
        back=((_("Live traffic"), reverse("console_traffic")),),
        badges=((str(record.status), status_kind(record.status)), (record.verdict.value, "")),
        lead=said(found.summary),
        facts=_facts(seen),
        acts=_acts(record),
    )
    steps = Part(
        _("On its way"),
        (_("What was looked at"), _("Outcome"), _("In words")),
        [
            [text(step_name(step)), badge(*step_outcome(step)), text(said(step.detail))]
            for step in found.steps
        ],
    )
    acts = [act for act in thing.acts if actor.may(act.scope)]
    context = {
        "thing": thing,
        "acts": acts,
        "parts": [{"part": steps, "acts": ()}],
        "next_step": said(found.next_step),
    }
    return render(request, "console/request.html", context)


def _acts(record: RequestRecord) -> list[Act]:
    acts = []
    if record.client_ip:
        query = urlencode({"kind": "address", "subject": record.client_ip})
        acts.append(
            Act(_("Block the address"), f"{reverse('console_block_new')}?{query}", Scope.BLOCKS)
        )
    if record.application:
        query = urlencode({"kind": "application", "subject": record.application})
        acts.append(
            Act(_("Block the application"), f"{reverse('console_block_new')}?{query}", Scope.BLOCKS)
        )
    return acts


def _facts(seen: SeenRequest) -> list[tuple[str, Cell]]:
    record = seen.record
    reference = f"{record.api}@{record.version}" if record.api else ""
    return [
        (_("Request id"), code(record.request_id)),
        (_("Begun"), Cell(record.started_at, "instant")),
        (_("API"), link(reference, _api_address(record)) if record.api else text(None)),
        (_("Operation"), code(record.operation)),
        (_("Application"), hits.application_cell(seen.application)),
        (_("Plan"), text(seen.plan)),
        (_("Credential"), code(record.credential)),
        (_("Subject of the token"), text(record.subject)),
        (_("From"), code(record.client_ip)),
        (_("Program"), text(record.user_agent)),
        (_("Took"), text(milliseconds(record.duration_us / 1000))),
        (_("Of that the upstream"), text(milliseconds(record.upstream_us / 1000))),
        (_("Upstream"), code(record.upstream_host)),
        (_("Tries"), number(record.attempts)),
        (_("Cache"), text(record.cache)),
        (
            _("Sent and received"),
            text(f"{size(record.request_bytes)}, {size(record.response_bytes)}"),
        ),
        (_("Envoy's flags"), code(record.response_flags)),
        (_("Gateway and node"), text(f"{record.gateway}, {record.node}")),
    ]


def _api_address(record: RequestRecord) -> str:
    return reverse("console_api", args=[record.api])
