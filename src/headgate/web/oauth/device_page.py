"""How does a person let a device in? By a page: the code that it shows, and who they are.

A person says who they are with a token of the REST API, which travels in the form and is kept
nowhere: no cookie, no session, hence nothing that another page could make a browser send. Between
the two steps a ticket of ours, signed and short-lived, stands for it. An account of the sites does
not count here: who is signed in decides in `headgate.web.portal.devices`, where this page leads.

Source: RFC 8628 §3.3, §5.4 (what is asked for is shown before it is granted).
"""

from pathlib import Path
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from headgate.access.clients import plain_user_code
from headgate.core.clock import SystemClock
from headgate.core.problems import Problem, ProblemType
from headgate.store.models import DeviceGrant
from headgate.store.services.actor import Actor
from headgate.store.services.consumers import tokens
from headgate.store.services.oauth import device_grants
from headgate.store.tries import SharedLimit
from headgate.web.api.requests import exchange, request_id

CSP = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
STYLE = Path(__file__).parents[1] / "static" / "device.css"
STYLE_CACHED = "public, max-age=300"
TEMPLATE = "device.html"
TRIES_PER_MINUTE = 20  # of one address
TICKET_SECONDS = 300
TICKET = "headgate.device"
CODE_CHARACTERS_MAX = 40

_clock = SystemClock()
_tries = SharedLimit("device", TRIES_PER_MINUTE)


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The page, in one of its steps: the code, what is asked for, what was decided."""
    if request.method != "POST":
        return _show(request, {"code": request.GET.get("user_code", "")[:CODE_CHARACTERS_MAX]})
    if not _tries.take(exchange(request).address, _clock.now()):
        return _failed(request, _("Too many tries. Wait a minute, then try again."), 429)
    try:
        if "ticket" in request.POST:
            return _decided(request)
        return _asked(request)
    except Problem as problem:
        status = 403 if problem.type is ProblemType.UNAUTHENTICATED else problem.status
        return _failed(request, _for_people(problem), status)


@require_safe
def style(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The page's style sheet."""
    response = HttpResponse(STYLE.read_bytes(), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = STYLE_CACHED
    return response


def _asked(request: HttpRequest) -> HttpResponse:
    """What the device with this code wants, for one who may decide about it."""
    code = plain_user_code(request.POST.get("user_code", "")[:CODE_CHARACTERS_MAX])
    actor = _actor(request)
    grant = device_grants.find(actor, code)
    ticket = signing.dumps({"token": actor.token, "code": code}, salt=TICKET)
    return _show(request, {"grant": _shown(grant), "ticket": ticket, "actor": actor.name})


def _decided(request: HttpRequest) -> HttpResponse:
    is_approved = request.POST.get("decision") == "approve"
    try:
        ticket = signing.loads(request.POST["ticket"], salt=TICKET, max_age=TICKET_SECONDS)
    except signing.BadSignature as error:
        raise Problem(
            ProblemType.INVALID_INPUT, _("This page has been open for too long."), _("Start again.")
        ) from error
    actor = tokens.resume(ticket["token"], at=_clock.now(), **_origin(request))
    client = device_grants.decide(actor, ticket["code"], is_approved=is_approved)
    return _show(
        request, {"is_approved": is_approved, "application": client.credential.application.path}
    )


def _actor(request: HttpRequest) -> Actor:
    """Who the person is.

    Raises:
        Problem: UNAUTHENTICATED.
    """
    text = request.POST.get("token", "").strip()
    return tokens.authenticate(text, at=_clock.now(), **_origin(request))


def _origin(request: HttpRequest) -> dict[str, str]:
    return {"address": exchange(request).address, "request_id": request_id(request)}


def _shown(grant: DeviceGrant) -> dict[str, Any]:
    credential = grant.client.credential
    return {
        "application": credential.application.path,
        "client": credential.name,
        "client_id": credential.id,
        "scopes": grant.scopes,
        "created_at": grant.created_at,
    }


def _for_people(problem: Problem) -> str:
    if problem.type is ProblemType.UNAUTHENTICATED:
        return _("This token is not valid. Take one that may make keys (scope keys or admin).")
    return f"{problem.detail} {problem.next_step}"


def _failed(request: HttpRequest, error: str, status: int) -> HttpResponse:
    code = request.POST.get("user_code", "")[:CODE_CHARACTERS_MAX]
    return _show(request, {"error": error, "code": code}, status)


def _show(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, TEMPLATE, context, status=status)
    response["Content-Security-Policy"] = CSP
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  # Django's mark: no second line in the log
    return response
