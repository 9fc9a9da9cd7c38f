"""Which products are there? APIs bundled under one name, for consumers to subscribe to."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import API, APIVersion, Product
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.gateway import caller_policies, publishing
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    as_fields,
    check_name,
    check_text,
    invalid,
    page_of,
    refused,
)


def page(
    actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Product]:
    """Products in the order in which they were made; every reader sees them."""
    actor.require(Scope.READ)
    rows = Product.objects.filter(removed_at=None).prefetch_related("apis", "plans")
    return page_of(rows, cursor, limit)


def get(actor: Actor, name: str) -> Product:
    """One product.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require(Scope.READ)
    return find(name)


def api_names(product: Product) -> list[str]:
    """The names of the product's APIs, sorted."""
    return sorted(api.name for api in product.apis.all() if api.removed_at is None)


@change()
def create(actor: Actor, *, name: str, title: str = "", apis: Sequence[str] = ()) -> Product:
    """A new product with these APIs.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND: an API; INVALID_INPUT;
            ALREADY_EXISTS.
    """
    actor.require_operator(Scope.WRITE, "product")
    check_name(name)
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    if Product.objects.filter(name=name, removed_at=None).exists():
        raise already_exists("a product", name)
    product = Product.objects.create(id=new_id("prd"), created_at=actor.at, name=name, title=title)
    _set_apis(product, apis)
    audit.record(actor, Action.PRODUCT_CREATED, name, after=fields(product))
    return product


@change()
def update(
    actor: Actor,
    name: str,
    *,
    title: str | None = None,
    apis: Sequence[str] | None = None,
) -> Product:
    """Change what is not None; `apis` replaces the whole list. Takes effect at once.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT; CONFLICT: the
            product's policies, or those of a plan, cannot hold for an API.
    """
    actor.require_operator(Scope.WRITE, "product")
    product = find(name)
    before = fields(product)
    if title is not None:
        check_text(title, TITLE_CHARACTERS_MAX, "/title")
        product.title = title
        product.save()
    if apis is not None:
        _set_apis(product, apis)
    after = fields(product)
    if after["apis"] != before["apis"] and caller_policies.is_attached(product):
        publishing.refresh_callers(actor)
    if after != before:
        audit.record(actor, Action.PRODUCT_CHANGED, name, before=before, after=after)
    return product


@change()
def delete(actor: Actor, name: str) -> None:
    """Delete a product that nobody is subscribed to, with its plans.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: it has subscribers.
    """
    actor.require_operator(Scope.WRITE, "product")
    product = find(name)
    subscriber = product.subscriptions.filter(removed_at=None).first()
    if subscriber is not None:
        raise refused(
            phrase(
                "'{application}' is subscribed to the product '{product}'.",
                application=subscriber.application.path,
                product=name,
            ),
            "Cancel its subscriptions first.",
        )
    before = fields(product)
    has_policies = caller_policies.is_attached(product)
    _set_apis(product, ())
    plans = product.plans.filter(removed_at=None)
    feed.touch(list(plans))
    plans.update(removed_at=actor.at)
    product.removed_at = actor.at
    product.save()
    if has_policies:
        publishing.refresh_callers(actor)
    audit.record(actor, Action.PRODUCT_DELETED, name, before=before)


def visible(actor: Actor) -> QuerySet[Product]:
    """The products that the actor may know of: all of them."""
    actor.require(Scope.READ)
    return Product.objects.filter(removed_at=None)


def find(name: str) -> Product:
    """One product.

    Raises:
        Problem: NOT_FOUND.
    """
    product = Product.objects.filter(name=name, removed_at=None).first()
    if product is None:
        raise not_found("product", name)
    return product


def fields(product: Product) -> dict[str, Any]:
    """What the audit log keeps of a product."""
    return as_fields(product, "id", "name", "title") | {"apis": api_names(product)}


def _set_apis(product: Product, names: Sequence[str]) -> None:
    """Make `names` the product's APIs; the gateway rows of those that change follow."""
    found = {api.name: api for api in API.objects.filter(name__in=names, removed_at=None)}
    for index, name in enumerate(names):
        if name not in found:
            raise invalid(phrase("There is no API '{name}'.", name=name), f"/apis/{index}")
    before = set(product.apis.values_list("pk", flat=True))
    after = {api.pk for api in found.values()}
    product.apis.set(after)
    feed.touch(list(APIVersion.objects.filter(api__in=before ^ after, removed_at=None)))
