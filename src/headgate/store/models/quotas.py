"""Who holds which part of a quota that nodes share?"""

from django.db import models
from django.db.models import CASCADE, Index, UniqueConstraint

from headgate.model.leases import DIVISOR_NOTHING
from headgate.store.models.gateways import Node


class QuotaHolder(models.Model):
    """A node within one life of its access table.

    `divisor` is what it said that it has, `offered` what it was told last: what counts is the
    larger part. A holder that ended keeps its parts until the windows that it knew are over.
    `since`: in windows that began earlier it has nothing but leases.
    """

    node = models.ForeignKey(Node, on_delete=CASCADE, related_name="quota_holders")
    epoch = models.CharField(max_length=64)
    divisor = models.BigIntegerField(default=DIVISOR_NOTHING)
    offered = models.BigIntegerField(default=DIVISOR_NOTHING)
    since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (UniqueConstraint(fields=["node", "epoch"], name="store_quota_holder_life"),)


class QuotaLease(models.Model):
    """What one holder may let pass of one subscription's quota in one window.

    `version` grows with every change: an answer to an older recall says nothing any more.
    """

    holder = models.ForeignKey(QuotaHolder, on_delete=CASCADE, related_name="leases")
    subscription = models.BigIntegerField()  # row
    slot = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()  # of the calendar window
    granted = models.BigIntegerField()
    version = models.PositiveIntegerField(default=1)
    is_recalled = models.BooleanField(default=False)
    is_spent = models.BooleanField(default=False)
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["subscription", "slot", "index", "holder"], name="store_quota_lease_place"
            ),
        )
        indexes = (Index(fields=["holder", "is_recalled"], name="store_quota_recalled"),)
