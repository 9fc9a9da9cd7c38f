"""Which keys are there, and what can be done with one? Never the key itself, but once."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.model.access import CredentialKind
from headgate.store.models import Application, Credential
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import applications, credentials
from headgate.web.console import hits
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    badge,
    carry_out,
    code,
    confirmed,
    link,
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
    end_of,
    form_view,
    last_day,
)
from headgate.web.site.listing import Column, Filter, Listing

PART_ROWS_MAX = 50
HOUR_SECONDS = 3600


class KeyForm(SiteForm):
    """A key's name, end and scopes."""

    names = {"expires_at": "until"}  # noqa: RUF012  # a ClassVar of the base

    name = forms.CharField(label=gettext_lazy("Name"), required=False)
    until = DayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("It ends with this day (UTC). Empty: it does not end."),
    )
    scopes = LinesField(
        label=gettext_lazy("Scopes"),
        required=False,
        help_text=gettext_lazy(
            "One a line; roles as role:NAME. Empty: the key is not restricted to any."
        ),
    )


class NewKeyForm(KeyForm):
    """Also which kind."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[
            (CredentialKind.KEY.value, gettext_lazy("API key")),
            (CredentialKind.BASIC.value, gettext_lazy("User name and password (HTTP Basic)")),
        ],
        initial=CredentialKind.KEY.value,
    )


class RotateForm(SiteForm):
    """How long both work."""

    names = {"overlap_seconds": "hours"}  # noqa: RUF012  # a ClassVar of the base

    hours = forms.TypedChoiceField(
        label=gettext_lazy("The old one goes on working for"),
        coerce=int,
        initial=24,
        choices=[
            (0, gettext_lazy("no time: it stops at once")),
            (1, gettext_lazy("an hour")),
            (24, gettext_lazy("a day")),
            (24 * 7, gettext_lazy("a week")),
            (24 * 30, gettext_lazy("30 days")),
        ],
    )


def overlap_seconds(given: dict[str, Any]) -> int:
    """How long both work, of a `RotateForm`."""
    return int(given["hours"]) * HOUR_SECONDS


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Keys"), reverse("console_keys")


def state(credential: Credential, now: datetime) -> tuple[str, str]:
    """The badge of a credential."""
    if credential.revoked_at is not None:
        return _("revoked"), "bad"
    if credential.expires_at is not None and credential.expires_at <= now:
        return _("expired"), "warn"
    if credential.replaced_by_id is not None:
        return _("being replaced"), "info"
    return _("active"), "good"


def state_filter(now: datetime, prefix: str = "") -> Filter:
    """By state; `prefix` leads to the credential."""
    not_revoked = Q(**{f"{prefix}revoked_at": None})
    over = Q(**{f"{prefix}expires_at__lte": now})
    found = {
        "active": not_revoked & ~over,
        "expired": not_revoked & over,
        "revoked": ~not_revoked,
        "unused": not_revoked & Q(**{f"{prefix}last_used_at": None}),
    }
    titles = (
        ("active", _("active")),
        ("expired", _("expired")),
        ("revoked", _("revoked")),
        ("unused", _("never used")),
    )
    return Filter("state", _("State"), titles, lambda value: found[value])


def part(actor: Actor, application: Application) -> Part:
    """The keys of an application, newest first."""
    rows = credentials.visible(actor).filter(application=application).order_by("-pk")
    return Part(
        _("Keys"),
        (_("Name"), _("Begins with"), _("State"), _("Last used"), _("Until"), _("Made")),
        [
            [
                link(row.name or row.id, reverse("console_key", args=[row.id])),
                code(row.prefix),
                badge(*state(row, actor.at)),
                when(row.last_used_at),
                when(row.expires_at),
                when(row.created_at),
            ]
            for row in rows[:PART_ROWS_MAX]
        ],
        _("None."),
        more=(_("All of its keys"), f"{reverse('console_keys')}?q={application.name}"),
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All keys and passwords."""
    actor = allowed(request, Scope.READ)
    listing: Listing[Credential] = Listing(
        name="keys",
        columns=(
            Column(
                "key",
                _("Key"),
                lambda row: (row.name or row.id, reverse("console_key", args=[row.id])),
                "link",
                "name",
            ),
            Column("prefix", _("Begins with"), lambda row: row.prefix or None, "mono"),
            hits.application_column(lambda row: row.application, "application"),
            Column("kind", _("Kind"), lambda row: row.kind, sort="kind"),
            Column("state", _("State"), lambda row: state(row, actor.at), "badge"),
            Column("used", _("Last used"), lambda row: row.last_used_at, "instant", "last_used_at"),
            Column("until", _("Until"), lambda row: row.expires_at, "instant", "expires_at"),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "id", "prefix", "application__name", "application__organization__name"),
        filters=(
            state_filter(actor.at),
            Filter(
                "kind",
                _("Kind"),
                tuple((kind.value, kind.value) for kind in credentials.SECRETS),
                lambda value: Q(kind=value),
            ),
        ),
    )
    return listed(
        request,
        actor,
        listing,
        credentials.visible(actor),
        title=_("Keys"),
        empty=_("No key yet: open an application and give it one."),
    )


