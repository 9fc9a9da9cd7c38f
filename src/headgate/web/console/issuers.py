"""Whose access tokens are believed? Our own signing keys, and the issuers that policies name."""

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import ForeignIssuer, SigningKey
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.oauth import foreign_issuers, signing_keys, token_issuer
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
    confirmed,
    link,
    listed,
    show,
    text,
    when,
)
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing


class RotateForm(SiteForm):
    """How to change the key that signs."""

    drop_former = forms.BooleanField(
        label=gettext_lazy("Take all other keys away at once: somebody else may have one"),
        required=False,
        help_text=gettext_lazy("Every token that was issued ends; clients get new ones."),
    )


def back() -> tuple[str, str]:
    """The way to the page of keys."""
    return _("Signing keys"), reverse("console_signing_keys")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The issuers that policies name, with their keys as they were last fetched."""
    actor = allowed(request, Scope.READ)
    listing: Listing[ForeignIssuer] = Listing(
        name="issuers",
        columns=(
            Column("issuer", _("Issuer"), lambda row: row.issuer, "mono", "issuer"),
            Column("state", _("State"), _issuer_state, "badge"),
            Column("keys", _("Keys"), foreign_issuers.key_count, "number"),
            Column("fetched", _("Keys as of"), lambda row: row.fetched_at, "instant", "fetched_at"),
            Column("tried", _("Last asked"), lambda row: row.tried_at, "instant", "tried_at"),
            Column("error", _("What went wrong"), lambda row: row.error or None),
        ),
        search=("issuer", "jwks_url", "error"),
        filters=(
            Filter(
                "state",
                _("State"),
                (("good", _("answers")), ("bad", _("does not answer"))),
                lambda value: Q(error="") if value == "good" else ~Q(error=""),
            ),
        ),
        order="issuer",
    )
    return listed(
        request,
        actor,
        listing,
        foreign_issuers.visible(actor),
        title=_("Other issuers"),
        lead=_("Named by policies of the kind jwt; asked for their keys every 10 seconds."),
        empty=_("No policy names another issuer."),
        acts=(Act(_("Our own signing keys"), reverse("console_signing_keys")),),
    )


def _issuer_state(row: ForeignIssuer) -> tuple[str, str]:
    if row.error:
        return (_("old keys hold"), "warn") if row.jwks else (_("no keys"), "bad")
    return _("answers"), "good"


@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """Our own keys: which signs, which did, which is next."""
    actor = allowed(request, Scope.READ)
    keys = signing_keys.listed(actor)
    url = token_issuer.url()
    thing = Thing(
        title=_("Signing keys"),
        back=(),
        lead=_("They sign the access tokens of this installation, and take turns every 30 days."),
        facts=(
            (_("Issuer"), code(url)),
            (_("Audience"), code(token_issuer.audience(url))),
        ),
        acts=(
            Act(_("Sign with a new key"), reverse("console_signing_keys_rotate"), Scope.ADMIN),
            Act(_("Other issuers"), reverse("console_issuers")),
        ),
        parts=(
            Part(
                _("Keys"),
                (_("Id"), _("State"), _("Signs from"), _("Its last token ends"), ""),
                [
                    [
                        code(key.key_id),
                        badge(*_state(key, actor)),
                        when(key.signs_at),
                        when(key.ends_at),
                        _retire(key, actor),
                    ]
                    for key in reversed(keys)
                ],
                _("None yet: the first OAuth client brings the first one."),
            ),
        ),
    )
    return show(request, actor, thing)


def _state(key: SigningKey, actor: Actor) -> tuple[str, str]:
    if key.signs_at > actor.at:
        return _("is next"), "info"
    if signing_keys.is_former(key, actor.at):
        return _("signs no more"), ""
    return _("signs"), "good"


def _retire(key: SigningKey, actor: Actor) -> Cell:
    if not (actor.may(Scope.ADMIN) and signing_keys.is_former(key, actor.at)):
        return text("")
    return link(_("Retire it"), reverse("console_signing_keys_retire", args=[key.key_id]))


@form_view
def rotate(request: HttpRequest) -> HttpResponse:
    """Sign with a new key from now on."""
    actor = allowed(request, Scope.ADMIN, "signing key")
    form_page = FormPage(
        _("Sign with a new key"),
        _("Sign with a new key"),
        (back(),),
        lead=_("Tokens that were issued stay good until they end, unless you say otherwise."),
    )
    return carry_out(
        request,
        form_page,
        RotateForm(request.POST or None),
        lambda given: signing_keys.rotate(actor, **given),
        lambda _key: (_("The new key signs."), back()[1]),
    )


@form_view
def retire(request: HttpRequest, key_id: str) -> HttpResponse:
    """Take a former key away before its time."""
    actor = allowed(request, Scope.ADMIN, "signing key")
    key = next((one for one in signing_keys.listed(actor) if one.key_id == key_id), None)
    if key is None:
        raise not_found("signing key", key_id[:60])
    form_page = FormPage(
        _("Retire the key %(name)s") % {"name": key_id},
        _("Retire it"),
        (back(),),
        lead=_("Every token that it signed ends at once. This cannot be undone."),
        hits=(
            Part(
                _("The key"),
                (_("Signs from"), _("Its last token ends")),
                [[when(key.signs_at), when(key.ends_at)]],
            ),
        ),
    )
    return confirmed(
        request,
        form_page,
        key_id,
        lambda: signing_keys.retire(actor, key_id),
        (_("The key is gone."), back()[1]),
    )
