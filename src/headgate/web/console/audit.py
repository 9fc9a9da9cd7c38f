"""Who changed what, and when? The audit log, each entry with what was before and after."""

from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.store.models import AuditEntry, Organization
from headgate.store.services import audit
from headgate.store.services.actor import Scope, not_found
from headgate.store.services.audit import Action
from headgate.web.console.pages import Cell, Thing, allowed, code, link, listed, text, when
from headgate.web.site.differences import DIFFERENCES_MAX, differences
from headgate.web.site.listing import SPANS, Column, Filter, Listing, since


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Audit log"), reverse("console_audit")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All entries, newest first."""
    actor = allowed(request, Scope.AUDIT)
    kinds = sorted({action.partition(".")[0] for action in Action})
    rows = audit.visible(actor)
    who = request.GET.get("actor", "").strip()[:200]
    if who:
        rows = rows.filter(actor=who)
    subject = request.GET.get("subject", "").strip()[:200]
    if subject:
        rows = rows.filter(subject=subject)
    listing: Listing[AuditEntry] = Listing(
        name="audit",
        columns=_columns(),
        search=("actor", "action", "subject", "address", "request_id"),
        filters=(
            Filter(
                "kind",
                _("Kind"),
                tuple((kind, kind) for kind in kinds),
                lambda value: Q(subject_kind=value),
            ),
            Filter(
                "action",
                _("Action"),
                tuple((action.value, action.value) for action in Action),
                lambda value: Q(action=value),
            ),
            since(actor.at, *SPANS),
        ),
        order="-row",
    )
    only = [one for one in (who, subject) if one]
    return listed(
        request,
        actor,
        listing,
        rows,
        title=_("Audit log"),
        lead=_("Only of: %(what)s") % {"what": ", ".join(only)} if only else "",
        empty=_("Nothing was changed yet."),
    )


def _columns() -> tuple[Column[AuditEntry], ...]:
    return (
        Column(
            "id",
            _("Entry"),
            lambda row: (row.id, reverse("console_entry", args=[row.id])),
            "link",
        ),
        Column("at", _("When"), lambda row: row.at, "instant", "row"),
        Column("actor", _("Who"), lambda row: row.actor, sort="actor"),
        Column("action", _("What"), lambda row: row.action, "mono", "action"),
        Column("subject", _("Which"), lambda row: row.subject, sort="subject"),
        Column("address", _("From"), lambda row: row.address or None, "mono"),
    )


@require_safe
def one(request: HttpRequest, entry: str) -> HttpResponse:
    """One entry: what was before, and what after."""
    actor = allowed(request, Scope.AUDIT)
    found = audit.visible(actor).filter(id=entry).first()
    if found is None:
        raise not_found("entry", entry)
    all_of = reverse("console_audit")
    changes = differences(found.before, found.after)
    facts: list[tuple[str, Cell]] = [
        (_("When"), when(found.at)),
        (_("Who"), link(found.actor, f"{all_of}?{urlencode({'actor': found.actor})}")),
        (_("What"), code(found.action)),
        (_("Which"), link(found.subject, f"{all_of}?{urlencode({'subject': found.subject})}")),
        (_("From"), code(found.address)),
        (_("Request"), code(found.request_id)),
    ]
    if found.organization:
        owner = Organization.objects.filter(id=found.organization).first()
        facts.insert(4, (_("Organization"), text(owner.name if owner else found.organization)))
    thing = Thing(found.action, (back(),), facts)
    context = {
        "thing": thing,
        "changes": changes,
        "is_cut": len(changes) == DIFFERENCES_MAX,
        "acts": (),
    }
    return render(request, "console/entry.html", context)
