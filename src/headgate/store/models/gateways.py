"""What is served, where? Gateways, their policies, revisions and nodes."""

import operator
from functools import reduce

from django.db import models
from django.db.models import CASCADE, PROTECT, Index, Q, UniqueConstraint

from headgate.store.models.catalog import APIVersion, Operation
from headgate.store.models.products import Plan, Product
from headgate.store.models.rows import (
    NAME_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    Row,
    live_unique,
)


class Gateway(Row):
    """An environment that APIs are published to: development, staging, production."""

    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    revision = models.BigIntegerField(default=0)  # the number that its nodes should serve
    revisions_made = models.BigIntegerField(default=0)  # the highest number ever given
    quota_divisor = models.BigIntegerField(default=0)  # see `access.shares`; 0: one node
    rate_nodes = models.BigIntegerField(default=1)  # see `access.shares.RateNodes`
    rates_shrink_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (live_unique("gateway_name", "name"),)


def _exactly_one(*names: str) -> Q:
    """Exactly one of these columns is set."""
    return reduce(
        operator.or_,
        (Q(**{f"{other}__isnull": other != name for other in names}) for name in names),
    )


class PolicyAttachment(models.Model):
    """A policy on exactly one of: a gateway, an API version, an operation, a product, a plan."""

    gateway = models.ForeignKey(
        Gateway, on_delete=CASCADE, null=True, blank=True, related_name="policies"
    )
    version = models.ForeignKey(
        APIVersion, on_delete=CASCADE, null=True, blank=True, related_name="policies"
    )
    operation = models.ForeignKey(
        Operation, on_delete=CASCADE, null=True, blank=True, related_name="policies"
    )
    product = models.ForeignKey(
        Product, on_delete=CASCADE, null=True, blank=True, related_name="policies"
    )
    plan = models.ForeignKey(
        Plan, on_delete=CASCADE, null=True, blank=True, related_name="policies"
    )
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=NAME_CHARACTERS_MAX)
    settings = models.JSONField(default=dict)

    class Meta:
        ordering = (
            "position",
            "pk",
        )
        constraints = (
            models.CheckConstraint(
                name="store_policy_one_target",
                condition=_exactly_one("gateway", "version", "operation", "product", "plan"),
            ),
        )


class APIRevision(models.Model):
    """An API version as it was compiled for publishing; never changed. `body`: SnapshotAPI.

    `contract`: the id that stands in it, empty where no call is validated.
    """

    row = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(APIVersion, on_delete=PROTECT, related_name="revisions")
    sha256 = models.CharField(max_length=64)
    body = models.BinaryField()
    contract = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(fields=["version", "sha256"], name="store_api_revision_content"),
        )


class Revision(models.Model):
    """An immutable published state of a gateway.

    `apis` maps version rows (as text: JSON keys) to rows of `APIRevision`; `policies` are the
    gateway's own, as [{kind, settings}]; `releases` are values of `model.release`; `secrets` maps
    the names of the secrets that the settings use to versions; `callers` are `CallerPolicies`.
    """

    gateway = models.ForeignKey(Gateway, on_delete=CASCADE, related_name="revisions")
    number = models.BigIntegerField()
    apis = models.JSONField(default=dict)
    policies = models.JSONField(default=list)
    releases = models.JSONField(default=list)
    secrets = models.JSONField(default=dict)
    callers = models.JSONField(default=list)
    note = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    actor = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(fields=["gateway", "number"], name="store_revision_number"),
        )


class Node(Row):
    """One machine of a gateway."""

    gateway = models.ForeignKey(Gateway, on_delete=PROTECT, related_name="nodes")
    name = models.CharField(max_length=NAME_CHARACTERS_MAX)

    class Meta:
        constraints = (live_unique("node_name", "name"),)


class NodeState(models.Model):
    """The last report of a node. `report` is NodeReport as JSON, without its counters."""

    node = models.OneToOneField(Node, on_delete=CASCADE, primary_key=True, related_name="state")
    received_at = models.DateTimeField()
    reported_at = models.DateTimeField()
    revision_seen = models.BigIntegerField()
    revision_live = models.BigIntegerField()
    revision_error = models.TextField(blank=True)
    envoy_state = models.CharField(max_length=16)
    report = models.JSONField()


class NodeCounter(models.Model):
    """The filter's counters of one row on one node, within one life of its table."""

    node = models.ForeignKey(Node, on_delete=CASCADE, related_name="counters")
    epoch = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    row = models.BigIntegerField()
    allowed = models.BigIntegerField()
    rejected = models.BigIntegerField()

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["node", "epoch", "kind", "row"], name="store_node_counter_row"
            ),
        )
        indexes = (Index(fields=["kind", "row"], name="store_node_counter_by_row"),)
