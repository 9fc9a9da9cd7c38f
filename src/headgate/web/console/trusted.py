"""What of others speaks for an application? Names on certificates, and clients of other issuers.

Both are trusted by a name, not by a secret of ours, and look and end alike: one `Kind` each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.access.certificates import NameKind
from headgate.store.models import Application, ClientCertificate, ForeignClient
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.consumers import applications
from headgate.store.services.oauth import certificates, foreign_clients, trust
from headgate.web.console import hits, keys
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    badge,
    carry_out,
    code,
    link,
    listed,
    show,
    text,
    when,
)
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Listing

PART_ROWS_MAX = 50


class CertificateForm(SiteForm):
    """A certificate as an example, or its authority and a name."""

    kind = forms.ChoiceField(
        label=gettext_lazy("The name that counts"),
        choices=[
            (NameKind.SUBJECT.value, gettext_lazy("the subject")),
            (NameKind.URI.value, gettext_lazy("the first URI among the other names")),
            (NameKind.DNS.value, gettext_lazy("the first DNS name among the other names")),
        ],
    )
    certificate = forms.CharField(
        label=gettext_lazy("A certificate of it, in PEM form"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "code", "spellcheck": "false"}),
        help_text=gettext_lazy("Authority and name are read of it. Or write them:"),
    )
    issuer = forms.CharField(
        label=gettext_lazy("Authority"),
        required=False,
        help_text=gettext_lazy("Its distinguished name, such as CN=Acme Issuing,O=Acme"),
    )
    name = forms.CharField(label=gettext_lazy("Name"), required=False)


class ForeignClientForm(SiteForm):
    """Which client of which issuer."""

    issuer = forms.CharField(
        label=gettext_lazy("Issuer"),
        help_text=gettext_lazy("As iss in its tokens has it, exactly."),
    )
    client_id = forms.CharField(label=gettext_lazy("Client id"))


@dataclass(frozen=True, slots=True)
class Kind:
    """What is trusted. `name`: the field of its name; `word`: what an address has for it."""

    word: str
    model: type[Model]
    titles: Promise
    told: Promise  # of one, in a sentence's place
    lead: Promise
    act: Promise
    name: str
    form: type[SiteForm]
    add: Callable[[Actor, str, dict[str, Any]], Any]
    get: Callable[[Actor, str], Any]
    end: Callable[[Actor, str], Any]

    def visible(self, actor: Actor) -> QuerySet[Any]:
        """All that the actor may know of."""
        return trust.visible(self.model, actor)

    def address(self, row: Any, act: str = "") -> str:
        """The page of one, or of its end."""
        name = f"console_trust_{act}" if act else "console_trust"
        return reverse(name, args=[self.word, row.credential.id])

    @property
    def back(self) -> tuple[str, str]:
        """The way to the list."""
        return str(self.titles), reverse("console_trusted", args=[self.word])


def _add_certificate(actor: Actor, application: str, given: dict[str, Any]) -> Any:
    kind = NameKind(given["kind"])
    named = certificates.named(
        given["certificate"], kind, issuer=given["issuer"], name=given["name"]
    )
    return certificates.add(actor, application=application, name=named)


def _add_client(actor: Actor, application: str, given: dict[str, Any]) -> Any:
    return foreign_clients.trust(
        actor, application=application, issuer=given["issuer"], client=given["client_id"]
    )


KINDS = {
    one.word: one
    for one in (
        Kind(
            "certificates",
            ClientCertificate,
            gettext_lazy("Client certificates"),
            gettext_lazy("The certificate name"),
            gettext_lazy(
                "Names that speak for applications. Which authorities are believed is said to each"
                " node as it starts, by --gateway-client-ca."
            ),
            gettext_lazy("Trust a certificate"),
            "name",
            CertificateForm,
            _add_certificate,
            certificates.find,
            certificates.end,
        ),
        Kind(
            "clients",
            ForeignClient,
            gettext_lazy("Clients of other issuers"),
            gettext_lazy("The client"),
            gettext_lazy("Tokens of these clients speak for applications."),
            gettext_lazy("Trust a client of another issuer"),
            "client",
            ForeignClientForm,
            _add_client,
            foreign_clients.find,
            foreign_clients.end,
        ),
    )
}


def _kind(word: str) -> Kind:
    if word not in KINDS:
        raise not_found("kind of trust", word[:60])
    return KINDS[word]


@require_safe
def page(request: HttpRequest, kind: str) -> HttpResponse:
    """All of a kind."""
    actor = allowed(request, Scope.READ)
    of = _kind(kind)
    listing: Listing[Any] = Listing(
        name=of.word,
        columns=(
            Column(
                "name",
                str(of.told),
                lambda row: (getattr(row, of.name), of.address(row)),
                "link",
                of.name,
            ),
            Column("issuer", _("Vouched for by"), lambda row: row.issuer, sort="issuer"),
            hits.application_column(
                lambda row: row.credential.application, "credential__application"
            ),
            Column("state", _("State"), lambda row: keys.state(row.credential, actor.at), "badge"),
            Column(
                "used",
                _("Last used"),
                lambda row: row.credential.last_used_at,
                "instant",
                "credential__last_used_at",
            ),
        ),
        search=(
            of.name,
            "issuer",
            "credential__id",
            "credential__application__name",
            "credential__application__organization__name",
        ),
        filters=(keys.state_filter(actor.at, "credential__"),),
        order="-credential__pk",
    )
    return listed(
        request,
        actor,
        listing,
        of.visible(actor),
        title=str(of.titles),
        lead=str(of.lead),
        empty=_("None yet: open an application and trust one for it."),
    )


@require_safe
def one(request: HttpRequest, kind: str, credential: str) -> HttpResponse:
    """One of them."""
    actor = allowed(request, Scope.READ)
    of = _kind(kind)
    found = of.get(actor, credential)
    own = found.credential
    thing = Thing(
        title=getattr(found, of.name),
        back=(of.back,),
        badges=(keys.state(own, actor.at),),
        facts=(
            (_("Id"), code(own.id)),
            (_("Vouched for by"), code(found.issuer)),
            (_("Speaks for"), hits.application_cell(own.application.path)),
            (_("Kind of name"), text(getattr(found, "kind", None))),
            (_("Trusted since"), when(own.created_at)),
            (_("Last used"), when(own.last_used_at)),
            (_("Trusted until"), when(own.revoked_at)),
        ),
        acts=()
        if own.revoked_at
        else (Act(_("End the trust"), of.address(found, "end"), Scope.KEYS, "danger"),),
    )
    return show(request, actor, thing)


def parts(actor: Actor, application: Application) -> list[Part]:
    """What of others speaks for an application, and the way to trust more."""
    found = []
    path = [application.organization.name, application.name]
    for of in KINDS.values():
        rows = of.visible(actor).filter(credential__application=application)
        cells = [
            [
                link(getattr(row, of.name), of.address(row)),
                text(row.issuer),
                badge(*keys.state(row.credential, actor.at)),
                when(row.credential.last_used_at),
            ]
            for row in rows.order_by("-credential__pk")[:PART_ROWS_MAX]
        ]
        heads = (str(of.told), _("Vouched for by"), _("State"), _("Last used"))
        trust_one = reverse("console_application_trust", args=[*path, of.word])
        act = Act(str(of.act), trust_one, Scope.KEYS)
        found.append(Part(str(of.titles), heads, cells, _("None."), (act,)))
    return found


@form_view
def new(request: HttpRequest, organization: str, name: str, kind: str) -> HttpResponse:
    """Let one speak for an application."""
    actor = allowed(request, Scope.KEYS, "application")
    of = _kind(kind)
    owner = applications.get(actor, f"{organization}/{name}")
    then = reverse("console_application", args=[organization, name])
    return carry_out(
        request,
        FormPage(
            str(of.act),
            _("Trust it"),
            ((owner.path, then),),
            lead=_("Whoever shows it calls in the name of %(name)s.") % {"name": owner.path},
        ),
        of.form(request.POST or None),
        lambda given: of.add(actor, owner.path, given),
        lambda made: (_("It speaks for %(name)s now.") % {"name": owner.path}, of.address(made)),
    )


@form_view
def end(request: HttpRequest, kind: str, credential: str) -> HttpResponse:
    """Let it speak no longer; it can be trusted again."""
    actor = allowed(request, Scope.KEYS, "application")
    of = _kind(kind)
    found = of.get(actor, credential)
    title = getattr(found, of.name)
    form_page = FormPage(
        _("End the trust in %(name)s") % {"name": title},
        _("End the trust"),
        (of.back, (title, of.address(found))),
        lead=_("Calls with it are refused at once. It can be trusted again."),
        is_danger=True,
        hits=(hits.callers(actor, credential=credential),),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: of.end(actor, credential),
        lambda _row: (_("It is trusted no longer."), of.address(found)),
    )
