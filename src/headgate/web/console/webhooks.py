"""Where are events sent, does it work, and what can be done with a webhook? Its secret once."""

from typing import Any

from django import forms
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.alerts.webhooks import DeliveryState
from headgate.store.models import Delivery, Webhook
from headgate.store.services.actor import Scope
from headgate.store.services.alerts import webhooks
from headgate.store.services.values import count_of
from headgate.web.console import teams
from headgate.web.console.deliveries import heads, rows_of
from headgate.web.console.keys import RotateForm, overlap_seconds
from headgate.web.console.pages import (
    Act,
    Cell,
    FormPage,
    Part,
    Thing,
    allowed,
    carry_out,
    code,
    confirmed,
    link,
    listed,
    number,
    reveal,
    show,
    text,
    when,
)
from headgate.web.site.acts import Secret
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing, counted
from headgate.web.site.webhooks import WebhookForm, chosen, meaning, state

DELIVERIES_SHOWN_MAX = 20


class NewWebhookForm(WebhookForm):
    """Also whose, and whether it may call this network."""

    organization = forms.CharField(
        label=gettext_lazy("Organization"),
        required=False,
        help_text=gettext_lazy("Whose events it is sent. Empty: the operators', which is all."),
    )
    team = forms.CharField(
        label=gettext_lazy("Team"),
        required=False,
        help_text=gettext_lazy(
            "Of that organization: then only what is about a single application of the team."
        ),
    )
    allow_private = forms.BooleanField(
        label=gettext_lazy("It may call addresses of this network, and http://"), required=False
    )
    field_order = ("url", "organization", "team", "description", "allow_private", "types")


class WebhookRotateForm(RotateForm):
    """How long each message is signed by both secrets."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.fields["hours"].label = _("Messages are signed by both secrets for")
        hours_max = webhooks.OVERLAP_SECONDS_MAX // 3600
        offered = self.fields["hours"].choices  # type: ignore[attr-defined]  # of a ChoiceField
        self.offer("hours", [one for one in offered if int(one[0]) <= hours_max])


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Webhooks"), reverse("console_webhooks")


def address(webhook: str, act: str = "") -> str:
    """The page of one, or of something to do with it."""
    return reverse(f"console_webhook_{act}" if act else "console_webhook", args=[webhook])


def crumbs(found: Webhook) -> tuple[tuple[str, str], ...]:
    """The way to a page below one's own."""
    return back(), (webhooks.host(found), address(found.id))


def _whose(found: Webhook) -> str:
    if found.organization is None:
        return _("operators")
    name = found.organization.name
    return f"{name}/{found.team.name}" if found.team else name


def _owner(found: Webhook) -> Cell:
    if found.organization is None:
        return text(_whose(found))
    name = found.organization.name
    at = reverse("console_organization", args=[name])
    return link(_whose(found), teams.address(found.team) if found.team else at)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All webhooks, those of organizations too."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    waiting = count_of(Delivery.objects.filter(state=DeliveryState.WAITING), "webhook")
    listing: Listing[Webhook] = Listing(
        name="webhooks",
        columns=_columns(),
        search=("id", "url", "description", "organization__name", "team__name"),
        filters=(
            Filter(
                "state",
                _("State"),
                (("active", _("active")), ("fails", _("fails")), ("off", _("paused or stopped"))),
                lambda value: {
                    "active": Q(disabled_at=None, failing_since=None),
                    "fails": Q(disabled_at=None, failing_since__isnull=False),
                    "off": Q(disabled_at__isnull=False),
                }[value],
            ),
            Filter(
                "owner",
                _("Whose"),
                (("operators", _("operators")), ("organizations", _("organizations"))),
                lambda value: Q(organization__isnull=value == "operators"),
            ),
        ),
    )
    return listed(
        request,
        actor,
        listing,
        webhooks.visible(actor).annotate(waiting_count=waiting),
        title=_("Webhooks"),
        lead=_("Events are posted to them, signed, and again after failures."),
        empty=_("No webhook yet: events are only kept."),
        acts=(Act(_("New webhook"), reverse("console_webhook_new"), Scope.ADMIN, "main"),),
    )


