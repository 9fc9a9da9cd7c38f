"""Which products are there, what is in them, and who is subscribed?"""

from typing import Any

from django import forms
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import API, Plan, Product, Subscription
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import apis, plans, products
from headgate.store.services.gateway import policies
from headgate.store.services.values import count_of
from headgate.web.console import hits
from headgate.web.console.pages import (
    Act,
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
from headgate.web.site.choosing import CHOICES_MAX
from headgate.web.site.forms import LinesField, NameField, SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing, counted


class ProductForm(SiteForm):
    """What people read of it, and which APIs it opens."""

    title = forms.CharField(label=gettext_lazy("Title"), required=False)
    apis = forms.MultipleChoiceField(
        label=gettext_lazy("APIs"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, names: list[str], *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        if len(names) > CHOICES_MAX:
            self.fields["apis"] = LinesField(
                label=_("APIs"), required=False, rows=10, help_text=_("Their names, one a line.")
            )
            return
        self.offer("apis", [(name, name) for name in names])
        if not names:
            self.fields["apis"].help_text = _("There is no API yet.")


class NewProductForm(ProductForm):
    """With a name that stays."""

    name = NameField()
    field_order = ("name", "title", "apis")


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Products and plans"), reverse("console_products")


def address(name: str, act: str = "") -> str:
    """The page of one, or of something to do with it."""
    return reverse(f"console_product_{act}" if act else "console_product", args=[name])


def _names(actor: Actor) -> list[str]:
    names = apis.visible(actor).order_by("name").values_list("name", flat=True)
    return list(names[: CHOICES_MAX + 1])


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All products with their plans."""
    actor = allowed(request, Scope.READ)
    live_apis = API.objects.filter(removed_at=None).order_by("name")
    live_plans = Plan.objects.filter(removed_at=None).order_by("name")
    subscribed = Subscription.objects.filter(removed_at=None)
    rows = (
        products.visible(actor)
        .prefetch_related(Prefetch("apis", live_apis), Prefetch("plans", live_plans))
        .annotate(subscriptions_count=count_of(subscribed, "product"))
    )
    listing: Listing[Product] = Listing(
        name="products",
        columns=(
            Column("name", _("Name"), lambda row: (row.name, address(row.name)), "link", "name"),
            Column("title", _("Title"), lambda row: row.title or None, sort="title"),
            Column("apis", _("APIs"), lambda row: ", ".join(api.name for api in row.apis.all())),
            Column("plans", _("Plans"), lambda row: ", ".join(p.name for p in row.plans.all())),
            counted("subscriptions", _("Subscriptions")),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "title"),
        filters=(
            Filter(
                "plans",
                _("Plans"),
                (("none", _("without plans")), ("some", _("with plans"))),
                lambda value: (
                    Q(pk__in=live_plans.values("product"))
                    if value == "some"
                    else ~Q(pk__in=live_plans.values("product"))
                ),
            ),
        ),
        order="name",
    )
    return listed(
        request,
        actor,
        listing,
        rows,
        title=_("Products and plans"),
        lead=_("Consumers subscribe to a plan of a product; a product opens APIs."),
        empty=_("No product yet. Make one, put APIs into it, and give it a plan."),
        acts=(Act(_("New product"), reverse("console_product_new"), Scope.WRITE, "main"),),
    )


@require_safe
def one(request: HttpRequest, product: str) -> HttpResponse:
    """One product: its APIs, its plans, and who is subscribed."""
    actor = allowed(request, Scope.READ)
    found = products.get(actor, product)
    subscribed = found.subscriptions.filter(removed_at=None)
    thing = Thing(
        title=found.title or found.name,
        back=(back(),),
        facts=(
            (_("Name"), code(found.name)),
            (_("Id"), code(found.id)),
            (_("Made"), when(found.created_at)),
            (_("Subscriptions"), number(subscribed.count())),
            (
                _("Policies"),
                text(", ".join(use.kind for use in policies.of_product(actor, product)) or None),
            ),
        ),
        acts=(
            Act(_("New plan"), reverse("console_plan_new", args=[product]), Scope.WRITE, "main"),
            Act(_("Change"), address(product, "edit"), Scope.WRITE),
            Act(_("Policies"), reverse("console_policies", args=["product", product])),
            Act(_("Delete"), address(product, "delete"), Scope.WRITE, "danger"),
        ),
        parts=(
            _plans(found),
            Part(
                _("APIs"),
                (_("Name"),),
                [
                    [link(name, reverse("console_api", args=[name]))]
                    for name in products.api_names(found)
                ],
                _("None: its subscribers can call nothing yet."),
                (Act(_("Choose"), address(product, "edit"), Scope.WRITE),),
            ),
            subscribers(subscribed, f"{reverse('console_subscriptions')}?product={product}"),
        ),
    )
    return show(request, actor, thing)


def _plans(found: Product) -> Part:
    counted = count_of(Subscription.objects.filter(removed_at=None), "plan")
    rows = found.plans.filter(removed_at=None).annotate(subscribed=counted).order_by("name")
    return Part(
        _("Plans"),
        (_("Name"), _("Title"), _("Limits"), _("Subscriptions")),
        [
            [
                link(row.name, reverse("console_plan", args=[found.name, row.name])),
                text(row.title),
                text(", ".join(plans.limits(row)) or _("no limits")),
                number(row.subscribed),
            ]
            for row in rows
        ],
        _("None: nobody can subscribe yet."),
        (Act(_("New plan"), reverse("console_plan_new", args=[found.name]), Scope.WRITE),),
    )


def subscribers(rows: Any, more: str) -> Part:
    """Who is subscribed, the newest first."""
    rows = rows.select_related("application__organization", "plan").order_by("-pk")[:20]
    return Part(
        _("Subscribed applications"),
        (_("Application"), _("Plan"), _("Since")),
        [
            [
                hits.application_cell(row.application.path),
                text(row.plan.name),
                when(row.created_at),
            ]
            for row in rows
        ],
        _("Nobody yet."),
        more=(_("All subscriptions"), more),
    )


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make one."""
    actor = allowed(request, Scope.WRITE, "product")
    return carry_out(
        request,
        FormPage(_("New product"), _("Make it"), (back(),)),
        NewProductForm(_names(actor), request.POST or None),
        lambda given: products.create(actor, **given),
        lambda made: (_("The product was made. Give it a plan."), address(made.name)),
    )


@form_view
def edit(request: HttpRequest, product: str) -> HttpResponse:
    """Its title and its APIs; in force at once."""
    actor = allowed(request, Scope.WRITE, "product")
    found = products.get(actor, product)
    initial = {"title": found.title, "apis": products.api_names(found)}
    names = sorted({*_names(actor), *products.api_names(found)})
    return carry_out(
        request,
        FormPage(
            _("Change %(name)s") % {"name": product},
            _("Save"),
            (back(), (product, address(product))),
            lead=_("Which APIs its subscribers may call changes at once, without publishing."),
        ),
        ProductForm(names, request.POST or None, initial=initial),
        lambda given: products.update(actor, product, **given),
        lambda row: (_("Saved; it is in force."), address(row.name)),
    )


@form_view
def delete(request: HttpRequest, product: str) -> HttpResponse:
    """Delete one that nobody is subscribed to."""
    actor = allowed(request, Scope.WRITE, "product")
    found = products.get(actor, product)
    subscribed = found.subscriptions.filter(removed_at=None)
    form_page = FormPage(
        _("Delete %(name)s") % {"name": product},
        _("Delete the product"),
        (back(), (product, address(product))),
        lead=_("It goes with its plans, once nobody is subscribed. This cannot be undone."),
        hits=(subscribers(subscribed, f"{reverse('console_subscriptions')}?product={product}"),),
    )
    return confirmed(
        request,
        form_page,
        product,
        lambda: products.delete(actor, product),
        (_("The product was deleted."), back()[1]),
    )
