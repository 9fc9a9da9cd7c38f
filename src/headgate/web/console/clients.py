"""Which OAuth clients are there, and what can be done with one?"""

from datetime import datetime

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.access.clients import (
    TOKEN_SECONDS_DEFAULT,
    TOKEN_SECONDS_MAX,
    TOKEN_SECONDS_MIN,
    Grant,
)
from headgate.store.models import OAuthClient
from headgate.store.services.actor import Scope
from headgate.store.services.consumers import applications
from headgate.store.services.oauth import clients
from headgate.web.console import hits, keys
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    carry_out,
    code,
    confirmed,
    listed,
    reveal,
    show,
    text,
    when,
)
from headgate.web.site.acts import Secret
from headgate.web.site.forms import (
    DayField,
    LinesField,
    SiteForm,
    form_view,
    last_day,
)
from headgate.web.site.listing import Column, Filter, Listing


class ClientForm(SiteForm):
    """What can be changed of a client."""

    names = {"expires_at": "until"}  # noqa: RUF012  # a ClassVar of the base

    name = forms.CharField(label=gettext_lazy("Name"))
    scopes = LinesField(
        label=gettext_lazy("Scopes"),
        required=False,
        help_text=gettext_lazy("What it may ask for, one a line."),
    )
    has_device_flow = forms.BooleanField(
        label=gettext_lazy("May sign in on behalf of people at a device"), required=False
    )
    token_seconds = forms.IntegerField(
        label=gettext_lazy("Seconds that a token lasts"),
        min_value=TOKEN_SECONDS_MIN,
        max_value=TOKEN_SECONDS_MAX,
        initial=TOKEN_SECONDS_DEFAULT,
    )
    until = DayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("It ends with this day (UTC). Empty: it does not end."),
    )


class NewClientForm(ClientForm):
    """Also whether it can keep a secret."""

    is_public = forms.BooleanField(
        label=gettext_lazy("Public: a program in its user's hands, without a secret"),
        required=False,
    )


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("OAuth clients"), reverse("console_clients")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All clients."""
    actor = allowed(request, Scope.READ)
    listing: Listing[OAuthClient] = Listing(
        name="clients",
        columns=_columns(actor.at),
        search=(
            "credential__name",
            "credential__id",
            "credential__application__name",
            "credential__application__organization__name",
        ),
        filters=(
            keys.state_filter(actor.at, "credential__"),
            Filter(
                "public",
                _("Public"),
                (("yes", _("yes")), ("no", _("no"))),
                lambda value: Q(is_public=value == "yes"),
            ),
        ),
        order="-credential__pk",
    )
    return listed(
        request,
        actor,
        listing,
        clients.visible(actor),
        title=_("OAuth clients"),
        empty=_("No client yet: open an application and make one."),
    )


def _columns(now: datetime) -> tuple[Column[OAuthClient], ...]:
    return (
        Column(
            "name",
            _("Name"),
            lambda row: (
                row.credential.name or row.id,
                reverse("console_client", args=[row.id]),
            ),
            "link",
            "credential__name",
        ),
        Column("id", _("Client id"), lambda row: row.id, "mono", "credential__id"),
        hits.application_column(lambda row: row.credential.application, "credential__application"),
        Column("public", _("Public"), lambda row: _("yes") if row.is_public else _("no")),
        Column("state", _("State"), lambda row: keys.state(row.credential, now), "badge"),
        Column(
            "used",
            _("Last used"),
            lambda row: row.credential.last_used_at,
            "instant",
            "credential__last_used_at",
        ),
        Column(
            "until",
            _("Until"),
            lambda row: row.credential.expires_at,
            "instant",
            "credential__expires_at",
        ),
    )


@require_safe
def one(request: HttpRequest, client: str) -> HttpResponse:
    """One client."""
    actor = allowed(request, Scope.READ)
    found = clients.get(actor, client)
    credential = found.credential
    at = [client]
    acts = [
        Act(_("Change"), reverse("console_client_edit", args=at), Scope.KEYS),
        hits.events_of(client),
        Act(_("Revoke"), reverse("console_client_revoke", args=at), Scope.KEYS, "danger"),
    ]
    if not found.is_public:
        new_secret = reverse("console_client_rotate", args=at)
        acts.insert(0, Act(_("New secret"), new_secret, Scope.KEYS, "main"))
    thing = Thing(
        title=credential.name or client,
        back=(back(),),
        badges=(keys.state(credential, actor.at),),
        facts=(
            (_("Client id"), code(client)),
            (_("Application"), hits.application_cell(credential.application.path)),
            (_("Public"), text(_("yes") if found.is_public else _("no"))),
            (_("Grants"), text(", ".join(found.grants))),
            (_("Scopes"), text(" ".join(found.scopes))),
            (_("A token lasts"), text(_("%(n)s seconds") % {"n": f"{found.token_seconds:,}"})),
            (_("Made"), when(credential.created_at)),
            (_("Last used"), when(credential.last_used_at)),
            (_("Until"), when(credential.expires_at)),
        ),
        acts=(hits.events_of(client),) if credential.revoked_at else acts,
        parts=(
            Part(
                _("Secrets"),
                (_("Begins with"), _("Made"), _("Until")),
                [
                    [code(secret.prefix), when(secret.created_at), when(secret.expires_at)]
                    for secret in clients.secrets_of(found, actor.at)
                ],
                _("None."),
            ),
        ),
    )
    return show(request, actor, thing)


@form_view
def new(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Make one of an application; the answer shows its secret once."""
    actor = allowed(request, Scope.KEYS, "client")
    owner = applications.get(actor, f"{organization}/{name}")
    then = reverse("console_application", args=[organization, name])
    form = NewClientForm(request.POST or None, initial={"name": name})

    def after(made: clients.IssuedClient) -> HttpResponse | tuple[str, str]:
        if made.secret is not None:
            return _reveal(request, made, then)
        return _("The client was made."), reverse("console_client", args=[made.client.id])

    form_page = FormPage(
        _("New OAuth client for %(name)s") % {"name": owner.path},
        _("Make it"),
        ((owner.path, then),),
    )
    return carry_out(
        request,
        form_page,
        form,
        lambda given: clients.create(actor, application=owner.path, **keys.given_of(form, given)),
        after,
    )


