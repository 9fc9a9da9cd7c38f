"""Which secrets do settings name, where, and how is a value put in? It never comes out."""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.gateway.secrets import BEGIN
from headgate.store.models import StoredSecret
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import secret_places, secret_values, secrets
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
    show,
    text,
    when,
)
from headgate.web.site.forms import NameField, SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing


class Unshown(forms.Textarea):
    """A box whose content goes in and is never written into a page."""

    def format_value(self, value: Any) -> str:  # noqa: ARG002  # Django's signature
        return ""


class ValueForm(SiteForm):
    """The value alone."""

    value = forms.CharField(
        label=gettext_lazy("Value"),
        strip=False,
        max_length=secrets.VALUE_CHARACTERS_MAX,
        widget=Unshown(
            attrs={"rows": 4, "class": "code", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=gettext_lazy("Encrypted when it is stored; no page ever shows it."),
    )


class SecretForm(ValueForm):
    """With a name that stays."""

    name = NameField()
    field_order = ("name", "value")


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Secrets"), reverse("console_secrets")


def address(name: str, act: str = "") -> str:
    """The page of one, or of something to do with it."""
    return reverse(f"console_secret_{act}" if act else "console_secret", args=[name])


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All secrets, by name."""
    actor = allowed(request, Scope.READ)
    in_use = secrets.in_use()
    listing: Listing[StoredSecret] = Listing(
        name="secrets",
        columns=(
            Column("name", _("Name"), lambda row: (row.name, address(row.name)), "link", "name"),
            Column("state", _("State"), _state, "badge"),
            Column(
                "gateways",
                _("In use on"),
                lambda row: ", ".join(one.name for one in in_use.get(row.name, ())) or None,
            ),
            Column("version", _("Values so far"), lambda row: row.version, "number", "version"),
            Column("changed", _("Changed"), lambda row: row.changed_at, "instant", "changed_at"),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name",),
        filters=(
            Filter(
                "used",
                _("In use"),
                (("yes", _("yes")), ("no", _("no"))),
                lambda value: Q(name__in=in_use) if value == "yes" else ~Q(name__in=in_use),
            ),
        ),
        order="name",
    )
    return listed(
        request,
        actor,
        listing,
        secrets.visible(actor),
        title=_("Secrets"),
        lead=_("Settings name them as %(how)s; nodes alone get their values.")
        % {"how": f"{BEGIN}NAME}}"},
        empty=_("No secret yet."),
        acts=(Act(_("New secret"), reverse("console_secret_new"), Scope.WRITE, "main"),),
    )


def _state(row: StoredSecret) -> tuple[str, str]:
    if secret_values.is_readable(row):
        return _("readable"), "good"
    return _("stored under another key"), "bad"


@require_safe
def one(request: HttpRequest, secret: str) -> HttpResponse:
    """One secret: where it is named, and since when it has its value."""
    actor = allowed(request, Scope.READ)
    found = secrets.get(actor, secret)
    thing = Thing(
        title=secret,
        back=(back(),),
        badges=(_state(found),),
        facts=(
            (_("Written as"), code(f"{BEGIN}{secret}}}")),
            (_("Values so far"), number(found.version)),
            (_("Changed"), when(found.changed_at)),
            (_("Made"), when(found.created_at)),
            (_("In use on"), text(", ".join(one.name for one in secrets.used_by(secret)))),
        ),
        acts=(
            Act(_("New value"), address(secret, "edit"), Scope.WRITE, "main"),
            Act(_("Delete"), address(secret, "delete"), Scope.WRITE, "danger"),
        ),
        parts=(_places(actor, secret),),
    )
    return show(request, actor, thing)


def _places(actor: Actor, secret: str) -> Part:
    return Part(
        _("Where settings name it"),
        (_("Where"), _("Name"), _("Setting")),
        [
            [text(one.place), _place(one), code(one.what)]
            for one in secret_places.places(actor, secret)
        ],
        _("Nowhere."),
        lead=_("As edited; what is live changes by publishing."),
    )


def _place(one: secret_places.NamedAt) -> Cell:
    if one.what != "upstream":
        return link(one.name, reverse("console_policies", args=[one.place, one.name]))
    return link(one.name, reverse("console_api", args=[one.name]))


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Keep a value under a new name."""
    actor = allowed(request, Scope.WRITE, "secret")

    def act(given: dict[str, Any]) -> StoredSecret:
        return secrets.store(actor, given["name"], value=given["value"])

    return carry_out(
        request,
        FormPage(_("New secret"), _("Store it"), (back(),)),
        SecretForm(request.POST or None),
        act,
        lambda made: (_("The secret is stored."), address(made.name)),
    )


@form_view
def edit(request: HttpRequest, secret: str) -> HttpResponse:
    """Another value; what is live gets it at once."""
    actor = allowed(request, Scope.WRITE, "secret")
    secrets.get(actor, secret)
    live = [gateway.name for gateway in secrets.used_by(secret)]
    form_page = FormPage(
        _("New value of %(name)s") % {"name": secret},
        _("Store it"),
        (back(), (secret, address(secret))),
        lead=_("The value before is gone; type it again to go back to it."),
        warnings=(_("Goes at once to the gateways %(names)s.") % {"names": ", ".join(live)},)
        if live
        else (),
    )
    return carry_out(
        request,
        form_page,
        ValueForm(request.POST or None),
        lambda given: secrets.store(actor, secret, value=given["value"]),
        lambda _row: (_("The new value is stored."), address(secret)),
    )


@form_view
def delete(request: HttpRequest, secret: str) -> HttpResponse:
    """Delete one that nothing live uses."""
    actor = allowed(request, Scope.WRITE, "secret")
    secrets.get(actor, secret)
    form_page = FormPage(
        _("Delete the secret %(name)s") % {"name": secret},
        _("Delete the secret"),
        (back(), (secret, address(secret))),
        lead=_("What names it cannot be published any more. This cannot be undone."),
        hits=(_places(actor, secret),),
    )
    return confirmed(
        request,
        form_page,
        secret,
        lambda: secrets.delete(actor, secret),
        (_("The secret was deleted."), back()[1]),
    )
