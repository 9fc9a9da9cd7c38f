"""What can a developer find here? APIs that are published, and the products that hold them.

Open to all, also to those who are not signed in: publishing an API is telling of it. What is not
published on any gateway is not shown, and neither is a product without a published API.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)

from headgate.model.lifecycle import Lifecycle
from headgate.store.models import API, APIVersion, Document, Operation, Plan, Product, Revision
from headgate.store.services.actor import not_found
from headgate.store.services.catalog import plans

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
    shown = _apis_of(live)
    asked = question(text)
    found = set(shown.values())
    for word in asked:
        found &= _named(word).union(shown[row] for row in _holding(word) if row in shown)
    rows = API.objects.filter(pk__in=found)
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
    shown = _apis_of(live)
    named = [_named(word).intersection(shown.values()) for word in asked]
    for word, found in zip(asked, named, strict=True):
        of_named = Q(version__in=[row for row, api in shown.items() if api in found])
        rows = rows.filter(_operation_holds(word) | of_named if found else _operation_holds(word))
    if all(named):  # or an operation holds one of the words already
        rows = rows.filter(_any_in_operation(asked))
    rows = rows.select_related("version__api").order_by("path", "method", "pk")
    return list(rows[:OPERATIONS_FOUND_MAX])


def products(live: frozenset[int], text: str = "") -> QuerySet[Product]:
    """The products that hold a published API, and every word of `text` in a name or title."""
    shown = set(_apis_of(live).values())
    bundled = Product.apis.through.objects
    rows = Product.objects.filter(
        pk__in=bundled.filter(api__in=shown).values("product"), removed_at=None
    )
    for word in question(text):
        holding = bundled.filter(api__in=shown & _named(word)).values("product")
        rows = rows.filter(Q(name__icontains=word) | Q(title__icontains=word) | Q(pk__in=holding))
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


def _apis_of(live: frozenset[int]) -> dict[int, int]:
    """The rows of the APIs of these versions, by the rows of the versions."""
    rows = APIVersion.objects.filter(pk__in=live, removed_at=None, api__removed_at=None)
    return dict(rows.values_list("pk", "api"))


def _named(word: str) -> set[int]:
    """The rows of the APIs with a word in their name or title, published or not."""
    rows = API.objects.filter(Q(name__icontains=word) | Q(title__icontains=word))
    return set(rows.values_list("pk", flat=True))


def _holding(word: str) -> set[int]:
    """The rows of the versions with a word in their documents or operations, published or not.

    Two scans, whatever is published: asked once for each API, they took seconds among thousands.
    """
    told = Document.objects.filter(words__icontains=word).values_list("version", flat=True)
    done = Operation.objects.filter(_operation_holds(word), removed_at=None)
    return {*told, *done.values_list("version", flat=True).distinct()}


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