def _reveal(request: HttpRequest, issued: clients.IssuedClient, then: str) -> HttpResponse:
    more = ((_("Client id"), issued.client.id),)
    secret = issued.secret.text if issued.secret else ""
    return reveal(request, Secret(_("The new secret"), secret, then, more))


@form_view
def edit(request: HttpRequest, client: str) -> HttpResponse:
    """Its name, scopes, ways and end."""
    actor = allowed(request, Scope.KEYS, "client")
    found = clients.get(actor, client)
    at = reverse("console_client", args=[client])
    initial = {
        "name": found.credential.name,
        "scopes": found.scopes,
        "has_device_flow": Grant.DEVICE_CODE in found.grants,
        "token_seconds": found.token_seconds,
        "until": last_day(found.credential.expires_at),
    }
    form = ClientForm(request.POST or None, initial=initial)

    form_page = FormPage(
        _("Change the client"), _("Save"), (back(), (found.credential.name or client, at))
    )
    return carry_out(
        request,
        form_page,
        form,
        lambda given: clients.update(actor, client, **keys.given_of(form, given)),
        lambda _row: (_("Saved."), at),
    )


@form_view
def rotate(request: HttpRequest, client: str) -> HttpResponse:
    """A new secret, both working for a while."""
    actor = allowed(request, Scope.KEYS, "client")
    found = clients.get(actor, client)
    at = reverse("console_client", args=[client])
    form_page = FormPage(
        _("New secret for %(name)s") % {"name": found.credential.name or client},
        _("Make the new one"),
        (back(), (found.credential.name or client, at)),
    )
    return carry_out(
        request,
        form_page,
        keys.RotateForm(request.POST or None),
        lambda given: clients.rotate(actor, client, overlap_seconds=keys.overlap_seconds(given)),
        lambda made: _reveal(request, made, at),
    )


@form_view
def revoke(request: HttpRequest, client: str) -> HttpResponse:
    """Stop it and its tokens for good."""
    actor = allowed(request, Scope.KEYS, "client")
    found = clients.get(actor, client)
    at = reverse("console_client", args=[client])
    title = found.credential.name or client
    form_page = FormPage(
        _("Revoke %(name)s") % {"name": title},
        _("Revoke the client"),
        (back(), (title, at)),
        lead=_("It gets no more tokens, and those that it has stop. This cannot be undone."),
        hits=(hits.callers(actor, credential=client),),
    )
    return confirmed(
        request,
        form_page,
        title,
        lambda: clients.revoke(actor, client),
        (_("The client is revoked."), at),
    )
