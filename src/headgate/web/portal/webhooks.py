"""Where are an organization's events sent, and did they arrive? Its webhooks, made and mended here.

For those who may manage its keys: an address of a receiver may hold a secret.
"""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from headgate.alerts.webhooks import Attempt
from headgate.model.codec import from_data
from headgate.model.events import OPERATORS, EventKind
from headgate.store.models import Delivery, Webhook
from headgate.store.services.actor import Actor, not_found
from headgate.store.services.alerts import deliveries, webhooks
from headgate.store.services.alerts.webhooks import IssuedWebhook
from headgate.store.services.consumers import teams
from headgate.web.portal.keys import OVERLAPS, RotateForm
from headgate.web.portal.pages import FormPage, carry_out, reveal
from headgate.web.site.acts import Secret
from headgate.web.site.forms import ConfirmForm, form_view
from headgate.web.site.listing import Column, Filter, Listing, choices
from headgate.web.site.signed_in import member
from headgate.web.site.teams import called, choice_field, offer
from headgate.web.site.webhooks import (
    WebhookForm,
    chosen,
    delivery_state,
    delivery_states,
    last_answer,
    meaning,
    state,
)

KINDS = tuple(kind for kind in EventKind if kind not in OPERATORS)


class OwnWebhookForm(WebhookForm):
    """Only the events that an organization is sent."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.offer("types", [(kind.value, f"{kind}: {meaning(kind)}") for kind in KINDS])


class NewWebhookForm(OwnWebhookForm):
    """Also whose it is: a team's or, for those whom no team limits, the whole organization's."""

    team = choice_field()
    field_order = ("url", "description", "team", "types")

    def __init__(self, actor: Actor, *arguments: Any) -> None:
        super().__init__(*arguments)
        offer(self, teams.visible(actor))
        if field := self.fields.get("team"):
            field.help_text = _(
                "A team's webhook is sent what is about a single application of the team."
            )
            if actor.teams is not None:
                self.offer("team", list(field.choices)[1:])  # type: ignore[attr-defined]  # of a ChoiceField


class WebhookRotateForm(RotateForm):
    """How long the present secret signs as well."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.fields["overlap"].help_text = _("Until then each message is signed by both.")
        offered = ((key, str(name)) for key, name in OVERLAPS)
        self.offer(
            "overlap", [one for one in offered if int(one[0]) <= webhooks.OVERLAP_SECONDS_MAX]
        )


def listing() -> Listing[Webhook]:
    """The webhooks of an organization."""
    return Listing(
        "webhooks",
        (
            Column(
                "webhook",
                _("Webhook"),
                lambda row: (
                    row.description or webhooks.host(row),
                    reverse("portal_webhook", args=[row.id]),
                ),
                "link",
                "description",
            ),
            Column("host", _("Host"), webhooks.host, "mono"),
            Column("team", _("Team"), lambda row: called(row.team) if row.team else ""),
            Column("events", _("Events"), lambda row: ", ".join(row.kinds) or _("all")),
            Column("state", _("State"), state, "badge"),
            Column(
                "delivered", _("Last taken"), lambda row: row.delivered_at, "ago", "delivered_at"
            ),
        ),
        search=("description", "url", "id"),
        order="pk",
    )


