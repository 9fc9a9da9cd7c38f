"""How does an application get at sensitive data? Somebody asks, and its owner decides."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from headgate.access.data_access import AccessState
from headgate.store.models import AccessRequest, Application, SensitiveMark
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.consumers import data_access
from headgate.web.portal.pages import FormPage, carry_out
from headgate.web.portal.places import address_of, application_of, own_applications
from headgate.web.site.choosing import RowField, offer_rows
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.signed_in import member, membership, person

DAYS_WISHED = 30
SHOWN_MAX = 20  # requests, the newest; applications of a reader
STATES = {
    AccessState.ASKED: (gettext_lazy("waits for an answer"), "info"),
    AccessState.GRANTED: (gettext_lazy("granted"), "good"),
    AccessState.REFUSED: (gettext_lazy("refused"), "bad"),
    AccessState.WITHDRAWN: (gettext_lazy("withdrawn"), ""),
    AccessState.REVOKED: (gettext_lazy("revoked"), "bad"),
    AccessState.LAPSED: (gettext_lazy("lapsed"), ""),
    AccessState.ENDED: (gettext_lazy("ended"), ""),
}


class AskForm(SiteForm):
    """For which application, why, and for how long."""

    application = RowField(label=gettext_lazy("Application"))
    reason = forms.CharField(
        max_length=REASON_CHARACTERS_MAX,
        label=gettext_lazy("What do you need it for?"),
        help_text=gettext_lazy("Read by the owner of the data, who decides."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    days = forms.IntegerField(label=gettext_lazy("For how many days?"), min_value=1)

    def __init__(self, mark: SensitiveMark, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.fields["days"].help_text = _("At most %(days)s.") % {"days": mark.days_max}


@form_view
def ask(request: HttpRequest, name: str) -> HttpResponse:
    """Ask for an API's data, or for that of `?operation=…`."""
    if membership(request) is None:
        person(request)
        return redirect("portal_organization_new")
    actor = member(request)
    actor.require(Scope.KEYS)
    operation = request.GET.get("operation", "")[:255]
    mark = data_access.wanted(actor, name, operation)
    own = own_applications(actor)
    first = own.rows.first()
    if first is None:
        return redirect("portal_application_new")
    initial = {
        "application": request.GET.get("application", first.id),
        "days": min(DAYS_WISHED, mark.days_max),
    }
    form = AskForm(mark, request.POST or None, initial=initial)
    offer_rows(request, form, "application", own)
    form_page = FormPage(
        _("Ask for access to %(place)s") % {"place": mark.place},
        _("Ask"),
        [
            (mark.api.title or mark.api.name, reverse("portal_api", args=[name])),
        ],
        _("Calls need a grant of the data's owner, beside a subscription. Why: %(why)s")
        % {"why": mark.why},
    )

    def then(made: AccessRequest) -> tuple[str, str]:
        told = _("It is asked for. You get a mail as soon as somebody has decided.")
        return told, address_of(made.application)

    def act(given: dict[str, Any]) -> AccessRequest:
        application = given.pop("application").id
        return data_access.ask(
            actor, api=name, operation=operation, application=application, **given
        )

    return carry_out(request, form_page, form, act, then)


@require_POST
def withdraw(request: HttpRequest, organization: str, name: str, wanted: str) -> HttpResponse:
    """Ask no longer, or give a grant back."""
    actor, application = application_of(request, organization, name)
    row = data_access.find(actor, wanted)
    if row.application_id != application.pk:
        raise not_found("access request", wanted)
    data_access.withdraw(actor, row.id)
    messages.success(request, _("The request is withdrawn."))
    return redirect(address_of(application))


def state_of(row: AccessRequest) -> tuple[str, str]:
    """Where a request stands."""
    name, kind = STATES[AccessState(row.state)]
    return str(name), kind


def of_application(actor: Actor, application: Application) -> list[tuple[AccessRequest, Any]]:
    """What an application has asked for, the newest first."""
    rows = data_access.visible(actor).filter(application=application).order_by("-pk")
    return [(row, state_of(row)) for row in rows[:SHOWN_MAX]]


def of_reader(request: HttpRequest, mark: SensitiveMark) -> list[tuple[AccessRequest, Any]]:
    """What the reader's applications have asked for behind a mark, the newest of each."""
    if membership(request) is None:
        return []
    rows = data_access.visible(member(request)).filter(mark=mark)
    newest = rows.order_by().values("application").annotate(newest=Max("pk")).values("newest")
    shown = rows.filter(pk__in=newest).order_by("application__name")[:SHOWN_MAX]
    return [(row, state_of(row)) for row in shown]
