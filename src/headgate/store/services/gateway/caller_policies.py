"""Which policies are attached to products and plans, and for which published APIs?

They take effect as those of a gateway do: at once, as a new revision of each gateway concerned.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db.models import Q

from headgate.model.codec import as_data, from_data
from headgate.model.snapshot import CallerPolicies, PolicyUse
from headgate.store.models import APIVersion, PolicyAttachment, Product, Revision


def as_edited(versions: Iterable[int]) -> tuple[CallerPolicies, ...]:
    """What is attached to products that one of the published `versions` stands in, and to their
    plans: a product's before those of its plans."""
    rows = PolicyAttachment.objects.filter(
        Q(product__isnull=False, product__removed_at=None)
        | Q(plan__isnull=False, plan__removed_at=None, plan__product__removed_at=None)
    ).select_related("product", "plan__product")
    found: dict[tuple[int, int], CallerPolicies] = {}
    for row in rows:
        use = PolicyUse(row.kind, row.settings)
        if row.plan is not None:
            key, name = (row.plan.product_id, row.plan.pk), row.plan.path
        elif row.product is not None:
            key, name = (row.product.pk, 0), row.product.name
        else:
            continue
        known = found.get(key) or CallerPolicies(*key, name, (), ())
        found[key] = replace(known, policies=(*known.policies, use))
    return _placed((found[key] for key in sorted(found)), versions)


def as_in(revision: Revision, versions: Iterable[int]) -> tuple[CallerPolicies, ...]:
    """What is attached in a revision, for the `versions` that stand in those products today."""
    return _placed(in_revision(revision), versions)


def in_revision(revision: Revision) -> tuple[CallerPolicies, ...]:
    """What is attached in a revision."""
    return tuple(from_data(CallerPolicies, one) for one in revision.callers)


def data(callers: Iterable[CallerPolicies]) -> list[Any]:
    """As a revision holds them."""
    return [as_data(one) for one in callers]


def is_attached(product: Product) -> bool:
    """Whether the product, or a plan of it, has policies."""
    own = Q(product=product) | Q(plan__product=product, plan__removed_at=None)
    return PolicyAttachment.objects.filter(own).exists()


def _placed(
    callers: Iterable[CallerPolicies], versions: Iterable[int]
) -> tuple[CallerPolicies, ...]:
    listed = list(callers)
    if not listed:
        return ()
    apis: defaultdict[int, list[int]] = defaultdict(list)
    rows = APIVersion.objects.filter(pk__in=list(versions)).order_by("pk")
    for product, version in rows.values_list("api__products__pk", "pk"):
        apis[product].append(version)
    placed = (replace(one, apis=tuple(apis.get(one.product, ()))) for one in listed)
    return tuple(one for one in placed if one.apis)
