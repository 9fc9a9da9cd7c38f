"""What can be subscribed to? Products bundle APIs, plans limit their use."""

from typing import Any

from django.db import models
from django.db.models import PROTECT

from headgate.model.access import RowState
from headgate.model.codec import as_data, from_data
from headgate.model.limits import Limit
from headgate.store.models.catalog import API
from headgate.store.models.rows import (
    NAME_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    FeedRow,
    Row,
    live_unique,
)


class Product(Row):
    """APIs under one name, for consumers to subscribe to."""

    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    apis = models.ManyToManyField(API, related_name="products", blank=True)

    class Meta:
        constraints = (live_unique("product_name", "name"),)


class Plan(FeedRow):
    """Limits for the subscribers of a product, by slot (a slot keeps its counter).

    With `needs_approval`, an organization asks for it and an operator grants it.
    """

    product = models.ForeignKey(Product, on_delete=PROTECT, related_name="plans")
    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    slots = models.JSONField(default=list)
    needs_approval = models.BooleanField(default=False)

    class Meta:
        constraints = (live_unique("plan_name", "product", "name"),)

    @property
    def path(self) -> str:
        """`basic/free`: unambiguous, for people."""
        return f"{self.product.name}/{self.name}"

    @property
    def limits(self) -> tuple[Limit | None, ...]:
        """The limits by slot; None where a limit was taken away."""
        slots: list[dict[str, Any] | None] = self.slots
        return tuple(None if slot is None else from_data(Limit, slot) for slot in slots)

    def set_limits(self, limits: tuple[Limit | None, ...]) -> None:
        """Store `limits` by slot; saving is the caller's."""
        self.slots = [None if limit is None else as_data(limit) for limit in limits]

    @property
    def state(self) -> RowState:
        """As the gateway sees it."""
        return RowState.ACTIVE if self.removed_at is None else RowState.REMOVED