def _columns() -> tuple[Column[Webhook], ...]:
    return (
        Column("host", _("Host"), lambda row: (webhooks.host(row), address(row.id)), "link", "url"),
        Column("id", _("Id"), lambda row: row.id, "mono", "id"),
        Column(
            "owner",
            _("Whose"),
            _whose,
            sort="organization__name",
        ),
        Column("state", _("State"), state, "badge"),
        Column("events", _("Events"), lambda row: ", ".join(row.kinds) or _("all")),
        counted("waiting", _("Wait")),
        Column("dropped", _("Not sent"), lambda row: row.dropped, "number", "dropped"),
        Column(
            "delivered",
            _("Last delivered"),
            lambda row: row.delivered_at,
            "instant",
            "delivered_at",
        ),
    )


@require_safe
def one(request: HttpRequest, webhook: str) -> HttpResponse:
    """One webhook: what it is sent, and what it answered."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    found = webhooks.get(actor, webhook)
    is_on = found.disabled_at is None
    acts = [
        Act(_("Change"), address(webhook, "edit"), Scope.ADMIN),
        Act(_("New secret"), address(webhook, "rotate"), Scope.ADMIN),
        Act(_("Pause") if is_on else _("Resume"), address(webhook, "switch"), Scope.ADMIN),
        Act(_("Delete"), address(webhook, "delete"), Scope.ADMIN, "danger"),
    ]
    if is_on:
        acts.insert(0, Act(_("Send a test"), address(webhook, "test"), Scope.ADMIN, "main"))
    thing = Thing(
        title=webhooks.host(found),
        back=(back(),),
        badges=(state(found),),
        lead=found.description,
        facts=(
            (_("Id"), code(found.id)),
            (_("Address"), code(found.url)),
            (_("Whose"), _owner(found)),
            (_("Made"), when(found.created_at)),
            (_("Last delivered"), when(found.delivered_at)),
            (_("Fails since"), when(found.failing_since)),
            (_("Off since"), when(found.disabled_at)),
            (_("Why"), text(_(found.disabled_reason) if found.disabled_reason else None)),
            (_("Events not sent, because too many waited"), number(found.dropped)),
            (_("May call this network"), text(_("yes") if found.allow_private else _("no"))),
            (_("Also signed by the secret before, until"), when(_overlap_end(found))),
        ),
        acts=acts,
        parts=(_deliveries(found), _kinds(found)),
    )
    return show(request, actor, thing)


def _overlap_end(found: Webhook) -> Any:
    return found.previous_until if found.previous_sealed else None


def _kinds(found: Webhook) -> Part:
    return Part(
        _("Events that it is sent"),
        (_("Kind"), _("What it tells")),
        [[code(kind), text(meaning(kind))] for kind in found.kinds],
        _("All, also those that are added later."),
    )


def _deliveries(found: Webhook) -> Part:
    rows = found.deliveries.select_related("event").order_by("-row")[:DELIVERIES_SHOWN_MAX]
    return Part(
        _("Deliveries"),
        heads(),
        rows_of(found, rows),
        _("Nothing was sent to it yet."),
        more=(_("All deliveries"), reverse("console_deliveries", args=[found.id])),
    )


def _sent(found: Webhook) -> Part:
    """What ends or rests with a webhook: what it was sent lately, by kind."""
    rows = found.deliveries.order_by().values("event__kind")
    waits = Count("pk", filter=Q(state=DeliveryState.WAITING))
    sent = Count("pk", filter=Q(state=DeliveryState.DELIVERED))
    counted = rows.annotate(sent=sent, waits=waits).order_by("-sent", "event__kind")
    return Part(
        _("What it was sent in the last 14 days"),
        (_("Kind"), _("Delivered"), _("Wait")),
        [[code(row["event__kind"]), number(row["sent"]), number(row["waits"])] for row in counted],
        _("Nothing."),
    )


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make one; the answer shows its secret once."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    initial = {name: request.GET.get(name, "")[:63] for name in ("organization", "team")}

    def act(given: dict[str, Any]) -> webhooks.IssuedWebhook:
        kinds = chosen(given.pop("types"))
        organization, team = given.pop("organization") or None, given.pop("team") or None
        return webhooks.create(actor, kinds=kinds, organization=organization, team=team, **given)

    return carry_out(
        request,
        FormPage(_("New webhook"), _("Make it"), (back(),)),
        NewWebhookForm(request.POST or None, initial=initial),
        act,
        lambda made: _reveal(request, made),
    )


def _reveal(request: HttpRequest, issued: webhooks.IssuedWebhook) -> HttpResponse:
    found = issued.webhook
    more = ((_("Id"), found.id), (_("Address"), found.url))
    title = _("The secret that signs its messages")
    return reveal(request, Secret(title, issued.secret, address(found.id), more))


@form_view
def edit(request: HttpRequest, webhook: str) -> HttpResponse:
    """Another address, other events."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    found = webhooks.get(actor, webhook)
    initial = {"url": found.url, "description": found.description, "types": found.kinds}

    def act(given: dict[str, Any]) -> Webhook:
        return webhooks.update(actor, webhook, kinds=chosen(given.pop("types")), **given)

    return carry_out(
        request,
        FormPage(_("Change the webhook"), _("Save"), crumbs(found)),
        WebhookForm(request.POST or None, initial=initial),
        act,
        lambda _row: (_("Saved; it is in force."), address(webhook)),
    )


