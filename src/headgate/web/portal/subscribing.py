"""How does an application get what it may call? By a subscription to a plan of a product."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from headgate.store.models import Application, Plan, Subscription, SubscriptionRequest
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.catalog import catalogue
from headgate.store.services.consumers import approvals, subscriptions
from headgate.web.portal.applications import calls_told
from headgate.web.portal.pages import FormPage, carry_out
from headgate.web.portal.places import address_of, application_of, own_applications, way_to
from headgate.web.site.choosing import RowField, offer_rows
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.signed_in import member, membership, person
from headgate.web.site.words import plan_words

Made = Subscription | SubscriptionRequest
WAITING = gettext_lazy(
    "%(application)s has asked for it. You get a mail as soon as somebody has decided."
)


def reason_field() -> forms.CharField:
    """What those who decide read."""
    return forms.CharField(
        max_length=REASON_CHARACTERS_MAX,
        required=False,
        label=gettext_lazy("What do you need it for?"),
        help_text=gettext_lazy("Read by those who decide, where the plan needs approval."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class PlanForm(SiteForm):
    """Another plan of the same product."""

    plan = forms.ChoiceField(label=gettext_lazy("Plan"), widget=forms.RadioSelect)
    reason = reason_field()

    def __init__(self, plans: list[Plan], *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.offer("plan", plan_choices(plans))
        _drop_reason(self, plans)


class SubscribeForm(PlanForm):
    """Which application, under which plan."""

    application = RowField(label=gettext_lazy("Application"))
    field_order = ("application", "plan", "reason")


class CancelForm(SiteForm):
    """Nothing but the button."""


def plan_choices(plans: list[Plan]) -> list[tuple[str, str]]:
    """Plans with their limits in words."""
    return [(plan.name, _choice(plan)) for plan in plans]


def _choice(plan: Plan) -> str:
    text = f"{plan.title or plan.name}: {', '.join(plan_words(plan)) or _('not limited')}"
    return f"{text} ({_('by approval')})" if plan.needs_approval else text


def _drop_reason(form: SiteForm, plans: list[Plan]) -> None:
    """Ask for no reason where nobody would read it."""
    if not any(plan.needs_approval for plan in plans):
        del form.fields["reason"]


@form_view
def new(request: HttpRequest, product: str) -> HttpResponse:
    """Subscribe one of the organization's applications to a product."""
    offer = catalogue.offer(product, catalogue.published())
    if membership(request) is None:
        person(request)
        return redirect("portal_organization_new")
    actor = member(request)
    actor.require(Scope.KEYS)
    own = own_applications(actor)
    first = own.rows.first()
    if first is None:
        return redirect(f"{reverse('portal_application_new')}?product={product}")
    initial = {
        "application": request.GET.get("application", first.id),
        "plan": request.GET.get("plan", offer.plans[0].name if offer.plans else ""),
    }
    data = request.POST if request.method == "POST" else None
    form = SubscribeForm(list(offer.plans), data, initial=initial)
    offer_rows(request, form, "application", own)
    form_page = FormPage(
        _("Subscribe to %(product)s") % {"product": offer.title},
        _("Subscribe"),
        [
            (_("Products"), reverse("portal_products")),
            (offer.title, reverse("portal_product", args=[product])),
        ],
        _("The application's keys may then call the APIs in it, as far as the plan goes."),
    )

    def subscribe(fields: dict[str, Any]) -> Made:
        chosen = next(plan for plan in offer.plans if plan.name == fields["plan"])
        if chosen.needs_approval:
            return _asked(actor, fields["application"].id, chosen, fields)
        return subscriptions.create(actor, application=fields["application"].id, plan=chosen.path)

    def then(made: Made) -> tuple[str, str]:
        told = _("%(application)s is subscribed. A key of it works now.")
        told = str(WAITING) if isinstance(made, SubscriptionRequest) else told
        return told % {"application": made.application.name}, address_of(made.application)

    return carry_out(request, form_page, form, subscribe, then, product=offer.product)


@form_view
def change(request: HttpRequest, organization: str, name: str, subscription: str) -> HttpResponse:
    """Choose another plan of the product."""
    actor, application, row = _subscription(request, organization, name, subscription)
    actor.require(Scope.KEYS)
    plans = catalogue.plans_of(row.product)
    data = request.POST if request.method == "POST" else None
    form = PlanForm(plans, data, initial={"plan": row.plan.name})
    form_page = FormPage(
        _("Another plan of %(product)s") % {"product": row.product.title or row.product.name},
        _("Change the plan"),
        way_to(application),
        _("It takes effect at once. What was used of a quota of the same length stays used."),
    )

    def choose(fields: dict[str, Any]) -> Made:
        chosen = next(plan for plan in plans if plan.name == fields["plan"])
        if chosen.needs_approval and chosen.pk != row.plan_id:
            return _asked(actor, application.path, chosen, fields)
        return subscriptions.update(actor, row.id, plan=chosen.path)

    def then(made: Made) -> tuple[str, str]:
        told = WAITING if isinstance(made, SubscriptionRequest) else _("The plan is changed.")
        return str(told) % {"application": application.name}, address_of(application)

    return carry_out(request, form_page, form, choose, then)


@require_POST
def withdraw(request: HttpRequest, organization: str, name: str, asked: str) -> HttpResponse:
    """Ask for a plan no longer."""
    actor, application = application_of(request, organization, name)
    row = approvals.find(actor, asked)
    if row.application_id != application.pk:
        raise not_found("subscription request", asked)
    approvals.withdraw(actor, row.id)
    messages.success(request, _("The request is withdrawn."))
    return redirect(address_of(application))


@form_view
def cancel(request: HttpRequest, organization: str, name: str, subscription: str) -> HttpResponse:
    """End a subscription, once it was said what that hits."""
    actor, application, row = _subscription(request, organization, name, subscription)
    actor.require(Scope.KEYS)
    form_page = FormPage(
        _("End the subscription to %(product)s")
        % {"product": row.product.title or row.product.name},
        _("End it"),
        way_to(application),
        hits=[
            calls_told(actor, application=application.path, plan=row.plan.path),
            _("Calls of %(application)s to these APIs are refused from then on.")
            % {"application": application.name},
            _("You can subscribe again; what was used of a quota starts anew."),
        ],
        is_danger=True,
    )
    return carry_out(
        request,
        form_page,
        CancelForm(request.POST if request.method == "POST" else None),
        lambda _fields: subscriptions.cancel(actor, row.id),
        lambda _done: (_("The subscription has ended."), address_of(application)),
    )


def _asked(
    actor: Actor, application: str, plan: Plan, fields: dict[str, Any]
) -> SubscriptionRequest:
    reason = fields.get("reason", "")
    return approvals.ask(actor, application=application, plan=plan.path, reason=reason)


def _subscription(
    request: HttpRequest, organization: str, name: str, subscription: str
) -> tuple[Actor, Application, Subscription]:
    actor, application = application_of(request, organization, name)
    row = subscriptions.get(actor, subscription)
    if row.application_id != application.pk:
        raise not_found("subscription", subscription)
    return actor, application, row
