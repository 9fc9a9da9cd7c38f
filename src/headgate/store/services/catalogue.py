"""What can a developer find here? APIs that are published, and the products that hold them.

Open to all, also to those who are not signed in: publishing an API is telling of it. What is not
published on any gateway is not shown, and neither is a product without a published API.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)

from headgate.model.lifecycle import Lifecycle
from headgate.store.models import API, APIVersion, Document, Operation, Plan, Product, Revision
from headgate.store.services import plans
from headgate.store.services.actor import not_found

WORDS_MAX = 8  # of a question; what follows is not looked for
QUESTION_CHARACTERS_MAX = 200
OPERATIONS_FOUND_MAX = 12
HEAVY = ("document__original_packed", "document__bundled_packed")


@dataclass(frozen=True, slots=True)
class Entry:
    """One API as the catalogue shows it. `versions`: those that are published, default first."""

    api: API
    versions: tuple[APIVersion, ...]
    operations: int
    products: tuple[Product, ...]

    @property
    def main(self) -> APIVersion:
        """The version that its plain name means, or the newest that is published."""
        return self.versions[0]

    @property
    def title(self) -> str:
        """What people call it."""
        return self.api.title or self.api.name

    @property
    def document(self) -> Document | None:
        """The document of the main version, without its text."""
        return getattr(self.main, "document", None)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as the catalogue shows it. `apis`: those that are published."""

    product: Product
    apis: tuple[API, ...]
    plans: tuple[Plan, ...]

    @property
    def title(self) -> str:
        """What people call it."""
        return self.product.title or self.product.name


def published() -> frozenset[int]:
    """The rows of the API versions that are live on some gateway and not retired."""
    live = Revision.objects.filter(
        gateway__removed_at=None, gateway__revision__gt=0, number=F("gateway__revision")
    )
    rows = {int(row) for apis in live.values_list("apis", flat=True) for row in apis}
    retired = APIVersion.objects.filter(lifecycle=Lifecycle.RETIRED).values_list("pk", flat=True)
    return frozenset(rows.difference(retired))


def is_published(version: APIVersion) -> bool:
    """Whether somebody outside may know of the version."""
    return version.pk in published()


def apis(live: frozenset[int], text: str = "") -> QuerySet[API]:
    """The published APIs that hold every word of `text`, the best first."""
    versions = APIVersion.objects.filter(pk__in=live, removed_at=None, api=OuterRef("pk"))
    rows = API.objects.filter(Exists(versions), removed_at=None)
    asked = question(text)
    for word in asked:
        rows = rows.filter(_holds(word, live))
    if not asked:
        return rows.order_by("title", "name")
    whole = " ".join(asked)
    rank = Case(
        When(Q(name__iexact=whole) | Q(title__iexact=whole), then=Value(0)),
        When(Q(name__istartswith=whole) | Q(title__istartswith=whole), then=Value(1)),
        When(Q(name__icontains=whole) | Q(title__icontains=whole), then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return rows.annotate(rank=rank).order_by("rank", "title", "name")


def entries(found: Iterable[API], live: frozenset[int]) -> list[Entry]:
    """What is shown of these APIs; the number of queries does not depend on how many they are."""
    versions = APIVersion.objects.filter(pk__in=live, removed_at=None).select_related("document")
    rows = list(found)
    known = API.objects.filter(pk__in=[api.pk for api in rows]).prefetch_related(
        Prefetch("versions", versions.defer(*HEAVY).order_by("-is_default", "-pk")),
        Prefetch("products", Product.objects.filter(removed_at=None).order_by("title", "name")),
    )
    by_row = {api.pk: api for api in known}
    main = {api.pk: next(iter(api.versions.all()), None) for api in by_row.values()}
    counted = dict(
        Operation.objects.filter(version__in=[v.pk for v in main.values() if v], removed_at=None)
        .values_list("version")
        .annotate(Count("pk"))
    )
    result = []
    for row in rows:
        api = by_row[row.pk]
        shown = tuple(api.versions.all())
        for version in shown:
            version.api = api
        if shown:
            number = counted.get(shown[0].pk, 0)
            result.append(Entry(api, shown, number, tuple(api.products.all())))
    return result


def operations(live: frozenset[int], text: str) -> list[Operation]:
    """Published operations that hold every word of `text`; at most `OPERATIONS_FOUND_MAX`."""
    asked = question(text)
    if not asked:
        return []
    rows = Operation.objects.filter(
        version__in=live, removed_at=None, version__removed_at=None, version__api__removed_at=None
    )
    for word in asked:
        rows = rows.filter(
            _operation_holds(word)
            | Q(version__api__name__icontains=word)
            | Q(version__api__title__icontains=word)
        )
    rows = rows.filter(_any_in_operation(asked))
    rows = rows.select_related("version__api").order_by("path", "method", "pk")
    return list(rows[:OPERATIONS_FOUND_MAX])


def products(live: frozenset[int], text: str = "") -> QuerySet[Product]:
    """The products that hold a published API, and every word of `text` in a name or title."""
    rows = Product.objects.filter(removed_at=None, apis__versions__in=live).distinct()
    for word in question(text):
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(title__icontains=word)
            | Q(apis__name__icontains=word, apis__versions__in=live)
            | Q(apis__title__icontains=word, apis__versions__in=live)
        )
    return rows.order_by("title", "name")


def offers(found: Sequence[Product], live: frozenset[int]) -> list[Offer]:
    """What is shown of these products: the published APIs, and all plans, the smallest first."""
    keys = [product.pk for product in found]
    shown = API.objects.filter(removed_at=None, versions__in=live).distinct()
    known = Product.objects.filter(pk__in=keys).prefetch_related(
        Prefetch("apis", shown.order_by("title", "name")),
        Prefetch("plans", Plan.objects.filter(removed_at=None).select_related("product")),
    )
    by_row = {product.pk: product for product in known}
    return [
        Offer(row, tuple(row.apis.all()), tuple(sorted(row.plans.all(), key=plans.generosity)))
        for row in (by_row[key] for key in keys)
    ]


def offer(name: str, live: frozenset[int]) -> Offer:
    """One product.

    Raises:
        Problem: NOT_FOUND, also where nothing of it is published.
    """
    found = products(live).filter(name=name).first()
    if found is None:
        raise not_found("product", name)
    return offers([found], live)[0]


def plans_of(product: Product) -> list[Plan]:
    """What a product can be subscribed to under, the smallest plan first."""
    rows = product.plans.filter(removed_at=None).select_related("product")
    return sorted(rows, key=plans.generosity)


def question(text: str) -> list[str]:
    """The words that are looked for."""
    return text.replace("\0", "")[:QUESTION_CHARACTERS_MAX].split()[:WORDS_MAX]


def _holds(word: str, live: frozenset[int]) -> Q:
    own = APIVersion.objects.filter(pk__in=live, api=OuterRef("pk"), removed_at=None)
    told = own.filter(document__words__icontains=word)
    done = Operation.objects.filter(
        _operation_holds(word), version__api=OuterRef("pk"), version__in=live, removed_at=None
    )
    return Q(name__icontains=word) | Q(title__icontains=word) | Exists(told) | Exists(done)


def _operation_holds(word: str) -> Q:
    return (
        Q(summary__icontains=word)
        | Q(path__icontains=word)
        | Q(id__icontains=word)
        | Q(method__iexact=word)
    )


def _any_in_operation(asked: Sequence[str]) -> Q:
    found = Q()
    for word in asked:
        found |= _operation_holds(word)
    return found
