"""Who did what, with which right, and which number comes next?"""

from django.db import models
from django.db.models import CASCADE, Index, UniqueConstraint

from headgate.model.access import RowState
from headgate.model.tokens import ISSUER_CHARACTERS_MAX
from headgate.store.models.consumers import (
    PREFIX_CHARACTERS,
    SHA256_HEX_CHARACTERS,
    Organization,
    Team,
)
from headgate.store.models.gateways import Node
from headgate.store.models.rows import (
    DESCRIPTION_CHARACTERS_MAX,
    ID_CHARACTERS,
    TITLE_CHARACTERS_MAX,
    FeedRow,
    Row,
)

SUBJECT_CHARACTERS_MAX = 64  # a network in IPv6 notation, or an id


class Block(FeedRow):
    """A refusal that ends by itself. Rows stay for a day after their end, then are deleted."""

    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=SUBJECT_CHARACTERS_MAX)
    reason = models.CharField(max_length=DESCRIPTION_CHARACTERS_MAX)
    expires_at = models.DateTimeField(db_index=True)

    @property
    def state(self) -> RowState:
        """As the gateway sees it; expiry is a time that the gateway watches itself."""
        return RowState.ACTIVE if self.removed_at is None else RowState.REMOVED


class Token(Row):
    """A token: SHA-256, scopes, and whom it is limited to. `node`: exactly those of nodes."""

    name = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    prefix = models.CharField(max_length=PREFIX_CHARACTERS)
    sha256 = models.CharField(max_length=SHA256_HEX_CHARACTERS, unique=True)
    scopes = models.JSONField(default=list)
    organization = models.ForeignKey(
        Organization, on_delete=CASCADE, null=True, blank=True, related_name="tokens"
    )
    team = models.ForeignKey(Team, on_delete=CASCADE, null=True, blank=True, related_name="tokens")
    node = models.ForeignKey(Node, on_delete=CASCADE, null=True, blank=True, related_name="tokens")
    expires_at = models.DateTimeField(null=True, blank=True)


class AuditEntry(models.Model):
    """One change: who, what, to which thing, before, after, from where. Never changed."""

    row = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=ID_CHARACTERS, unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    action = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    organization = models.CharField(max_length=ID_CHARACTERS, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = (
            Index(fields=["subject_kind", "subject"], name="store_audit_by_subject"),
            Index(fields=["organization", "row"], name="store_audit_by_organization"),
        )


class IdempotencyRecord(models.Model):
    """The answer to a create that carried an Idempotency-Key, encrypted, for one day.

    `key_sha256` names token and key; the key itself is part of what the answer is encrypted
    with, so that the store alone cannot show an issued secret again.
    """

    key_sha256 = models.CharField(max_length=SHA256_HEX_CHARACTERS, unique=True)
    fingerprint = models.CharField(max_length=SHA256_HEX_CHARACTERS)
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)


class AccessCounter(models.Model):
    """One row: the last access sequence number that was given out."""

    sequence = models.BigIntegerField(default=0)


class Installation(models.Model):
    """One row: the store's own name, made at its first start, and the URL it is known by.

    `issuer` is that URL as tokens name it; empty before the web process has first run.
    """

    generation = models.CharField(max_length=64)
    issuer = models.CharField(max_length=ISSUER_CHARACTERS_MAX, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(fields=["generation"], name="store_installation_generation"),
        )
