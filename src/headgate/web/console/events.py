"""What has happened, what was it about, and to whom was it sent?"""

import json
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.model.events import EventKind
from headgate.store.models import Event
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import event_log, webhooks
from headgate.web.console import deliveries, hits
from headgate.web.console.pages import (
    Act,
    Cell,
    Part,
    Thing,
    allowed,
    badge,
    code,
    link,
    listed,
    number,
    show,
    text,
    when,
)
from headgate.web.site.listing import Column, Filter, Listing, choices, since
from headgate.web.site.webhooks import delivery_state, last_answer, meaning

PAGES = {
    "key": "console_key",
    "client": "console_client",
    "subscription": "console_subscription",
    "gateway": "console_gateway",
    "webhook": "console_webhook",
    "api": "console_api",
    "release": "console_api",
}
"""Where the subject of a kind has its page, by what the kind begins with."""


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Events"), reverse("console_events")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All events, the newest first; `subject` alone: those about one thing."""
    actor = allowed(request, Scope.READ)
    rows = event_log.visible(actor)
    subject = request.GET.get("subject", "").strip()[:200]
    if subject:
        rows = rows.filter(subject=subject)
    listing: Listing[Event] = Listing(
        name="events",
        columns=(
            Column(
                "id",
                _("Event"),
                lambda row: (row.id, reverse("console_event", args=[row.id])),
                "link",
            ),
            Column("at", _("When"), lambda row: row.at, "instant", "at"),
            Column("kind", _("Kind"), lambda row: row.kind, "mono", "kind"),
            Column("subject", _("About"), lambda row: row.subject, sort="subject"),
            Column(
                "organization",
                _("Organization"),
                lambda row: row.organization.name if row.organization else None,
                sort="organization__name",
            ),
        ),
        search=("id", "subject", "kind", "organization__name"),
        filters=(
            Filter("kind", _("Kind"), choices(EventKind), lambda value: Q(kind=value)),
            since(actor.at, "1h", "1d", "7d", "30d"),
        ),
        order="-row",
    )
    return listed(
        request,
        actor,
        listing,
        rows,
        title=_("Events"),
        lead=_("Only of: %(what)s") % {"what": subject}
        if subject
        else _("They are kept for 40 days, and can be sent to webhooks."),
        empty=_("Nothing has happened yet."),
        acts=(Act(_("Webhooks"), reverse("console_webhooks"), Scope.ADMIN),),
    )


@require_safe
def one(request: HttpRequest, event: str) -> HttpResponse:
    """One event: what it tells, the thing that it is about, and who was sent it."""
    actor = allowed(request, Scope.READ)
    found = event_log.get(actor, event)
    owner = found.organization
    facts: list[tuple[str, Cell]] = [
        (_("Id"), code(found.id)),
        (_("When"), when(found.at)),
        (_("About"), _subject(actor, found)),
    ]
    if owner is not None:
        at = reverse("console_organization", args=[owner.name])
        facts.append((_("Organization"), link(owner.name, at)))
    others = f"{reverse('console_events')}?{urlencode({'subject': found.subject})}"
    thing = Thing(
        title=found.kind,
        back=(back(),),
        lead=meaning(found.kind),
        facts=facts,
        acts=(Act(_("All about the same"), others),),
        parts=(_told(found), *_deliveries(actor, found)),
    )
    return show(request, actor, thing)


def _told(found: Event) -> Part:
    return Part(
        _("What it tells"),
        (_("Member"), _("Value")),
        [
            [
                code(name),
                text(value)
                if isinstance(value, str)
                else code(json.dumps(value, ensure_ascii=False)),
            ]
            for name, value in found.data.items()
        ],
        _("Nothing more."),
    )


def _subject(actor: Actor, found: Event) -> Cell:
    """A way to the thing, as far as it has a page for this person."""
    kind = found.kind.partition(".")[0]
    if kind == "application":
        return hits.application_cell(found.subject)
    if kind == "operation":
        return link(found.subject, reverse("console_operation", args=found.subject.split(" ", 1)))
    name = "subscription" if kind == "quota" else kind
    if name not in PAGES or (name == "webhook" and not actor.may(Scope.ADMIN)):
        return text(found.subject)
    return link(found.subject, reverse(PAGES[name], args=[found.subject]))


def _deliveries(actor: Actor, found: Event) -> list[Part]:
    """To whom it goes; for those alone who may see webhooks."""
    if not actor.may(Scope.ADMIN):
        return []
    rows = found.deliveries.filter(webhook__removed_at=None).select_related("webhook")
    return [
        Part(
            _("Sent to"),
            (_("Webhook"), _("State"), _("Tries"), _("Last answer")),
            [
                [
                    link(webhooks.host(row.webhook), deliveries.address(row.webhook.id, row.id)),
                    badge(*delivery_state(row)),
                    number(row.tries),
                    text(last_answer(row)),
                ]
                for row in rows.order_by("-row")
            ],
            _("No webhook hears of it."),
        )
    ]
