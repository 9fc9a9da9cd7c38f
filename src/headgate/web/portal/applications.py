"""Which applications does an organization have, and what does each hold?"""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.access.approval import RequestState
from headgate.core.text import slug
from headgate.store.models import Application, Credential, Subscription
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import (
    applications,
    approvals,
    credentials,
    subscriptions,
    teams,
)
from headgate.store.services.oauth import clients
from headgate.store.services.traffic import questions
from headgate.store.services.values import count_of
from headgate.traffic.queries import GroupBy
from headgate.web.portal import data_access
from headgate.web.portal.pages import FormPage, carry_out
from headgate.web.portal.places import address_of, application_of, way_to
from headgate.web.site.forms import ConfirmForm, SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing
from headgate.web.site.signed_in import member, membership, person
from headgate.web.site.teams import called, choice_field, offer
from headgate.web.site.words import plan_words

HIT_DAYS = 30
REQUESTS_SHOWN = 10  # the newest
CLIENTS_SHOWN = 2 * clients.CLIENTS_MAX  # those that are not revoked come first
REQUEST_STATES = {
    RequestState.ASKED: (gettext_lazy("waits for an answer"), "info"),
    RequestState.GRANTED: (gettext_lazy("granted"), "good"),
    RequestState.DECLINED: (gettext_lazy("declined"), "bad"),
    RequestState.WITHDRAWN: (gettext_lazy("withdrawn"), ""),
}


