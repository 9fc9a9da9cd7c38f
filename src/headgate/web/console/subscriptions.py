"""Who is subscribed to what, and what can be done with a subscription?"""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Plan, Subscription
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import products
from headgate.store.services.consumers import applications, subscriptions
from headgate.store.services.values import UNSET
from headgate.web.console import hits
from headgate.web.console.organizations import state, suspended_filter
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    carry_out,
    code,
    link,
    listed,
    show,
    when,
)
from headgate.web.site.choosing import Choosable, RowField, offer_rows
from headgate.web.site.forms import DayField, SiteForm, end_of, form_view, last_day
from headgate.web.site.listing import Column, Filter, Listing


class SubscribeForm(SiteForm):
    """Which plan, and until when."""

    names = {"expires_at": "until"}  # noqa: RUF012  # a ClassVar of the base

    plan = RowField(label=gettext_lazy("Plan"))
    until = DayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("It ends with this day (UTC). Empty: it does not end."),
    )


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Subscriptions"), reverse("console_subscriptions")


def _plans(actor: Actor, product: str = "") -> Choosable[Plan]:
    rows = Plan.objects.filter(removed_at=None, product__in=products.visible(actor))
    if product:
        rows = rows.filter(product__name=product)
    return Choosable(
        "plan",
        rows.select_related("product").order_by("product__name", "name"),
        ("name", "title", "product__name", "product__title"),
        value=lambda row: row.path,
        by=_of_path,
        title=lambda row: f"{row.path} – {row.title}" if row.title else row.path,
    )


def _of_path(path: str) -> Q:
    product, _slash, name = path.partition("/")
    return Q(product__name=product, name=name)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All subscriptions."""
    actor = allowed(request, Scope.READ)
    names = tuple(products.visible(actor).order_by("name").values_list("name", flat=True)[:200])
    listing: Listing[Subscription] = Listing(
        name="subscriptions",
        columns=(
            Column(
                "id",
                _("Subscription"),
                lambda row: (row.id, reverse("console_subscription", args=[row.id])),
                "link",
            ),
            hits.application_column(lambda row: row.application, "application"),
            Column(
                "plan",
                _("Plan"),
                lambda row: (
                    row.plan.path,
                    reverse("console_plan", args=[row.product.name, row.plan.name]),
                ),
                "link",
                "plan__name",
            ),
            Column("state", _("State"), lambda row: state(is_suspended=row.is_suspended), "badge"),
            Column("until", _("Until"), lambda row: row.expires_at, "instant", "expires_at"),
            Column("created", _("Since"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=(
            "id",
            "application__name",
            "application__organization__name",
            "product__name",
            "plan__name",
        ),
        filters=(
            Filter(
                "product",
                _("Product"),
                tuple((name, name) for name in names),
                lambda value: Q(product__name=value),
            ),
            suspended_filter(),
        ),
    )
    return listed(
        request,
        actor,
        listing,
        subscriptions.visible(actor),
        title=_("Subscriptions"),
        empty=_("Nobody is subscribed yet: open an application and subscribe it to a plan."),
    )


@require_safe
def one(request: HttpRequest, subscription: str) -> HttpResponse:
    """One subscription."""
    actor = allowed(request, Scope.READ)
    found = subscriptions.get(actor, subscription)
    at = [subscription]
    plan = [found.product.name, found.plan.name]
    thing = Thing(
        title=f"{found.application.path} → {found.plan.path}",
        back=(back(),),
        badges=(state(is_suspended=found.is_suspended),),
        facts=(
            (_("Id"), code(found.id)),
            (_("Application"), hits.application_cell(found.application.path)),
            (_("Plan"), link(found.plan.path, reverse("console_plan", args=plan))),
            (_("Since"), when(found.created_at)),
            (_("Until"), when(found.expires_at)),
        ),
        acts=(
            Act(_("Change"), reverse("console_subscription_edit", args=at), Scope.KEYS, "main"),
            hits.events_of(subscription),
            Act(
                _("Resume") if found.is_suspended else _("Suspend"),
                reverse("console_subscription_suspend", args=at),
                Scope.KEYS,
            ),
            Act(
                _("Cancel it"),
                reverse("console_subscription_cancel", args=at),
                Scope.KEYS,
                "danger",
            ),
        ),
    )
    return show(request, actor, thing)


@form_view
def new(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Subscribe an application."""
    actor = allowed(request, Scope.KEYS, "subscription")
    owner = applications.get(actor, f"{organization}/{name}")
    then = reverse("console_application", args=[organization, name])
    form = SubscribeForm(request.POST or None)
    offer_rows(request, form, "plan", _plans(actor))
    return carry_out(
        request,
        FormPage(
            _("Subscribe %(name)s") % {"name": owner.path}, _("Subscribe"), ((owner.path, then),)
        ),
        form,
        lambda given: subscriptions.create(
            actor,
            application=owner.path,
            plan=given["plan"].path,
            expires_at=end_of(given["until"]),
        ),
        lambda made: (_("It is subscribed to %(plan)s.") % {"plan": made.plan.path}, then),
    )


