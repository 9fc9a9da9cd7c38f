"""How are products and plans read, made, changed and taken away by configuration?"""

from collections.abc import Iterator
from typing import Any, ClassVar

from headgate.model.codec import as_data, from_data
from headgate.model.snapshot import PolicyUse
from headgate.store.models import Plan, PolicyAttachment, Product
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import plans, products
from headgate.store.services.configuration.publications import Publications
from headgate.store.services.configuration.sources import Fields
from headgate.store.services.gateway import policies


class Products:
    """Products with the names of their APIs, and policies."""

    name: ClassVar[str] = "product"

    def __init__(self, publications: Publications) -> None:
        self._publications = publications

    def present(self) -> Iterator[tuple[str, Fields]]:
        rows = Product.objects.filter(removed_at=None).order_by("name")
        for row in rows.prefetch_related("apis", "policies"):
            yield (
                row.name,
                {
                    "title": row.title,
                    "apis": products.api_names(row),
                    "policies": _data(row.policies.all()),
                },
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        own = {field: value for field, value in fields.items() if field != "policies"}
        products.create(actor, name=name, **own)
        self._attach(actor, name, fields)

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        own = {field: value for field, value in fields.items() if field != "policies"}
        products.update(actor, name, **own)
        self._attach(actor, name, fields)

    def delete(self, actor: Actor, name: str) -> None:
        products.delete(actor, name)

    def _attach(self, actor: Actor, name: str, fields: Fields) -> None:
        if "policies" in fields:
            uses = _uses(fields["policies"])
            policies.set_product(actor, name, uses, pointer="/policies", is_put_in_force=False)
            self._publications.change_callers()


class Plans:
    """Plans, named `product/plan`."""

    name: ClassVar[str] = "plan"

    def __init__(self, publications: Publications) -> None:
        self._publications = publications

    def present(self) -> Iterator[tuple[str, Fields]]:
        rows = Plan.objects.filter(removed_at=None).select_related("product")
        for row in rows.order_by("product__name", "name").prefetch_related("policies"):
            yield (
                row.path,
                {
                    "title": row.title,
                    "rates": sorted(plans.rates(row)),
                    "quotas": sorted(plans.quotas(row)),
                    "concurrent": plans.concurrent(row),
                    "needs_approval": row.needs_approval,
                    "policies": _data(row.policies.all()),
                },
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        product, _, plan = name.partition("/")
        own = {field: value for field, value in fields.items() if field != "policies"}
        plans.create(actor, product=product, name=plan, **own)
        self._attach(actor, name, fields)

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        own = {field: value for field, value in fields.items() if field != "policies"}
        plans.update(actor, name, **own)
        self._attach(actor, name, fields)

    def delete(self, actor: Actor, name: str) -> None:
        plans.delete(actor, name)

    def _attach(self, actor: Actor, name: str, fields: Fields) -> None:
        if "policies" in fields:
            uses = _uses(fields["policies"])
            policies.set_plan(actor, name, uses, pointer="/policies", is_put_in_force=False)
            self._publications.change_callers()


def _data(rows: Any) -> list[Any]:
    attached: list[PolicyAttachment] = list(rows)
    return [as_data(PolicyUse(row.kind, row.settings)) for row in attached]


def _uses(items: Any) -> list[PolicyUse]:
    return [from_data(PolicyUse, item) for item in items]