@require_safe
def one(request: HttpRequest, key: str) -> HttpResponse:
    """One key."""
    actor = allowed(request, Scope.READ)
    found = credentials.get(actor, key)
    application = found.application
    is_over = found.revoked_at is not None
    acts = (
        Act(_("Rotate"), reverse("console_key_rotate", args=[key]), Scope.KEYS, "main"),
        Act(_("Change"), reverse("console_key_edit", args=[key]), Scope.KEYS),
        hits.events_of(key),
        Act(_("Revoke"), reverse("console_key_revoke", args=[key]), Scope.KEYS, "danger"),
    )
    replaced = found.replaced_by
    thing = Thing(
        title=found.name or found.id,
        back=(back(),),
        badges=(state(found, actor.at),),
        facts=(
            (_("Id"), code(found.id)),
            (_("Kind"), text(found.kind)),
            (_("Begins with"), code(found.prefix)),
            (_("Application"), hits.application_cell(application.path)),
            (_("Scopes"), text(" ".join(found.scopes) or _("not restricted"))),
            (_("Made"), when(found.created_at)),
            (_("Last used"), when(found.last_used_at)),
            (_("Until"), when(found.expires_at)),
            (_("Revoked"), when(found.revoked_at)),
            (
                _("Replaced by"),
                link(replaced.id, reverse("console_key", args=[replaced.id]))
                if replaced
                else text(None),
            ),
        ),
        acts=(hits.events_of(key),) if is_over else acts,
    )
    return show(request, actor, thing)


def given_of(form: SiteForm, given: dict[str, Any]) -> dict[str, Any]:
    """What a form says, with its last day as an instant; an end set to the second stays so."""
    until = given.pop("until")
    return given | ({"expires_at": end_of(until)} if "until" in form.changed_data else {})


@form_view
def new(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Give an application a key; the answer shows it once."""
    actor = allowed(request, Scope.KEYS, "key")
    owner = applications.get(actor, f"{organization}/{name}")
    then = reverse("console_application", args=[organization, name])
    form = NewKeyForm(request.POST or None)

    def act(given: dict[str, Any]) -> credentials.Issued:
        kind = CredentialKind(given.pop("kind"))
        return credentials.issue(actor, application=owner.path, kind=kind, **given_of(form, given))

    form_page = FormPage(
        _("New key for %(name)s") % {"name": owner.path}, _("Make it"), ((owner.path, then),)
    )
    return carry_out(request, form_page, form, act, lambda made: _reveal(request, made, then))


def _reveal(request: HttpRequest, issued: credentials.Issued, then: str) -> HttpResponse:
    credential = issued.credential
    more = [(_("Id"), credential.id)]
    if credential.kind == CredentialKind.BASIC:
        more = [(_("User name"), credential.id)]
    return reveal(request, Secret(_("The new key"), issued.secret.text, then, more))


@form_view
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Its name, end and scopes."""
    actor = allowed(request, Scope.KEYS, "key")
    found = credentials.get(actor, key)
    at = reverse("console_key", args=[key])
    initial = {"name": found.name, "until": last_day(found.expires_at), "scopes": found.scopes}
    form = KeyForm(request.POST or None, initial=initial)

    form_page = FormPage(_("Change the key"), _("Save"), (back(), (found.name or found.id, at)))
    return carry_out(
        request,
        form_page,
        form,
        lambda given: credentials.update(actor, key, **given_of(form, given)),
        lambda _row: (_("Saved."), at),
    )


@form_view
def rotate(request: HttpRequest, key: str) -> HttpResponse:
    """A new key in its place, both working for a while."""
    actor = allowed(request, Scope.KEYS, "key")
    found = credentials.get(actor, key)
    at = reverse("console_key", args=[key])
    form_page = FormPage(
        _("Rotate %(name)s") % {"name": found.name or found.id},
        _("Make the new one"),
        (back(), (found.name or found.id, at)),
        lead=_("The new key has the same name and scopes. Give it to the caller meanwhile."),
        hits=(hits.callers(actor, credential=key),),
    )
    return carry_out(
        request,
        form_page,
        RotateForm(request.POST or None),
        lambda given: credentials.rotate(actor, key, overlap_seconds=overlap_seconds(given)),
        lambda made: _reveal(request, made, reverse("console_key", args=[made.credential.id])),
    )


@form_view
def revoke(request: HttpRequest, key: str) -> HttpResponse:
    """Stop it for good."""
    actor = allowed(request, Scope.KEYS, "key")
    found = credentials.get(actor, key)
    at = reverse("console_key", args=[key])
    form_page = FormPage(
        _("Revoke %(name)s") % {"name": found.name or found.id},
        _("Revoke the key"),
        (back(), (found.name or found.id, at)),
        lead=_("It stops working at once. This cannot be undone."),
        hits=(hits.callers(actor, credential=key),),
    )
    return confirmed(
        request,
        form_page,
        found.name or found.id,
        lambda: credentials.revoke(actor, key),
        (_("The key is revoked."), at),
    )
