"""Who waits for a plan that needs approval? The inbox of those who decide, and one request."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Case, IntegerField, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.access.approval import RequestState
from headgate.store.models import SubscriptionRequest
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import approvals, subscriptions
from headgate.store.services.traffic import questions
from headgate.traffic.queries import GroupBy, StatsRow
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing
from headgate.web.site.signed_in import operator
from headgate.web.site.words import plan_words

USE_DAYS = 30
GRANT, DECLINE = "grant", "decline"
REFUSED = 422  # the form was not carried out
STATES = {
    RequestState.ASKED: (gettext_lazy("waits"), "info"),
    RequestState.GRANTED: (gettext_lazy("granted"), "good"),
    RequestState.DECLINED: (gettext_lazy("declined"), "bad"),
    RequestState.WITHDRAWN: (gettext_lazy("withdrawn"), ""),
}


class DecisionForm(SiteForm):
    """A word to those who asked; which button was pressed says yes or no."""

    word = forms.CharField(
        max_length=REASON_CHARACTERS_MAX,
        required=False,
        label=gettext_lazy("A word to them"),
        help_text=gettext_lazy("Goes into their mail, and is kept with the request."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def waiting(actor: Actor) -> int:
    """How many requests wait, for those who may see them."""
    return approvals.visible(actor).filter(state=RequestState.ASKED).count()


def listing() -> Listing[SubscriptionRequest]:
    """The requests, those that wait first."""
    states = tuple((state.value, str(name)) for state, (name, _kind) in STATES.items())
    return Listing(
        "approvals",
        (
            Column(
                "application",
                _("Application"),
                lambda row: (
                    row.application.path,
                    reverse("console_approval", args=[row.id]),
                ),
                "link",
                "application__organization__name",
            ),
            Column("plan", _("Plan"), lambda row: row.plan.path, "text", "plan__product__name"),
            Column("state", _("State"), state_of, "badge", "state"),
            Column("asked_by", _("Asked by"), lambda row: row.asked_by, "text", "asked_by"),
            Column("asked", _("Asked"), lambda row: row.created_at, "ago", "created_at"),
            Column("decided", _("Decided"), lambda row: row.decided_at, "instant", "decided_at"),
        ),
        search=("application__name", "application__organization__name", "asked_by", "reason"),
        filters=(Filter("state", _("State"), states, lambda value: Q(state=value)),),
        order="is_decided",
    )


def state_of(row: SubscriptionRequest) -> tuple[str, str]:
    """Where a request stands."""
    name, kind = STATES[RequestState(row.state)]
    return str(name), kind


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All requests, those that wait before the others."""
    actor = operator(request)
    is_decided = Case(
        When(state=RequestState.ASKED, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    rows = approvals.visible(actor).annotate(is_decided=is_decided)
    return listing().answer(request, rows, "console/approvals.html")


@form_view
def one(request: HttpRequest, asked: str) -> HttpResponse:
    """One request: who asks, for what, what they use now; and the decision."""
    actor = operator(request)
    row = approvals.find(actor, asked)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    decide = approvals.grant if request.POST.get("decision") == GRANT else approvals.decline

    def act(fields: dict[str, Any]) -> SubscriptionRequest:
        return decide(actor, row.id, word=fields["word"])

    if request.method == "POST" and request.POST.get("decision") in {GRANT, DECLINE}:
        actor.require_operator(Scope.KEYS, "subscription request")
        if form.do(act):
            messages.success(request, _("It is decided, and both sides get a mail."))
            return redirect("console_approvals")
    held = subscriptions.visible(actor).filter(application__organization=_owner(row))
    context = {
        "row": row,
        "form": form,
        "state": state_of(row),
        "limits": plan_words(row.plan) or [_("not limited")],
        "held": [(one, plan_words(one.plan) or [_("not limited")]) for one in held.order_by("pk")],
        "used": _used(actor, row, actor.at),
        "may_decide": actor.may(Scope.KEYS) and row.state == RequestState.ASKED,
        "days": USE_DAYS,
    }
    status = REFUSED if form.is_bound else 200
    return render(request, "console/approval.html", context, status=status)


def _owner(row: SubscriptionRequest) -> Any:
    return row.application.organization


def _used(actor: Actor, row: SubscriptionRequest, at: datetime) -> "list[StatsRow]":
    """What the organization has called of late, for those who may see traffic."""
    if not actor.may(Scope.TRAFFIC):
        return []
    since = at - timedelta(days=USE_DAYS)
    filters = questions.request_filter(actor, organization=_owner(row).name, since=since)
    return questions.stats(actor, GroupBy.API, filters)