class ChangeForm(SiteForm):
    """What can be changed of an application."""

    description = forms.CharField(
        max_length=4000,
        required=False,
        label=gettext_lazy("What does it do?"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    team = choice_field()


class ApplicationForm(ChangeForm):
    """A new application."""

    name = forms.CharField(
        max_length=63,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Of the program that will call, such as shop or nightly-import."),
        widget=forms.TextInput(attrs={"autocapitalize": "none"}),
    )
    field_order = ("name", "description", "team")


def state_of(application: Application) -> tuple[str, str]:
    """Whether its keys work."""
    if application.is_suspended or application.organization.is_suspended:
        return _("suspended"), "bad"
    return _("active"), "good"


def applications_listing() -> Listing[Application]:
    """The applications of an organization; rows are annotated with `subscribed`."""
    return Listing(
        "applications",
        (
            Column(
                "name", _("Application"), lambda row: (row.name, address_of(row)), "link", "name"
            ),
            Column("state", _("State"), state_of, "badge"),
            Column(
                "subscriptions",
                _("Subscriptions"),
                lambda row: row.subscribed,  # type: ignore[attr-defined]  # annotated
                "number",
                "subscribed",
            ),
            Column("team", _("Team"), lambda row: called(row.team) if row.team else ""),
            Column("description", _("What it does"), lambda row: row.description[:120]),
            Column("created", _("Since"), lambda row: row.created_at, "instant", "pk"),
        ),
        search=("name", "description"),
        order="name",
    )


def key_state(key: Credential, at: datetime) -> tuple[str, str]:
    """What a key is good for at this instant."""
    if key.revoked_at is not None:
        return _("revoked"), "bad"
    if key.expires_at is not None and key.expires_at <= at:
        return _("expired"), "bad"
    if key.application.is_suspended or key.application.organization.is_suspended:
        return _("suspended"), "bad"
    if key.replaced_by_id is not None:
        return _("replaced, ends soon"), "warn"
    if key.expires_at is not None and key.expires_at - at <= timedelta(days=30):
        return _("ends soon"), "warn"
    return _("works"), "good"


def keys_listing(actor: Actor) -> Listing[Credential]:
    """The keys of an application, never a secret."""

    def is_live(value: str) -> Q:
        live = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=actor.at))
        return live if value == "live" else ~live

    return Listing(
        "keys",
        (
            Column(
                "key",
                _("Key"),
                lambda row: (
                    row.name or row.prefix or row.id,
                    address_of(row.application, "portal_key", row.id),
                ),
                "link",
                "name",
            ),
            Column("prefix", _("Begins with"), lambda row: row.prefix or "–", "mono"),
            Column("state", _("State"), lambda row: key_state(row, actor.at), "badge"),
            Column(
                "last_used", _("Last used"), lambda row: row.last_used_at, "ago", "last_used_at"
            ),
            Column("expires", _("Ends"), lambda row: row.expires_at, "instant", "expires_at"),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "prefix", "id"),
        filters=(
            Filter("state", _("State"), (("live", _("works")), ("ended", _("ended"))), is_live),
        ),
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The applications of the organization that was chosen."""
    if membership(request) is None:
        person(request)
        return redirect("portal_organization_new")
    actor = member(request)
    actor.require(Scope.READ)
    live = Subscription.objects.filter(removed_at=None)
    rows = applications.visible(actor).annotate(subscribed=count_of(live, "application"))
    more = {"may_change": actor.may(Scope.KEYS)}
    return applications_listing().answer(request, rows, "portal/applications.html", more)


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make an application; with `?product=`, go on to subscribe it."""
    if membership(request) is None:
        person(request)
        return redirect("portal_organization_new")
    actor = member(request)
    actor.require(Scope.KEYS)
    product = request.GET.get("product", "")[:63]

    def made(fields: dict[str, Any]) -> Application:
        return applications.create(
            actor,
            name=slug(fields["name"]),
            organization=actor.organization or "",
            description=fields["description"],
            team=fields.get("team") or None,
        )

    def then(application: Application) -> tuple[str, str]:
        told = _("The application %(name)s is there.") % {"name": application.name}
        if product:
            target = reverse("portal_subscribe", args=[product])
            return told, f"{target}?application={application.id}"
        return told, address_of(application)

    form_page = FormPage(
        _("Make an application"),
        _("Make it"),
        [(_("Applications"), reverse("portal_applications"))],
        _("It stands for one program of yours: it holds keys, and subscriptions to products."),
    )
    form = ApplicationForm(request.POST if request.method == "POST" else None)
    offer(form, teams.visible(actor))
    return carry_out(request, form_page, form, made, then)


@require_safe
def one(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """One application: its subscriptions, keys and clients."""
    actor, application = application_of(request, organization, name)
    held = subscriptions.visible(actor).filter(application=application)
    own = clients.visible(actor).filter(credential__application=application)
    keys = credentials.visible(actor).filter(application=application)
    more = {
        "application": application,
        "state": state_of(application),
        "subscriptions": [
            (row, plan_words(row.plan) or [_("not limited")], _subscription_state(row, actor.at))
            for row in held.order_by("product__name")
        ],
        "requests": [
            (row, REQUEST_STATES[RequestState(row.state)])
            for row in approvals.visible(actor)
            .filter(application=application)
            .order_by("-pk")[:REQUESTS_SHOWN]
        ],
        "access": data_access.of_application(actor, application),
        "clients": [
            (row, key_state(row.credential, actor.at))
            for row in own.order_by(
                F("credential__revoked_at").desc(nulls_first=True), "-credential__pk"
            )[:CLIENTS_SHOWN]
        ],
        "may_change": actor.may(Scope.KEYS),
    }
    return keys_listing(actor).answer(request, keys, "portal/application.html", more)


@form_view
def change(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Say something else about an application; owners also give it to another team."""
    actor, application = application_of(request, organization, name)
    actor.require(Scope.KEYS)
    initial = {
        "description": application.description,
        "team": application.team.name if application.team else "",
    }
    form = ChangeForm(request.POST if request.method == "POST" else None, initial=initial)
    if actor.may(Scope.MEMBERS):
        offer(form, teams.visible(actor))
    else:
        del form.fields["team"]
    form_page = FormPage(_("Change it"), _("Save"), way_to(application))
    return carry_out(
        request,
        form_page,
        form,
        lambda fields: applications.update(
            actor,
            application.path,
            description=fields["description"],
            team=fields.get("team"),
        ),
        lambda _done: (_("It is saved."), address_of(application)),
    )


@form_view
def delete(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Delete an application with its keys and subscriptions, once its name was typed."""
    actor, application = application_of(request, organization, name)
    actor.require(Scope.KEYS)
    keys = credentials.visible(actor).filter(application=application, revoked_at=None).count()
    held = subscriptions.visible(actor).filter(application=application).count()
    form_page = FormPage(
        _("Delete %(name)s") % {"name": application.name},
        _("Delete it"),
        way_to(application),
        hits=[
            calls_told(actor, application=application.path),
            _("Keys that stop working at once: %(number)s.") % {"number": keys},
            _("Subscriptions that end: %(number)s.") % {"number": held},
            _("This cannot be undone."),
        ],
        is_danger=True,
    )
    return carry_out(
        request,
        form_page,
        ConfirmForm(application.name, request.POST if request.method == "POST" else None),
        lambda _fields: applications.delete(actor, application.path),
        lambda _done: (
            _("%(name)s is deleted.") % {"name": application.name},
            reverse("portal_applications"),
        ),
    )


def calls_told(actor: Actor, **of: str) -> str:
    """How many calls something had in the last days, as far as the reader may know it."""
    since = actor.at - timedelta(days=HIT_DAYS)
    filters = questions.request_filter(actor, since=since, **of)  # type: ignore[arg-type]  # names of filters
    rows = questions.stats(actor, GroupBy.API, filters)
    number = sum(row.requests for row in rows)
    if not number:
        return _("No call of the last %(days)s days used it.") % {"days": HIT_DAYS}
    names = ", ".join(row.key[0] for row in rows[:5] if row.key[0])
    told = _("Calls of the last %(days)s days that used it: %(number)s (%(names)s).")
    return told % {"number": f"{number:,}", "days": HIT_DAYS, "names": names or "–"}


def _subscription_state(row: Any, at: datetime) -> tuple[str, str]:
    if row.is_suspended:
        return _("suspended"), "bad"
    if row.expires_at is not None and row.expires_at <= at:
        return _("ended"), "bad"
    return _("active"), "good"
