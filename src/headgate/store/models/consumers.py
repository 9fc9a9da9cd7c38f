"""Who consumes APIs? Organizations, their applications, and what those hold."""

from django.db import models
from django.db.models import CASCADE, PROTECT, Index, Q, UniqueConstraint

from headgate.model.access import CredentialKind, RowState
from headgate.store.models.products import Plan, Product
from headgate.store.models.rows import (
    DESCRIPTION_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    FeedRow,
    Row,
    live_unique,
)

SHA256_HEX_CHARACTERS = 64
PREFIX_CHARACTERS = 12
KIND_CHARACTERS_MAX = 16


class Organization(Row):
    """A company or team that consumes APIs; whatever it owns is visible to it alone."""

    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    is_suspended = models.BooleanField(default=False)

    class Meta:
        constraints = (live_unique("organization_name", "name"),)
        indexes = (Index(fields=["name"], name="store_organization_by_name"),)


class Team(Row):
    """Some of an organization's people. Its applications are for them and the owners alone."""

    organization = models.ForeignKey(Organization, on_delete=CASCADE, related_name="teams")
    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)

    class Meta:
        constraints = (live_unique("team_name", "organization", "name"),)

    @property
    def path(self) -> str:
        """`acme/payments`: unambiguous, for people."""
        return f"{self.organization.name}/{self.name}"


class Application(FeedRow):
    """A program of an organization; it holds keys and subscriptions. `team`: whose it is; none:
    all of the organization's."""

    organization = models.ForeignKey(Organization, on_delete=PROTECT, related_name="applications")
    team = models.ForeignKey(
        Team, on_delete=PROTECT, null=True, blank=True, related_name="applications"
    )
    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    description = models.CharField(max_length=DESCRIPTION_CHARACTERS_MAX, blank=True)
    is_suspended = models.BooleanField(default=False)

    class Meta:
        constraints = (live_unique("application_name", "organization", "name"),)
        indexes = (Index(fields=["name"], name="store_application_by_name"),)

    @property
    def path(self) -> str:
        """`acme/demo`: unambiguous, for people."""
        return f"{self.organization.name}/{self.name}"

    @property
    def state(self) -> RowState:
        """As the gateway sees it: an application is suspended with its organization."""
        if self.removed_at is not None:
            return RowState.REMOVED
        is_suspended = self.is_suspended or self.organization.is_suspended
        return RowState.SUSPENDED if is_suspended else RowState.ACTIVE


class Subscription(FeedRow):
    """An application's use of a product under a plan. Its counters live in its row."""

    application = models.ForeignKey(Application, on_delete=PROTECT, related_name="subscriptions")
    product = models.ForeignKey(Product, on_delete=PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=PROTECT, related_name="subscriptions")
    is_suspended = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["application", "product"],
                condition=Q(removed_at=None),
                name="store_subscription_live",
            ),
        )

    @property
    def state(self) -> RowState:
        """As the gateway sees it; expiry is a time that the gateway watches itself."""
        if self.removed_at is not None:
            return RowState.REMOVED
        return RowState.SUSPENDED if self.is_suspended else RowState.ACTIVE


class Credential(FeedRow):
    """What a caller presents, by a SHA-256 (`CredentialKind` says of what).

    `prefix`: the few characters of a key that people recognise it by. `scopes`: what it is
    restricted to; none: to nothing.
    """

    kind = models.CharField(max_length=KIND_CHARACTERS_MAX, default=CredentialKind.KEY.value)
    application = models.ForeignKey(Application, on_delete=PROTECT, related_name="credentials")
    name = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    prefix = models.CharField(max_length=PREFIX_CHARACTERS, blank=True)
    sha256 = models.CharField(max_length=SHA256_HEX_CHARACTERS, unique=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    scopes = models.JSONField(default=list)
    replaced_by = models.ForeignKey(
        "self", on_delete=CASCADE, null=True, blank=True, related_name="replaces"
    )

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["application", "name"],
                condition=Q(kind=CredentialKind.OAUTH_CLIENT.value, revoked_at=None),
                name="store_client_name_live",
            ),
        )

    @property
    def state(self) -> RowState:
        """As the gateway sees it; expiry is a time that the gateway watches itself."""
        return RowState.ACTIVE if self.revoked_at is None else RowState.REVOKED
