"""How does an application get OAuth clients, and lose them? Each secret is shown once."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.core.text import slug
from headgate.store.models import Application, OAuthClient
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.oauth import clients, token_issuer
from headgate.store.services.oauth.clients import IssuedClient
from headgate.web.portal.applications import calls_told, key_state
from headgate.web.portal.keys import RevokeForm, RotateForm
from headgate.web.portal.pages import FormPage, carry_out, reveal
from headgate.web.portal.places import address_of, application_of, way_to
from headgate.web.site.acts import Secret
from headgate.web.site.forms import DayField, LinesField, SiteForm, end_of, form_view

TOKEN_PATH = "/oauth/token"  # noqa: S105  # an address


class ClientForm(SiteForm):
    """A new client."""

    name = forms.CharField(
        max_length=63,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Of the program that will ask for tokens."),
    )
    is_public = forms.BooleanField(
        required=False,
        label=gettext_lazy("It runs in its users' hands, so it cannot keep a secret"),
        help_text=gettext_lazy("A command-line program, for example. People sign it in by a code."),
    )
    scopes = LinesField(
        required=False,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy("What its tokens may be good for, one a line, as the APIs name it."),
    )
    expires = DayField(
        required=False, label=gettext_lazy("Last day"), help_text=gettext_lazy("In UTC.")
    )
    names = {"expires_at": "expires"}  # noqa: RUF012  # a class variable of the form


@form_view
def new(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Make a client; the answer is the only page that shows its secret."""
    actor, application = application_of(request, organization, name)
    actor.require(Scope.KEYS)

    def create(fields: dict[str, Any]) -> IssuedClient:
        return clients.create(
            actor,
            application=application.path,
            name=slug(fields["name"]),
            scopes=fields["scopes"],
            is_public=fields["is_public"],
            expires_at=end_of(fields["expires"]),
        )

    form_page = FormPage(
        _("Make an OAuth client"),
        _("Make it"),
        way_to(application),
        _("It gets tokens by OAuth 2.0 and calls with them in the place of a key."),
    )
    form = ClientForm(request.POST if request.method == "POST" else None)
    return carry_out(request, form_page, form, create, lambda made: _after(request, made))


@form_view
def one(request: HttpRequest, organization: str, name: str, client: str) -> HttpResponse:
    """One client: what is known of it, and a new secret."""
    actor, application, row = _client(request, organization, name, client)
    form_page = FormPage(row.credential.name, _("Make a new secret"), way_to(application))
    form = RotateForm(request.POST if request.method == "POST" else None)
    may_change = actor.may(Scope.KEYS) and row.credential.revoked_at is None

    def rotate(fields: dict[str, Any]) -> IssuedClient:
        return clients.rotate(actor, row.id, overlap_seconds=int(fields["overlap"]))

    return carry_out(
        request,
        form_page,
        form,
        rotate,
        lambda made: _after(request, made),
        "portal/client.html",
        client=row,
        application=application,
        state=key_state(row.credential, actor.at),
        secrets=clients.secrets_of(row, actor.at),
        token_url=token_issuer.url() + TOKEN_PATH,
        may_change=may_change,
    )


@form_view
def revoke(request: HttpRequest, organization: str, name: str, client: str) -> HttpResponse:
    """Stop a client and its tokens for good, once it was said what that hits."""
    actor, application, row = _client(request, organization, name, client)
    actor.require(Scope.KEYS)
    form_page = FormPage(
        _("Revoke the client %(name)s") % {"name": row.credential.name},
        _("Revoke it"),
        [
            *way_to(application),
            (row.credential.name, address_of(application, "portal_client", row.id)),
        ],
        hits=[
            calls_told(actor, credential=row.id),
            _("Its secrets and all of its tokens stop within a second, and never work again."),
        ],
        is_danger=True,
    )
    return carry_out(
        request,
        form_page,
        RevokeForm(request.POST if request.method == "POST" else None),
        lambda _fields: clients.revoke(actor, row.id),
        lambda _done: (_("The client is revoked."), address_of(application)),
    )


def _after(request: HttpRequest, made: IssuedClient) -> Any:
    application = made.client.credential.application
    if made.secret is None:
        told = _("The client is there. Its id is %(id)s; it has no secret.")
        return told % {"id": made.client.id}, address_of(application)
    url = token_issuer.url() + TOKEN_PATH
    example = (
        f'curl -u "{made.client.id}:$CLIENT_SECRET" -d grant_type=client_credentials \\\n  {url}'
    )
    return reveal(
        request,
        Secret(
            _("The secret of your OAuth client"),
            made.secret.text,
            address_of(application),
            back=way_to(application),
            more=((_("Client id"), made.client.id), (_("Tokens are given out at"), url)),
            example=example,
        ),
    )


def _client(
    request: HttpRequest, organization: str, name: str, client: str
) -> tuple[Actor, Application, OAuthClient]:
    actor, application = application_of(request, organization, name)
    row = clients.get(actor, client)
    if row.credential.application_id != application.pk:
        raise not_found("client", client)
    return actor, application, row