def deliveries_listing(webhook: Webhook) -> Listing[Delivery]:
    """What was sent to one webhook."""
    return Listing(
        "deliveries",
        (
            Column(
                "event",
                _("Event"),
                lambda row: (
                    row.event.kind,
                    reverse("portal_delivery", args=[webhook.id, row.id]),
                ),
                "link",
                "event__kind",
            ),
            Column("subject", _("About"), lambda row: row.event.subject, "mono"),
            Column("state", _("State"), delivery_state, "badge", "state"),
            Column("answer", _("Last answer"), last_answer),
            Column("tries", _("Tries"), lambda row: row.tries, "number", "tries"),
            Column("at", _("Happened"), lambda row: row.event.at, "ago", "event__at"),
        ),
        search=("event__kind", "event__subject", "event__id"),
        filters=(
            Filter(
                "state",
                _("State"),
                tuple((key.value, word) for key, (word, _kind) in delivery_states().items()),
                lambda value: Q(state=value),
            ),
            Filter("kind", _("Event"), choices(KINDS), lambda value: Q(event__kind=value)),
        ),
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The organization's webhooks."""
    actor = _actor(request)
    return listing().answer(request, webhooks.visible(actor), "portal/webhooks.html")


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make a webhook; the answer is the only page that shows its secret."""
    actor = _actor(request)
    form_page = FormPage(
        _("Make a webhook"),
        _("Make it"),
        [_home()],
        _("Events are posted to it as they happen, signed, and tried again when it fails."),
    )

    def make(fields: dict[str, Any]) -> IssuedWebhook:
        return webhooks.create(
            actor,
            url=fields["url"],
            team=fields.get("team") or None,
            kinds=chosen(fields["types"]),
            description=fields["description"],
        )

    form = NewWebhookForm(actor, request.POST if request.method == "POST" else None)
    return carry_out(request, form_page, form, make, lambda made: _shown(request, made))


@form_view
def one(request: HttpRequest, webhook: str) -> HttpResponse:
    """One webhook: how it fares, what was sent, other settings."""
    actor = _actor(request)
    row = webhooks.get(actor, webhook)
    initial = {"url": row.url, "description": row.description, "types": row.kinds}
    form = OwnWebhookForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method != "POST":
        rows = row.deliveries.select_related("event")
        more = {"webhook": row, "state": state(row), "form": form, "back": [_home()]}
        return deliveries_listing(row).answer(request, rows, "portal/webhook.html", more)

    def save(fields: dict[str, Any]) -> Webhook:
        return webhooks.update(
            actor,
            row.id,
            url=fields["url"],
            kinds=chosen(fields["types"]),
            description=fields["description"],
        )

    return carry_out(
        request,
        FormPage(_("Settings"), _("Save"), _way(row)),
        form,
        save,
        lambda _done: (_("It is saved."), _address(row)),
    )


@require_POST
def test(request: HttpRequest, webhook: str) -> HttpResponse:
    """Send it an event that only tries it."""
    webhooks.test(_actor(request), webhook)
    messages.success(request, _("A test is on its way; it stands in the list below."))
    return redirect("portal_webhook", webhook)


@require_POST
def pause(request: HttpRequest, webhook: str) -> HttpResponse:
    """Send it nothing for now, or go on."""
    is_on = request.POST.get("is_enabled") == "yes"
    webhooks.update(_actor(request), webhook, is_enabled=is_on)
    told = (
        _("Events are sent to it again.")
        if is_on
        else _("It is paused: what happens meanwhile is not sent later.")
    )
    messages.success(request, told)
    return redirect("portal_webhook", webhook)


@form_view
def rotate(request: HttpRequest, webhook: str) -> HttpResponse:
    """Make a new secret."""
    actor = _actor(request)
    row = webhooks.get(actor, webhook)
    form_page = FormPage(_("Replace the secret"), _("Make the new secret"), _way(row))

    def replace(fields: dict[str, Any]) -> IssuedWebhook:
        return webhooks.rotate(actor, row.id, overlap_seconds=int(fields["overlap"]))

    form = WebhookRotateForm(request.POST if request.method == "POST" else None)
    return carry_out(request, form_page, form, replace, lambda made: _shown(request, made))


@form_view
def delete(request: HttpRequest, webhook: str) -> HttpResponse:
    """End a webhook, once its host was typed."""
    actor = _actor(request)
    row = webhooks.get(actor, webhook)
    form_page = FormPage(
        _("Delete the webhook of %(host)s") % {"host": webhooks.host(row)},
        _("Delete it"),
        _way(row),
        hits=[_("Nothing is sent to it any more, also nothing of what waits.")],
        is_danger=True,
    )
    return carry_out(
        request,
        form_page,
        ConfirmForm(webhooks.host(row), request.POST if request.method == "POST" else None),
        lambda _fields: webhooks.delete(actor, row.id),
        lambda _done: (_("It was deleted."), reverse("portal_webhooks")),
    )


@require_safe
def delivery(request: HttpRequest, webhook: str, delivery: str) -> HttpResponse:
    """One delivery: what was sent, each attempt and what the receiver answered."""
    actor = _actor(request)
    row = webhooks.get(actor, webhook)
    found = row.deliveries.select_related("event__organization").filter(id=delivery).first()
    if found is None:
        raise not_found("delivery", delivery)
    context = {
        "webhook": row,
        "delivery": found,
        "state": delivery_state(found),
        "attempts": [from_data(Attempt, one) for one in reversed(found.attempts)],
        "body": deliveries.body(found.event).decode(),
        "back": _way(row),
    }
    return render(request, "portal/delivery.html", context)


@require_POST
def redeliver(request: HttpRequest, webhook: str, delivery: str) -> HttpResponse:
    """Send an event once more."""
    deliveries.redeliver(_actor(request), webhook, delivery)
    messages.success(request, _("It is sent once more."))
    return redirect("portal_delivery", webhook, delivery)


def _actor(request: HttpRequest) -> Actor:
    """The person in the organization, who may manage its keys."""
    actor = member(request)
    webhooks.require(actor)
    return actor


def _home() -> tuple[str, str]:
    return _("Webhooks"), reverse("portal_webhooks")


def _address(row: Webhook) -> str:
    return reverse("portal_webhook", args=[row.id])


def _way(row: Webhook) -> list[tuple[str, str]]:
    return [_home(), (row.description or webhooks.host(row), _address(row))]


def _shown(request: HttpRequest, made: IssuedWebhook) -> HttpResponse:
    return reveal(
        request,
        Secret(
            _("The secret of your webhook"),
            made.secret,
            _address(made.webhook),
            back=[_home()],
            lead=_(
                "Your program checks by it that a message comes from here, with any library of"
                " Standard Webhooks. Keep it where it keeps its other secrets."
            ),
        ),
    )
