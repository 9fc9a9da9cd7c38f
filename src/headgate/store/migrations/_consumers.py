"""Who calls what, and by which proof? Applications, what they may call, credentials."""

from django.conf import settings
from django.db import migrations, models

from headgate.store.migrations._rows import FEED_ROW, NUMBERED, ROW

TABLES = (
    migrations.CreateModel(
        name="Application",
        fields=[
            *FEED_ROW,
            (
                "organization",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="applications", to="store.organization"
                ),
            ),
            (
                "team",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.PROTECT,
                    related_name="applications",
                    to="store.team",
                ),
            ),
            ("name", models.CharField(max_length=63)),
            ("description", models.CharField(blank=True, max_length=4000)),
            ("is_suspended", models.BooleanField(default=False)),
        ],
        options={
            "indexes": [models.Index(fields=["name"], name="store_application_by_name")],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("organization", "name"),
                    name="store_application_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Subscription",
        fields=[
            *FEED_ROW,
            (
                "application",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="subscriptions", to="store.application"
                ),
            ),
            (
                "product",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="subscriptions", to="store.product"
                ),
            ),
            (
                "plan",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="subscriptions", to="store.plan"
                ),
            ),
            ("is_suspended", models.BooleanField(default=False)),
            ("expires_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("application", "product"),
                    name="store_subscription_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="SubscriptionRequest",
        fields=[
            *ROW,
            (
                "application",
                models.ForeignKey(
                    on_delete=models.PROTECT,
                    related_name="subscription_requests",
                    to="store.application",
                ),
            ),
            (
                "plan",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="subscription_requests", to="store.plan"
                ),
            ),
            ("state", models.CharField(default="asked", max_length=16)),
            ("reason", models.CharField(blank=True, max_length=2000)),
            (
                "user",
                models.ForeignKey(
                    null=True,
                    on_delete=models.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("asked_by", models.CharField(max_length=254)),
            ("decided_at", models.DateTimeField(blank=True, null=True)),
            ("decided_by", models.CharField(blank=True, max_length=254)),
            ("word", models.CharField(blank=True, max_length=2000)),
            (
                "subscription",
                models.ForeignKey(
                    null=True,
                    on_delete=models.SET_NULL,
                    related_name="requests",
                    to="store.subscription",
                ),
            ),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("state", "asked")),
                    fields=("application", "plan"),
                    name="store_request_open",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="AccessRequest",
        fields=[
            *FEED_ROW,
            (
                "application",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="access_requests", to="store.application"
                ),
            ),
            (
                "mark",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="requests", to="store.sensitivemark"
                ),
            ),
            ("state", models.CharField(default="asked", max_length=16)),
            ("reason", models.CharField(max_length=2000)),
            ("days", models.PositiveIntegerField()),
            (
                "user",
                models.ForeignKey(
                    null=True,
                    on_delete=models.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("asked_by", models.CharField(max_length=254)),
            ("decided_at", models.DateTimeField(blank=True, null=True)),
            ("decided_by", models.CharField(blank=True, max_length=254)),
            ("word", models.CharField(blank=True, max_length=2000)),
            ("until", models.DateTimeField(blank=True, null=True)),
            ("warned_at", models.DateTimeField(blank=True, null=True)),
            ("ended_at", models.DateTimeField(blank=True, null=True)),
            ("ended_by", models.CharField(blank=True, max_length=254)),
            ("end_word", models.CharField(blank=True, max_length=2000)),
        ],
        options={
            "indexes": [models.Index(fields=["state", "until"], name="store_access_request_ends")],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("state", "asked")),
                    fields=("application", "mark"),
                    name="store_access_request_open",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("state", "granted")),
                    fields=("application", "mark"),
                    name="store_access_request_granted",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Credential",
        fields=[
            *FEED_ROW,
            ("kind", models.CharField(default="key", max_length=16)),
            (
                "application",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="credentials", to="store.application"
                ),
            ),
            ("name", models.CharField(blank=True, max_length=200)),
            ("prefix", models.CharField(blank=True, max_length=12)),
            ("sha256", models.CharField(max_length=64, unique=True)),
            ("expires_at", models.DateTimeField(blank=True, null=True)),
            ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ("last_used_at", models.DateTimeField(blank=True, null=True)),
            ("scopes", models.JSONField(default=list)),
            (
                "replaced_by",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="replaces",
                    to="store.credential",
                ),
            ),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("kind", "oauth_client"), ("revoked_at", None)),
                    fields=("application", "name"),
                    name="store_client_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="ClientCertificate",
        fields=[
            (
                "credential",
                models.OneToOneField(
                    on_delete=models.CASCADE,
                    primary_key=True,
                    related_name="client_certificate",
                    serialize=False,
                    to="store.credential",
                ),
            ),
            ("issuer", models.CharField(max_length=500)),
            ("kind", models.CharField(max_length=16)),
            ("name", models.CharField(max_length=500)),
        ],
    ),
    migrations.CreateModel(
        name="ForeignIssuer",
        fields=[
            *NUMBERED,
            ("issuer", models.CharField(max_length=500, unique=True)),
            ("jwks_url", models.CharField(blank=True, max_length=500)),
            ("jwks", models.TextField(blank=True)),
            ("fetched_at", models.DateTimeField(blank=True, null=True)),
            ("tried_at", models.DateTimeField()),
            ("error", models.CharField(blank=True, max_length=300)),
        ],
    ),
    migrations.CreateModel(
        name="ForeignClient",
        fields=[
            (
                "credential",
                models.OneToOneField(
                    on_delete=models.CASCADE,
                    primary_key=True,
                    related_name="foreign_client",
                    serialize=False,
                    to="store.credential",
                ),
            ),
            ("issuer", models.CharField(max_length=500)),
            ("client", models.CharField(max_length=500)),
        ],
    ),
    migrations.CreateModel(
        name="OAuthClient",
        fields=[
            (
                "credential",
                models.OneToOneField(
                    on_delete=models.CASCADE,
                    primary_key=True,
                    related_name="oauth_client",
                    serialize=False,
                    to="store.credential",
                ),
            ),
            ("is_public", models.BooleanField(default=False)),
            ("grants", models.JSONField(default=list)),
            ("scopes", models.JSONField(default=list)),
            ("token_seconds", models.PositiveIntegerField()),
        ],
    ),
    migrations.CreateModel(
        name="ClientSecret",
        fields=[
            *NUMBERED,
            (
                "client",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="secrets", to="store.oauthclient"
                ),
            ),
            ("prefix", models.CharField(max_length=12)),
            ("sha256", models.CharField(max_length=64, unique=True)),
            ("created_at", models.DateTimeField()),
            ("expires_at", models.DateTimeField(blank=True, null=True)),
        ],
    ),
    migrations.CreateModel(
        name="SigningKey",
        fields=[
            *NUMBERED,
            ("key_id", models.CharField(max_length=43, unique=True)),
            ("public", models.JSONField()),
            ("sealed", models.BinaryField()),
            ("created_at", models.DateTimeField()),
            ("signs_at", models.DateTimeField()),
            ("ends_at", models.DateTimeField(blank=True, null=True)),
        ],
    ),
    migrations.CreateModel(
        name="DeviceGrant",
        fields=[
            *NUMBERED,
            (
                "client",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="device_grants", to="store.oauthclient"
                ),
            ),
            ("device_code_sha256", models.CharField(max_length=64, unique=True)),
            ("user_code_hmac", models.CharField(max_length=64, unique=True)),
            ("scopes", models.JSONField(default=list)),
            ("created_at", models.DateTimeField()),
            ("expires_at", models.DateTimeField(db_index=True)),
            ("polled_at", models.DateTimeField(blank=True, null=True)),
            ("decision", models.CharField(max_length=8)),
            ("subject", models.CharField(blank=True, max_length=64)),
            ("decided_by", models.CharField(blank=True, max_length=200)),
        ],
    ),
    migrations.CreateModel(
        name="RefreshGrant",
        fields=[
            ("id", models.CharField(max_length=16, primary_key=True, serialize=False)),
            (
                "client",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="refresh_grants", to="store.oauthclient"
                ),
            ),
            ("sha256", models.CharField(max_length=64)),
            ("former_sha256", models.CharField(blank=True, max_length=64)),
            ("subject", models.CharField(max_length=64)),
            ("scopes", models.JSONField(default=list)),
            ("created_at", models.DateTimeField()),
            ("renewed_at", models.DateTimeField()),
            ("expires_at", models.DateTimeField(db_index=True)),
            ("token_digest", models.CharField(blank=True, max_length=32)),
            ("token_expires_at", models.DateTimeField(blank=True, null=True)),
        ],
    ),
)