@form_view
def edit(request: HttpRequest, subscription: str) -> HttpResponse:
    """Another plan of the product, another end."""
    actor = allowed(request, Scope.KEYS, "subscription")
    found = subscriptions.get(actor, subscription)
    at = reverse("console_subscription", args=[subscription])
    initial = {"plan": found.plan.path, "until": last_day(found.expires_at)}
    form = SubscribeForm(request.POST or None, initial=initial)
    offer_rows(request, form, "plan", _plans(actor, found.product.name))

    def act(given: dict[str, Any]) -> Subscription:
        is_moved = "until" in form.changed_data  # what is set to the second stays so otherwise
        until = end_of(given["until"]) if is_moved else UNSET
        return subscriptions.update(actor, subscription, plan=given["plan"].path, expires_at=until)

    return carry_out(
        request,
        FormPage(
            _("Change the subscription"),
            _("Save"),
            (back(), (found.application.path, at)),
            lead=_("A limit of the same kind and window keeps what was used of it."),
        ),
        form,
        act,
        lambda _row: (_("Saved."), at),
    )


@form_view
def suspend(request: HttpRequest, subscription: str) -> HttpResponse:
    """Close it for a while, or open it again."""
    actor = allowed(request, Scope.KEYS, "subscription")
    found = subscriptions.get(actor, subscription)
    at = reverse("console_subscription", args=[subscription])
    is_on = not found.is_suspended
    title = _("Suspend %(name)s") if is_on else _("Resume %(name)s")
    name = f"{found.application.path} → {found.plan.path}"
    form_page = FormPage(
        title % {"name": name},
        _("Suspend") if is_on else _("Resume"),
        (back(), (name, at)),
        lead=_("Calls of the product's APIs are refused at once, until you resume it.")
        if is_on
        else _("Calls of the product's APIs are let through again at once."),
        is_danger=is_on,
        hits=(_callers(actor, found),) if is_on else (),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: subscriptions.update(actor, subscription, is_suspended=is_on),
        lambda _row: (_("It is suspended.") if is_on else _("It is active again."), at),
    )


@form_view
def cancel(request: HttpRequest, subscription: str) -> HttpResponse:
    """End it at once."""
    actor = allowed(request, Scope.KEYS, "subscription")
    found = subscriptions.get(actor, subscription)
    at = reverse("console_subscription", args=[subscription])
    name = f"{found.application.path} → {found.plan.path}"
    form_page = FormPage(
        _("Cancel %(name)s") % {"name": name},
        _("Cancel the subscription"),
        (back(), (name, at)),
        lead=_("Calls of the product's APIs are refused at once. It can be subscribed again."),
        is_danger=True,
        hits=(_callers(actor, found),),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: subscriptions.cancel(actor, subscription),
        lambda _done: (_("The subscription is cancelled."), back()[1]),
    )


def _callers(actor: Actor, found: Subscription) -> Part:
    return hits.callers(actor, application=found.application.path, plan=found.plan.path)
