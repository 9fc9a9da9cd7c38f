"""Which tokens open the REST API and the node API, and what may they do?"""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Token
from headgate.store.services.actor import Scope
from headgate.store.services.consumers import tokens
from headgate.web.console.pages import (
    Act,
    FormPage,
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
from headgate.web.site.forms import DayField, SiteForm, end_of, form_view
from headgate.web.site.listing import Column, Filter, Listing

GIVEN = [scope for scope in Scope if scope is not Scope.NODE]


class TokenForm(SiteForm):
    """A new token: who uses it, and for what."""

    names = {"expires_at": "until"}  # noqa: RUF012  # a ClassVar of the base

    name = forms.CharField(
        label=gettext_lazy("Name"), help_text=gettext_lazy("Who or what will use it.")
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=[(scope.value, scope.value) for scope in GIVEN],
        widget=forms.CheckboxSelectMultiple,
    )
    organization = forms.CharField(
        label=gettext_lazy("Only for the organization"),
        required=False,
        help_text=gettext_lazy("Its name; empty: for everything."),
    )
    until = DayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("It ends with this day (UTC). Empty: it does not end."),
    )


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Tokens"), reverse("console_tokens")


def _limited_to(token: Token) -> str | None:
    if token.node:
        return _("node %(name)s") % {"name": token.node.name}
    if token.team:
        return _("team %(name)s") % {"name": token.team.path}
    return token.organization.name if token.organization else None


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All tokens that are not revoked."""
    actor = allowed(request, Scope.ADMIN, "token")
    now = actor.at
    listing: Listing[Token] = Listing(
        name="tokens",
        columns=(
            Column(
                "name",
                _("Name"),
                lambda row: (row.name, reverse("console_token", args=[row.id])),
                "link",
                "name",
            ),
            Column("prefix", _("Begins with"), lambda row: row.prefix, "mono"),
            Column("scopes", _("Scopes"), lambda row: ", ".join(row.scopes)),
            Column("limited", _("Only for"), _limited_to),
            Column("until", _("Until"), lambda row: row.expires_at, "instant", "expires_at"),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "id", "prefix", "organization__name", "node__name"),
        filters=(
            Filter(
                "for",
                _("For"),
                (("nodes", _("nodes")), ("organizations", _("organizations")), ("all", _("all"))),
                lambda value: {
                    "nodes": Q(node__isnull=False),
                    "organizations": Q(organization__isnull=False),
                    "all": Q(node=None, organization=None),
                }[value],
            ),
            Filter(
                "state",
                _("State"),
                (("active", _("active")), ("expired", _("expired"))),
                lambda value: (
                    Q(expires_at__lte=now) if value == "expired" else ~Q(expires_at__lte=now)
                ),
            ),
        ),
    )
    return listed(
        request,
        actor,
        listing,
        tokens.visible(actor),
        title=_("Tokens"),
        empty=_("No token."),
        acts=(Act(_("New token"), reverse("console_token_new"), Scope.ADMIN, "main"),),
    )


@require_safe
def one(request: HttpRequest, token: str) -> HttpResponse:
    """One token."""
    actor = allowed(request, Scope.ADMIN, "token")
    found = tokens.get(actor, token)
    thing = Thing(
        title=found.name,
        back=(back(),),
        facts=(
            (_("Id"), code(found.id)),
            (_("Begins with"), code(found.prefix)),
            (_("Scopes"), text(", ".join(found.scopes))),
            (_("Only for"), text(_limited_to(found))),
            (_("Made"), when(found.created_at)),
            (_("Until"), when(found.expires_at)),
        ),
        acts=(
            Act(_("Revoke"), reverse("console_token_revoke", args=[token]), Scope.ADMIN, "danger"),
        ),
    )
    return show(request, actor, thing)


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make one; the answer shows it once."""
    actor = allowed(request, Scope.ADMIN, "token")

    def act(given: dict[str, Any]) -> tokens.IssuedToken:
        return tokens.create(
            actor,
            name=given["name"],
            scopes=[Scope(scope) for scope in given["scopes"]],
            organization=given["organization"] or None,
            expires_at=end_of(given["until"]),
        )

    def after(made: tokens.IssuedToken) -> HttpResponse:
        then = reverse("console_token", args=[made.token.id])
        return reveal(request, Secret(_("The new token"), made.secret.text, then))

    form_page = FormPage(_("New token"), _("Make it"), (back(),))
    return carry_out(request, form_page, TokenForm(request.POST or None), act, after)


@form_view
def revoke(request: HttpRequest, token: str) -> HttpResponse:
    """End it at once."""
    actor = allowed(request, Scope.ADMIN, "token")
    found = tokens.get(actor, token)
    form_page = FormPage(
        _("Revoke %(name)s") % {"name": found.name},
        _("Revoke the token"),
        (back(), (found.name, reverse("console_token", args=[token]))),
        lead=_("Whatever uses it stops working at once. This cannot be undone."),
    )
    return confirmed(
        request,
        form_page,
        found.name,
        lambda: tokens.revoke(actor, token),
        (_("The token is revoked."), back()[1]),
    )