@form_view
def test(request: HttpRequest, webhook: str) -> HttpResponse:
    """Send it alone an event that tries it."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    found = webhooks.get(actor, webhook)
    form_page = FormPage(
        _("Send a test to %(name)s") % {"name": webhooks.host(found)},
        _("Send it"),
        crumbs(found),
        lead=_("An event of the kind webhook.test goes to this webhook alone."),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: webhooks.test(actor, webhook),
        lambda _event: (_("It is on its way; the answer stands below."), address(webhook)),
    )


@form_view
def rotate(request: HttpRequest, webhook: str) -> HttpResponse:
    """A new secret, both signing for a while."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    found = webhooks.get(actor, webhook)
    form_page = FormPage(
        _("New secret for %(name)s") % {"name": webhooks.host(found)},
        _("Make the new one"),
        crumbs(found),
        lead=_("Give it to the receiver meanwhile: either signature is enough."),
    )
    return carry_out(
        request,
        form_page,
        WebhookRotateForm(request.POST or None),
        lambda given: webhooks.rotate(actor, webhook, overlap_seconds=overlap_seconds(given)),
        lambda made: _reveal(request, made),
    )


@form_view
def switch(request: HttpRequest, webhook: str) -> HttpResponse:
    """Send it nothing for a while, or again."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    found = webhooks.get(actor, webhook)
    is_on = found.disabled_at is None
    title = _("Pause %(name)s") if is_on else _("Resume %(name)s")
    form_page = FormPage(
        title % {"name": webhooks.host(found)},
        _("Pause") if is_on else _("Resume"),
        crumbs(found),
        lead=_("What waits for it is given up, and it misses what comes meanwhile.")
        if is_on
        else _("It is sent what happens from now on; what it missed stands among the events."),
        is_danger=is_on,
        hits=(_sent(found),) if is_on else (),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: webhooks.update(actor, webhook, is_enabled=not is_on),
        lambda _row: (_("It is paused.") if is_on else _("It is active again."), address(webhook)),
    )


@form_view
def delete(request: HttpRequest, webhook: str) -> HttpResponse:
    """End it, with what waits for it."""
    actor = allowed(request, Scope.ADMIN, "webhook")
    found = webhooks.get(actor, webhook)
    form_page = FormPage(
        _("Delete the webhook %(name)s") % {"name": webhooks.host(found)},
        _("Delete the webhook"),
        crumbs(found),
        lead=_("It is sent nothing more, and its secret is gone. This cannot be undone."),
        hits=(_sent(found),),
    )
    return confirmed(
        request,
        form_page,
        webhooks.host(found),
        lambda: webhooks.delete(actor, webhook),
        (_("The webhook was deleted."), back()[1]),
    )
