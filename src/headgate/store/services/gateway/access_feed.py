"""Which access rows does a node not have yet? Pages of rows in the order of their change."""

from collections.abc import Callable
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models import Prefetch, QuerySet

from headgate.core.problems import Bug
from headgate.model.access import (
    PAGE_ROWS_MAX,
    AccessDelta,
    APIRow,
    ApplicationRow,
    BlockKind,
    BlockRow,
    CredentialKind,
    CredentialRow,
    GrantRow,
    PlanRow,
    RowState,
    SubscriptionRow,
)
from headgate.store.models import (
    AccessRequest,
    APIVersion,
    Application,
    Block,
    Credential,
    Installation,
    Plan,
    Product,
    Subscription,
)
from headgate.store.services import feed
from headgate.store.services.actor import Actor, Scope


class _Table(NamedTuple):
    name: str
    model: type[models.Model]
    rows: Callable[[], QuerySet[Any]]
    value: Callable[[Any], Any]


def generation() -> str:
    """The store's own name.

    Raises:
        Bug: the store was never set up.
    """
    installation = Installation.objects.first()
    if installation is None:
        raise Bug("the store has no generation: it was not set up")
    return installation.generation


def delta(
    actor: Actor, *, generation: str, after: int, limit: int = PAGE_ROWS_MAX
) -> AccessDelta | None:
    """At most `limit` rows that changed after `after`, oldest change first.

    None when there are none. A node that names another generation gets everything from the
    beginning, even when that is nothing.

    Raises:
        Problem: FORBIDDEN without the scope `node`.
    """
    actor.require(Scope.NODE)
    own = _generation()
    is_new = generation != own
    after = 0 if is_new else after
    last = feed.last_sequence()
    if last <= after and not is_new:
        return None
    # Rows that change while we read get numbers above `last` and come with the next page.
    found = {
        table.name: _after(table, after, last, limit + 1) if has_news else []
        for table, has_news in zip(_TABLES, _news(after), strict=True)
    }
    numbers = list(
        islice(merge(*([row.changed for row in rows] for rows in found.values())), limit + 1)
    )
    is_complete = len(numbers) <= limit
    upto = last if is_complete else numbers[limit - 1]
    rows = {
        name: tuple(row for row in values if row.changed <= upto) for name, values in found.items()
    }
    return AccessDelta(own, after, upto, is_complete, **rows)


_generation = generation


def _news(after: int) -> tuple[Any, ...]:
    """Which of the tables have rows that changed after `after`.

    One statement in place of one per table: a key that was made is live in half the time.
    """
    places = [table.model._meta.db_table for table in _TABLES]  # noqa: SLF001  # Django documents it
    some = [f"EXISTS(SELECT 1 FROM {place} WHERE changed > %s)" for place in places]  # noqa: S608  # names of our own tables
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(some)}", [after] * len(_TABLES))
        found: tuple[Any, ...] = cursor.fetchone()
    return found


def _after(table: _Table, after: int, last: int, limit: int) -> list[Any]:
    rows = table.rows().filter(changed__gt=after, changed__lte=last).order_by("changed")
    return [table.value(row) for row in rows[:limit]]


def _application(row: Application) -> ApplicationRow:
    return ApplicationRow(row.pk, row.changed, row.id, row.organization.id, row.state)


def _plan(row: Plan) -> PlanRow:
    return PlanRow(row.pk, row.changed, row.id, row.limits, row.state)


def _api(row: APIVersion) -> APIRow:
    products = tuple(sorted(product.pk for product in row.api.products.all()))
    return APIRow(row.pk, row.changed, products, row.is_open, row.state)


def _subscription(row: Subscription) -> SubscriptionRow:
    return SubscriptionRow(
        row.pk,
        row.changed,
        row.id,
        row.application_id,
        row.product_id,
        row.plan_id,
        row.state,
        row.expires_at,
    )


def _credential(row: tuple[Any, ...]) -> CredentialRow:
    pk, changed, id_, application, sha256, revoked_at, expires_at, kind, scopes = row
    state = RowState.ACTIVE if revoked_at is None else RowState.REVOKED
    kind = CredentialKind(kind)
    return CredentialRow(
        pk, changed, id_, application, sha256, state, expires_at, kind, tuple(scopes)
    )


def _block(row: Block) -> BlockRow:
    return BlockRow(
        row.pk, row.changed, BlockKind(row.kind), row.subject, row.expires_at, row.state
    )


def _grant(row: AccessRequest) -> GrantRow:
    if row.until is None:
        raise Bug(f"the grant {row.id} has no end")
    return GrantRow(row.pk, row.changed, row.application_id, row.mark_id, row.row_state, row.until)


def _credentials() -> QuerySet[Credential, tuple[Any, ...]]:
    # Tuples, not instances: a page of a million keys takes half the time.
    return Credential.objects.values_list(
        "pk",
        "changed",
        "id",
        "application_id",
        "sha256",
        "revoked_at",
        "expires_at",
        "kind",
        "scopes",
    )


def _apis() -> QuerySet[APIVersion]:
    live = Product.objects.filter(removed_at=None).only("pk")
    return APIVersion.objects.select_related("api").prefetch_related(
        Prefetch("api__products", queryset=live)
    )


_TABLES = (
    _Table(
        "applications",
        Application,
        lambda: Application.objects.select_related("organization"),
        _application,
    ),
    _Table("plans", Plan, Plan.objects.all, _plan),
    _Table("apis", APIVersion, _apis, _api),
    _Table("subscriptions", Subscription, Subscription.objects.all, _subscription),
    _Table("credentials", Credential, _credentials, _credential),
    _Table("blocks", Block, Block.objects.all, _block),
    _Table("grants", AccessRequest, AccessRequest.objects.all, _grant),
)
