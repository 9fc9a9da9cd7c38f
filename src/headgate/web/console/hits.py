"""Who will feel it? The callers of the last thirty days, shown before anything is taken away."""

from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from headgate.core.problems import Problem
from headgate.store.services.actor import Actor, Scope
from headgate.web.console.pages import Cell, Part, link, number, text

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
    # The query engine takes 40 MB: only for those who ask about traffic
    from headgate.store.services import traffic
    from headgate.traffic.queries import GroupBy

    try:
        filters = traffic.request_filter(
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
    found = traffic.stats(actor, GroupBy.APPLICATION, filters)
    rows = [[application_cell(row.key[-1]), number(row.requests)] for row in found[:SHOWN_MAX]]
    lead = ""
    if len(found) > SHOWN_MAX:
        lead = _("The %(shown)s with most calls, of %(all)s.") % {
            "shown": SHOWN_MAX,
            "all": f"{len(found):,}",
        }
    return Part(title, heads, rows, _("Nobody called it."), lead=lead)


def application_cell(path: str) -> Cell:
    """An application by `acme/demo`, as a way to its page; what is no longer there as text."""
    organization, slash, name = path.partition("/")
    if not (slash and organization and name):
        return text(path or _("without a key"))
    return link(path, reverse("console_application", args=[organization, name]))
