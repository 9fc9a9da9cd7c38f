"""What was sent to a webhook, what did it answer at each attempt, and how is it sent again?"""

import json
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.alerts.webhooks import DeliveryState
from headgate.model.events import EventKind
from headgate.store.models import Delivery, Webhook
from headgate.store.services.actor import Scope
from headgate.store.services.alerts import deliveries, webhooks
from headgate.web.console.pages import (
    Act,
    Cell,
    FormPage,
    Part,
    Thing,
    allowed,
    badge,
    carry_out,
    code,
    link,
    listed,
    number,
    show,
    text,
    when,
)
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing, choices
from headgate.web.site.webhooks import delivery_state, delivery_states, last_answer


def address(webhook: str, delivery: str, act: str = "") -> str:
    """The page of one, or of something to do with it."""
    name = f"console_delivery_{act}" if act else "console_delivery"
    return reverse(name, args=[webhook, delivery])


def heads() -> tuple[str, ...]:
    """What stands above `rows_of`."""
    return (_("Event"), _("Kind"), _("State"), _("Tries"), _("Last answer"), _("When it happened"))


def rows_of(found: Webhook, rows: Iterable[Delivery]) -> list[list[Cell]]:
    """Deliveries in a part of another page."""
    return [
        [
            link(row.event.id, address(found.id, row.id)),
            code(row.event.kind),
            badge(*delivery_state(row)),
            number(row.tries),
            text(last_answer(row)),
            when(row.event.at),
        ]
        for row in rows
    ]


def _crumbs(found: Webhook) -> tuple[tuple[str, str], ...]:
    return (
        (_("Webhooks"), reverse("console_webhooks")),
        (webhooks.host(found), reverse("console_webhook", args=[found.id])),
        (_("Deliveries"), reverse("console_deliveries", args=[found.id])),
    )


@require_safe
def page(request: HttpRequest, webhook: str) -> HttpResponse:
    """All deliveries of a webhook, the newest first."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    found = webhooks.get(actor, webhook)
    states = tuple((state.value, word) for state, (word, _kind) in delivery_states().items())
    listing: Listing[Delivery] = Listing(
        name="deliveries",
        columns=(
            Column(
                "event",
                _("Event"),
                lambda row: (row.event.id, address(webhook, row.id)),
                "link",
            ),
            Column("kind", _("Kind"), lambda row: row.event.kind, "mono", "event__kind"),
            Column("subject", _("About"), lambda row: row.event.subject, sort="event__subject"),
            Column("state", _("State"), delivery_state, "badge", "state"),
            Column("tries", _("Tries"), lambda row: row.tries, "number", "tries"),
            Column("answer", _("Last answer"), last_answer),
            Column("at", _("When it happened"), lambda row: row.event.at, "instant", "event__at"),
            Column("due", _("Tried next"), _due_at, "instant", "due_at"),
        ),
        search=("event__id", "event__subject", "event__kind"),
        filters=(
            Filter("state", _("State"), states, lambda value: Q(state=value)),
            Filter("kind", _("Kind"), choices(EventKind), lambda value: Q(event__kind=value)),
        ),
        order="-row",
    )
    return listed(
        request,
        actor,
        listing,
        found.deliveries.select_related("event"),
        title=_("Deliveries to %(name)s") % {"name": webhooks.host(found)},
        lead=_("They are kept for 14 days after they ended."),
        empty=_("Nothing was sent to it yet."),
        acts=(Act(_("To the webhook"), reverse("console_webhook", args=[webhook])),),
    )


def _due_at(row: Delivery) -> object:
    return row.due_at if row.state == DeliveryState.WAITING else None


@require_safe
def one(request: HttpRequest, webhook: str, delivery: str) -> HttpResponse:
    """One delivery: each attempt with its answer, and what is sent."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    row = deliveries.get(actor, webhook, delivery)
    found = row.webhook
    acts = (Act(_("Send it again"), address(webhook, delivery, "again"), Scope.ADMIN, "main"),)
    thing = Thing(
        title=row.event.kind,
        back=_crumbs(found),
        badges=(delivery_state(row),),
        facts=(
            (_("Delivery"), code(row.id)),
            (_("Event"), link(row.event.id, reverse("console_event", args=[row.event.id]))),
            (_("About"), text(row.event.subject)),
            (_("When it happened"), when(row.event.at)),
            (_("Tries"), number(row.tries)),
            (_("Tried next"), Cell(_due_at(row), "instant")),
            (_("Ended"), when(row.settled_at)),
        ),
        acts=acts if found.disabled_at is None else (),
        parts=(_attempts(row), _message(row)),
    )
    return show(request, actor, thing)


def _attempts(row: Delivery) -> Part:
    return Part(
        _("Attempts"),
        (_("When"), _("Answer"), _("Took"), _("What it said")),
        [
            [
                text(f"{datetime.fromisoformat(one['at']):%Y-%m-%d %H:%M:%S} UTC"),
                code(one["status"] or one["error"]),
                Cell(one["duration_ms"], "ms"),
                text(one["answer"]),
            ]
            for one in reversed(row.attempts)
        ],
        _("It was not tried yet."),
        lead=_("The last %(n)s, the newest first.") % {"n": deliveries.ATTEMPTS_KEPT_MAX},
    )


def _message(row: Delivery) -> Part:
    sent = json.loads(deliveries.body(row.event))
    return Part(
        _("What is sent"),
        (_("Member"), _("Value")),
        [[code(name), code(json.dumps(value, ensure_ascii=False))] for name, value in sent.items()],
    )


@form_view
def again(request: HttpRequest, webhook: str, delivery: str) -> HttpResponse:
    """Send it once more, from the first attempt on."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    row = deliveries.get(actor, webhook, delivery)
    form_page = FormPage(
        _("Send %(name)s again") % {"name": row.event.id},
        _("Send it again"),
        (*_crumbs(row.webhook), (row.event.id, address(webhook, delivery))),
        lead=_("It goes out under the same webhook-id: who has had it can tell."),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: deliveries.redeliver(actor, webhook, delivery),
        lambda _row: (_("It is on its way."), address(webhook, delivery)),
    )
