"""What needs attention now? The console's first page."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.core.problems import DependencyError
from headgate.store.models import Release
from headgate.store.services import audit, status
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import mail
from headgate.store.services.consumers import people
from headgate.store.services.gateway import unpublished
from headgate.store.services.traffic import questions
from headgate.web.console import data_access
from headgate.web.console.approvals import waiting
from headgate.web.site.signed_in import open_to_all, operator

NUMBERS_OF = timedelta(hours=1)
CHANGES_SHOWN_MAX = 8
RELEASES_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that somebody should look at. `kind`: bad, warn or info."""

    kind: str
    what: str
    next_step: str = ""
    address: str = ""
    act: str = ""


@open_to_all
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The first page; on a new installation, the way to its first administrator."""
    if people.is_empty():
        return redirect("first_administrator")
    actor = operator(request)
    numbers, is_readable = _numbers(actor)
    changes = (
        audit.visible(actor).order_by("-row")[:CHANGES_SHOWN_MAX] if actor.may(Scope.AUDIT) else ()
    )
    context = {
        "actor": actor,
        "notices": _notices(actor),
        "numbers": numbers,
        "is_readable": is_readable,
        "changes": changes,
    }
    return render(request, "console/home.html", context)


def _notices(actor: Actor) -> list[Notice]:
    return [*_findings(actor), *_approvals(actor), *_mails(), *_releases(), *_unpublished(actor)]


def _findings(actor: Actor) -> list[Notice]:
    return [
        Notice("bad" if one.severity == "error" else "warn", one.what, one.next_step)
        for one in status.overview(actor).findings
    ]


def _approvals(actor: Actor) -> list[Notice]:
    number = waiting(actor)
    found = []
    if number:
        told = _("Requests for plans that wait for an answer: %(n)s") % {"n": f"{number:,}"}
        found.append(Notice("info", told, "", reverse("console_approvals"), _("Look at them")))
    if number := data_access.waiting(actor):
        told = _("Requests for sensitive data that wait for an answer: %(n)s")
        address = f"{reverse('console_access')}?state=asked"
        found.append(Notice("info", told % {"n": f"{number:,}"}, "", address, _("Look at them")))
    return found


def _mails() -> list[Notice]:
    failing = mail.failing()
    number = failing.count()
    if not number:
        return []
    last = failing[0]
    told = _("%(n)s mails could not be sent; the last because: %(why)s") % {
        "n": f"{number:,}",
        "why": last.error,
    }
    return [Notice("bad", told, _("Check the mail server that HEADGATE_SMTP_URL names."))]


def _releases() -> list[Notice]:
    rows = Release.objects.filter(removed_at=None).select_related("candidate__api", "gateway")
    return [
        Notice(
            "info",
            _("A release runs: %(name)s gets %(percent)s %% on %(gateway)s.")
            % {
                "name": f"{row.candidate.api.name}@{row.candidate.name}",
                "percent": f"{row.percent_hundredths / 100:g}",
                "gateway": row.gateway.name,
            },
            address=reverse("console_release", args=[row.id]),
            act=_("Look at it"),
        )
        for row in rows.order_by("-pk")[:RELEASES_SHOWN_MAX]
    ]


def _unpublished(actor: Actor) -> list[Notice]:
    found = []
    for one in unpublished.changes(actor):
        path = one.version.path
        told = (
            _("%(api)s has changes that are not published on %(gateway)s.")
            % {"api": path, "gateway": one.gateway}
            if one.gateway
            else _("%(api)s is published nowhere.") % {"api": path}
        )
        act, name = (_("Publish"), "console_api_publish")
        if not actor.may(Scope.WRITE):
            act, name = (_("Look at it"), "console_api")
        query = f"?gateway={one.gateway}" if one.gateway and actor.may(Scope.WRITE) else ""
        found.append(Notice("info", told, address=reverse(name, args=[path]) + query, act=act))
    return found


def _numbers(actor: Actor) -> tuple[Any, bool]:
    """The last hour's numbers of everything, None without any call; and whether they were read."""
    if not actor.may(Scope.TRAFFIC):
        return None, True
    try:
        return questions.total(
            actor, questions.request_filter(actor, since=actor.at - NUMBERS_OF)
        ), True
    except DependencyError:
        return None, False
