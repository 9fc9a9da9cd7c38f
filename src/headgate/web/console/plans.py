"""How much may the subscribers of a plan use, and who are they?"""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Plan
from headgate.store.services.actor import Scope
from headgate.store.services.catalog import plans, products
from headgate.store.services.gateway import policies
from headgate.web.console import hits
from headgate.web.console.pages import (
    Act,
    FormPage,
    Thing,
    allowed,
    carry_out,
    code,
    confirmed,
    link,
    number,
    show,
    text,
    when,
)
from headgate.web.console.products import address as product_address
from headgate.web.console.products import back, subscribers
from headgate.web.site.forms import LinesField, NameField, SiteForm, form_view


class PlanForm(SiteForm):
    """Its title and limits, as people write them."""

    title = forms.CharField(label=gettext_lazy("Title"), required=False)
    rates = LinesField(
        label=gettext_lazy("Rates"),
        required=False,
        help_text=gettext_lazy(
            "One a line: 10/second, 10/second+50 with a burst, or 10/second shared by all nodes. "
            "' shadow' behind it: counted, never refused."
        ),
    )
    quotas = LinesField(
        label=gettext_lazy("Quotas"),
        required=False,
        help_text=gettext_lazy("One a line: 1000/month, or 1000/month@15 from the 15th."),
    )
    concurrent = forms.CharField(
        label=gettext_lazy("Calls at one time"),
        required=False,
        help_text=gettext_lazy("A number, such as 5."),
    )
    needs_approval = forms.BooleanField(
        label=gettext_lazy("Organizations ask for it, and an operator grants it"), required=False
    )


class NewPlanForm(PlanForm):
    """With a name that stays."""

    name = NameField()
    field_order = ("name", "title", "rates", "quotas", "concurrent", "needs_approval")


def address(product: str, plan: str, act: str = "") -> str:
    """The page of one, or of something to do with it."""
    return reverse(f"console_plan_{act}" if act else "console_plan", args=[product, plan])


@require_safe
def one(request: HttpRequest, product: str, plan: str) -> HttpResponse:
    """One plan."""
    actor = allowed(request, Scope.READ)
    found = plans.get(actor, f"{product}/{plan}")
    subscribed = found.subscriptions.filter(removed_at=None)
    kinds = ", ".join(use.kind for use in policies.of_plan(actor, found.path))
    thing = Thing(
        title=found.title or found.path,
        back=(back(), (product, product_address(product))),
        facts=(
            (_("Name"), code(found.path)),
            (_("Product"), link(product, product_address(product))),
            (_("Rates"), text(", ".join(plans.rates(found)))),
            (_("Quotas"), text(", ".join(plans.quotas(found)))),
            (_("Calls at one time"), text(plans.concurrent(found))),
            (_("By approval"), text(_("yes") if found.needs_approval else _("no"))),
            (_("Policies"), text(kinds)),
            (_("Subscriptions"), number(subscribed.count())),
            (_("Made"), when(found.created_at)),
        ),
        acts=(
            Act(_("Change"), address(product, plan, "edit"), Scope.WRITE, "main"),
            Act(_("Policies"), reverse("console_policies", args=["plan", found.path])),
            Act(_("Delete"), address(product, plan, "delete"), Scope.WRITE, "danger"),
        ),
        parts=(subscribers(subscribed, f"{reverse('console_subscriptions')}?q={plan}"),),
    )
    return show(request, actor, thing)


@form_view
def new(request: HttpRequest, product: str) -> HttpResponse:
    """A new plan of a product."""
    actor = allowed(request, Scope.WRITE, "plan")
    products.get(actor, product)
    form_page = FormPage(
        _("New plan of %(name)s") % {"name": product},
        _("Make it"),
        (back(), (product, product_address(product))),
    )
    return carry_out(
        request,
        form_page,
        NewPlanForm(request.POST or None),
        lambda given: plans.create(actor, product=product, **given),
        lambda made: (_("The plan was made."), address(product, made.name)),
    )


@form_view
def edit(request: HttpRequest, product: str, plan: str) -> HttpResponse:
    """Change its title and limits; in force at once."""
    actor = allowed(request, Scope.WRITE, "plan")
    found = plans.get(actor, f"{product}/{plan}")
    form_page = FormPage(
        _("Change %(name)s") % {"name": found.path},
        _("Save"),
        (back(), (found.path, address(product, plan))),
        lead=_("Limits hold for all of its subscribers at once; what they have used stays."),
        hits=(hits.callers(actor, plan=found.path),),
    )
    return carry_out(
        request,
        form_page,
        PlanForm(request.POST or None, initial=_initial(found)),
        lambda given: plans.update(actor, found.path, **given),
        lambda _row: (_("Saved; it is in force."), address(product, plan)),
    )


def _initial(found: Plan) -> dict[str, Any]:
    return {
        "title": found.title,
        "rates": plans.rates(found),
        "quotas": plans.quotas(found),
        "concurrent": plans.concurrent(found),
        "needs_approval": found.needs_approval,
    }


@form_view
def delete(request: HttpRequest, product: str, plan: str) -> HttpResponse:
    """Delete one that nobody is subscribed to."""
    actor = allowed(request, Scope.WRITE, "plan")
    found = plans.get(actor, f"{product}/{plan}")
    subscribed = found.subscriptions.filter(removed_at=None)
    form_page = FormPage(
        _("Delete %(name)s") % {"name": found.path},
        _("Delete the plan"),
        (back(), (found.path, address(product, plan))),
        lead=_("It can be deleted once nobody is subscribed. This cannot be undone."),
        hits=(subscribers(subscribed, f"{reverse('console_subscriptions')}?q={plan}"),),
    )
    return confirmed(
        request,
        form_page,
        found.path,
        lambda: plans.delete(actor, found.path),
        (_("The plan was deleted."), product_address(product)),
    )
