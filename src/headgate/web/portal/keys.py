"""How does an application get keys, and lose them? Each key is shown once, on one page."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.store.models import Application, Credential
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.consumers import credentials
from headgate.store.services.consumers.credentials import Issued
from headgate.web.portal.applications import calls_told, key_state
from headgate.web.portal.pages import FormPage, carry_out, reveal
from headgate.web.portal.places import address_of, application_of, way_to
from headgate.web.site.acts import Secret
from headgate.web.site.forms import DayField, SiteForm, end_of, form_view, last_day

OVERLAPS = (
    ("0", gettext_lazy("at once")),
    ("3600", gettext_lazy("after an hour")),
    ("86400", gettext_lazy("after a day")),
    ("604800", gettext_lazy("after a week")),
    ("2592000", gettext_lazy("after 30 days")),
    ("7776000", gettext_lazy("after 90 days")),
)


class KeyForm(SiteForm):
    """A key's name and end."""

    name = forms.CharField(
        max_length=200,
        required=False,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("So that you know later which program has it."),
    )
    expires = DayField(
        required=False,
        label=gettext_lazy("Last day"),
        help_text=gettext_lazy("In UTC. You get a mail 30, 7 and 1 day before. Empty: no end."),
    )
    names = {"expires_at": "expires"}  # noqa: RUF012  # a class variable of the form


class RotateForm(SiteForm):
    """When the present one ends."""

    overlap = forms.ChoiceField(
        choices=OVERLAPS,
        initial="86400",
        label=gettext_lazy("The present one stops"),
        help_text=gettext_lazy("Until then both work, so that you can change over in peace."),
    )
    names = {"overlap_seconds": "overlap"}  # noqa: RUF012  # a class variable of the form


class RevokeForm(SiteForm):
    """Nothing but the button."""


@form_view
def new(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Make a key; the answer is the only page that shows it."""
    actor, application = application_of(request, organization, name)
    actor.require(Scope.KEYS)

    def issue(fields: dict[str, Any]) -> Issued:
        return credentials.issue(
            actor,
            application=application.path,
            name=fields["name"],
            expires_at=end_of(fields["expires"]),
        )

    form_page = FormPage(
        _("Make a key"),
        _("Make it"),
        way_to(application),
        _("Whoever has it calls in the name of %(application)s.")
        % {"application": application.name},
    )
    form = KeyForm(request.POST if request.method == "POST" else None)
    return carry_out(request, form_page, form, issue, lambda made: shown(request, made))


@form_view
def one(request: HttpRequest, organization: str, name: str, key: str) -> HttpResponse:
    """One key: what is known of it, another name, another end."""
    actor, application, row = _key(request, organization, name, key)
    initial = {"name": row.name, "expires": last_day(row.expires_at)}
    form = KeyForm(request.POST if request.method == "POST" else None, initial=initial)

    def save(fields: dict[str, Any]) -> Credential:
        if fields["expires"] == initial["expires"]:
            return credentials.update(actor, row.id, name=fields["name"])
        return credentials.update(
            actor, row.id, name=fields["name"], expires_at=end_of(fields["expires"])
        )

    is_ended = row.revoked_at is not None or bool(row.expires_at and row.expires_at <= actor.at)
    return carry_out(
        request,
        FormPage(row.name or row.prefix or row.id, _("Save"), way_to(application)),
        form,
        save,
        lambda _done: (_("It is saved."), address_of(application)),
        "portal/key.html",
        key=row,
        application=application,
        state=key_state(row, actor.at),
        may_change=actor.may(Scope.KEYS) and row.revoked_at is None,
        may_rotate=actor.may(Scope.KEYS) and not is_ended and row.replaced_by_id is None,
    )


@form_view
def rotate(request: HttpRequest, organization: str, name: str, key: str) -> HttpResponse:
    """Make a key in the place of another one, which works on for a while."""
    actor, application, row = _key(request, organization, name, key)
    actor.require(Scope.KEYS)
    form_page = FormPage(
        _("Replace the key %(name)s") % {"name": row.name or row.prefix},
        _("Make the new key"),
        [
            *way_to(application),
            (row.name or row.prefix, address_of(application, "portal_key", row.id)),
        ],
        _("You get a new key with the same name and rights."),
    )
    form = RotateForm(request.POST if request.method == "POST" else None)

    def replace(fields: dict[str, Any]) -> Issued:
        return credentials.rotate(actor, row.id, overlap_seconds=int(fields["overlap"]))

    return carry_out(request, form_page, form, replace, lambda made: shown(request, made))


@form_view
def revoke(request: HttpRequest, organization: str, name: str, key: str) -> HttpResponse:
    """Stop a key for good, once it was said what that hits."""
    actor, application, row = _key(request, organization, name, key)
    actor.require(Scope.KEYS)
    form_page = FormPage(
        _("Revoke the key %(name)s") % {"name": row.name or row.prefix},
        _("Revoke it"),
        [
            *way_to(application),
            (row.name or row.prefix, address_of(application, "portal_key", row.id)),
        ],
        hits=[
            calls_told(actor, credential=row.id),
            _("It stops within a second, and never works again."),
        ],
        is_danger=True,
    )
    return carry_out(
        request,
        form_page,
        RevokeForm(request.POST if request.method == "POST" else None),
        lambda _fields: credentials.revoke(actor, row.id),
        lambda _done: (_("The key is revoked."), address_of(application)),
    )


def shown(request: HttpRequest, made: Issued) -> HttpResponse:
    """The page with the new key."""
    application = made.credential.application
    return reveal(
        request,
        Secret(
            _("Your new key"),
            made.secret.text,
            address_of(application),
            back=way_to(application),
            lead=_(
                "Send it with each call, by default in the field X-API-Key. Keep it out of code and"
                " chats; if others have seen it, replace it."
            ),
        ),
    )


def _key(
    request: HttpRequest, organization: str, name: str, key: str
) -> tuple[Actor, Application, Credential]:
    actor, application = application_of(request, organization, name)
    row = credentials.get(actor, key)
    if row.application_id != application.pk:
        raise not_found("key", key)
    return actor, application, row
