"""Who will feel it? The callers of the last thirty days, shown before anything is taken away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from headgate.core.problems import Problem
from headgate.store.models import Application
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.traffic import questions
from headgate.traffic.queries import GroupBy
from headgate.web.console.pages import Act, Cell, Part, link, number, text
from headgate.web.site.listing import Column

CALLED_WITHIN = timedelta(days=30)
SHOWN_MAX = 20


def callers(
    actor: Actor,
    *,
    api: str | None = None,
    version: str | None = None,
    organization: str | None = None,
    application: str | None = None,
    plan: str | None = None,
    credential: str | None = None,
) -> Part:
    """Applications with calls in the last thirty days, the one with most calls first."""
    title, heads = _("Who called in the last 30 days"), (_("Application"), _("Calls"))
    if not actor.may(Scope.TRAFFIC):
        return Part(title, heads, (), _("Your role does not show who calls."))
    try:
        filters = questions.request_filter(
            actor,
            since=actor.at - CALLED_WITHIN,
            api=api,
            version=version,
            organization=organization,
            application=application,
            plan=plan,
            credential=credential,
        )
    except Problem:  # nothing of it was ever recorded under this name
        return Part(title, heads, (), _("Nobody called it."))
    found = questions.stats(actor, GroupBy.APPLICATION, filters)
    rows = [[application_cell(row.key[-1]), number(row.requests)] for row in found[:SHOWN_MAX]]
    lead = ""
    if len(found) > SHOWN_MAX:
        lead = _("The %(shown)s with most calls, of %(all)s.") % {
            "shown": SHOWN_MAX,
            "all": f"{len(found):,}",
        }
    return Part(title, heads, rows, _("Nobody called it."), lead=lead)


def application_column(of: Callable[[Any], Application], at: str) -> Column[Any]:
    """The column of the application that a row belongs to; `at` leads to it in the store."""
    return Column(
        "application",
        _("Application"),
        lambda row: application_cell(of(row).path).value,
        "link",
        f"{at}__name",
    )


def application_cell(path: str) -> Cell:
    """An application by `acme/demo`, as a way to its page; what is no longer there as text."""
    organization, slash, name = path.partition("/")
    if not (slash and organization and name):
        return text(path or _("without a key"))
    return link(path, reverse("console_application", args=[organization, name]))


def events_of(subject: str) -> Act:
    """The way to what has happened to a thing."""
    return Act(_("Events"), f"{reverse('console_events')}?{urlencode({'subject': subject})}")
