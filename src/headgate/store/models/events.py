"""What happened, who is to be told of it, and how far is that?"""

from django.db import models
from django.db.models import CASCADE, PROTECT, Index, Q, UniqueConstraint

from headgate.store.models.consumers import Organization, Team
from headgate.store.models.gateways import Node
from headgate.store.models.rows import ID_CHARACTERS, TITLE_CHARACTERS_MAX, Row

KIND_CHARACTERS_MAX = 40
URL_CHARACTERS_MAX = 2_000
MARK_CHARACTERS_MAX = 200


class Event(models.Model):
    """One thing that happened, as `model.events` says. Never changed."""

    row = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=ID_CHARACTERS, unique=True)
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=KIND_CHARACTERS_MAX)
    organization = models.ForeignKey(Organization, on_delete=PROTECT, null=True, blank=True)
    subject = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = (Index(fields=["organization", "row"], name="store_event_by_organization"),)


class EventMark(models.Model):
    """Something that is told once: the mark stays for as long as it could come up again."""

    name = models.CharField(max_length=MARK_CHARACTERS_MAX, unique=True)
    forget_at = models.DateTimeField(db_index=True)


class QuotaUse(models.Model):
    """What a node said that a subscription has used of a quota in one window, within one life of
    its table.
    """

    node = models.ForeignKey(Node, on_delete=CASCADE, related_name="quota_uses")
    epoch = models.CharField(max_length=64)
    subscription = models.BigIntegerField()  # row
    slot = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    used = models.BigIntegerField()
    is_refused = models.BooleanField(default=False)
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["subscription", "slot", "index", "node", "epoch"],
                name="store_quota_use_place",
            ),
        )


class Webhook(Row):
    """Where events are sent. `kinds`: which; none: all. `organization`: whose; none: operators'.
    `team`: only what is about one of its applications.

    `sealed` is the secret, `previous_sealed` the one before, good until `previous_until`.
    `failing_since`: when the first attempt failed after the last that did not. `dropped` counts
    deliveries that were not made because too many waited.
    """

    organization = models.ForeignKey(
        Organization, on_delete=PROTECT, null=True, blank=True, related_name="webhooks"
    )
    team = models.ForeignKey(
        Team, on_delete=PROTECT, null=True, blank=True, related_name="webhooks"
    )
    url = models.CharField(max_length=URL_CHARACTERS_MAX)
    description = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    kinds = models.JSONField(default=list)
    allow_private = models.BooleanField(default=False)
    sealed = models.BinaryField()
    previous_sealed = models.BinaryField(default=b"")
    previous_until = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    dropped = models.BigIntegerField(default=0)

    class Meta:
        indexes = (
            Index(fields=["organization"], condition=Q(removed_at=None), name="store_webhook_live"),
        )


class Delivery(models.Model):
    """One event on its way to one webhook. `attempts`: the last ones, `alerts.webhooks.Attempt`."""

    row = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=ID_CHARACTERS, unique=True)
    webhook = models.ForeignKey(Webhook, on_delete=CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=CASCADE, related_name="deliveries")
    state = models.CharField(max_length=16)
    tries = models.PositiveSmallIntegerField(default=0)
    attempts = models.JSONField(default=list)
    due_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        constraints = (UniqueConstraint(fields=["webhook", "event"], name="store_delivery_once"),)
        indexes = (
            Index(fields=["state", "due_at"], name="store_delivery_due"),
            Index(fields=["webhook", "state", "due_at"], name="store_delivery_of_webhook"),
        )
