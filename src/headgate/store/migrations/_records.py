"""What happened, and who has yet to hear of it? The audit log, events, webhooks, traffic."""

from django.db import migrations, models

from headgate.store.migrations._rows import FEED_ROW, NUMBERED, ROW

TABLES = (
    migrations.CreateModel(
        name="Installation",
        fields=[
            *NUMBERED,
            ("generation", models.CharField(max_length=64)),
            ("issuer", models.CharField(blank=True, max_length=200)),
            ("created_at", models.DateTimeField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=("generation",), name="store_installation_generation"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="AccessCounter",
        fields=[
            *NUMBERED,
            ("sequence", models.BigIntegerField(default=0)),
        ],
    ),
    migrations.CreateModel(
        name="Token",
        fields=[
            *ROW,
            ("name", models.CharField(max_length=200)),
            ("prefix", models.CharField(max_length=12)),
            ("sha256", models.CharField(max_length=64, unique=True)),
            ("scopes", models.JSONField(default=list)),
            (
                "organization",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="tokens",
                    to="store.organization",
                ),
            ),
            (
                "team",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="tokens",
                    to="store.team",
                ),
            ),
            (
                "node",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="tokens",
                    to="store.node",
                ),
            ),
            ("expires_at", models.DateTimeField(blank=True, null=True)),
        ],
    ),
    migrations.CreateModel(
        name="Block",
        fields=[
            *FEED_ROW,
            ("kind", models.CharField(max_length=16)),
            ("subject", models.CharField(max_length=64)),
            ("reason", models.CharField(max_length=4000)),
            ("expires_at", models.DateTimeField(db_index=True)),
        ],
    ),
    migrations.CreateModel(
        name="AuditEntry",
        fields=[
            ("row", models.BigAutoField(primary_key=True, serialize=False)),
            ("id", models.CharField(max_length=16, unique=True)),
            ("at", models.DateTimeField(db_index=True)),
            ("actor", models.CharField(max_length=200)),
            ("action", models.CharField(max_length=40)),
            ("subject_kind", models.CharField(max_length=40)),
            ("subject", models.CharField(max_length=200)),
            ("organization", models.CharField(blank=True, max_length=16)),
            ("before", models.JSONField(null=True)),
            ("after", models.JSONField(null=True)),
            ("address", models.CharField(blank=True, max_length=64)),
            ("request_id", models.CharField(blank=True, max_length=64)),
        ],
        options={
            "indexes": [
                models.Index(fields=["subject_kind", "subject"], name="store_audit_by_subject"),
                models.Index(fields=["organization", "row"], name="store_audit_by_organization"),
            ],
        },
    ),
    migrations.CreateModel(
        name="IdempotencyRecord",
        fields=[
            *NUMBERED,
            ("key_sha256", models.CharField(max_length=64, unique=True)),
            ("fingerprint", models.CharField(max_length=64)),
            ("status", models.PositiveSmallIntegerField()),
            ("body", models.BinaryField()),
            ("created_at", models.DateTimeField(db_index=True)),
        ],
    ),
    migrations.CreateModel(
        name="Event",
        fields=[
            ("row", models.BigAutoField(primary_key=True, serialize=False)),
            ("id", models.CharField(max_length=16, unique=True)),
            ("at", models.DateTimeField(db_index=True)),
            ("kind", models.CharField(max_length=40)),
            (
                "organization",
                models.ForeignKey(
                    blank=True, null=True, on_delete=models.PROTECT, to="store.organization"
                ),
            ),
            ("subject", models.CharField(max_length=200)),
            ("data", models.JSONField(default=dict)),
        ],
        options={
            "indexes": [
                models.Index(fields=["organization", "row"], name="store_event_by_organization")
            ],
        },
    ),
    migrations.CreateModel(
        name="EventMark",
        fields=[
            *NUMBERED,
            ("name", models.CharField(max_length=200, unique=True)),
            ("forget_at", models.DateTimeField(db_index=True)),
        ],
    ),
    migrations.CreateModel(
        name="Webhook",
        fields=[
            *ROW,
            (
                "organization",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.PROTECT,
                    related_name="webhooks",
                    to="store.organization",
                ),
            ),
            (
                "team",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.PROTECT,
                    related_name="webhooks",
                    to="store.team",
                ),
            ),
            ("url", models.CharField(max_length=2000)),
            ("description", models.CharField(blank=True, max_length=200)),
            ("kinds", models.JSONField(default=list)),
            ("allow_private", models.BooleanField(default=False)),
            ("sealed", models.BinaryField()),
            ("previous_sealed", models.BinaryField(default=b"")),
            ("previous_until", models.DateTimeField(blank=True, null=True)),
            ("failing_since", models.DateTimeField(blank=True, null=True)),
            ("delivered_at", models.DateTimeField(blank=True, null=True)),
            ("disabled_at", models.DateTimeField(blank=True, null=True)),
            ("disabled_reason", models.CharField(blank=True, max_length=200)),
            ("dropped", models.BigIntegerField(default=0)),
        ],
        options={
            "indexes": [
                models.Index(
                    condition=models.Q(("removed_at", None)),
                    fields=["organization"],
                    name="store_webhook_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Delivery",
        fields=[
            ("row", models.BigAutoField(primary_key=True, serialize=False)),
            ("id", models.CharField(max_length=16, unique=True)),
            (
                "webhook",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="deliveries", to="store.webhook"
                ),
            ),
            (
                "event",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="deliveries", to="store.event"
                ),
            ),
            ("state", models.CharField(max_length=16)),
            ("tries", models.PositiveSmallIntegerField(default=0)),
            ("attempts", models.JSONField(default=list)),
            ("due_at", models.DateTimeField()),
            ("settled_at", models.DateTimeField(blank=True, db_index=True, null=True)),
        ],
        options={
            "indexes": [
                models.Index(fields=["state", "due_at"], name="store_delivery_due"),
                models.Index(
                    fields=["webhook", "state", "due_at"], name="store_delivery_of_webhook"
                ),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("webhook", "event"), name="store_delivery_once")
            ],
        },
    ),
    migrations.CreateModel(
        name="Lease",
        fields=[
            ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
            ("holder", models.CharField(max_length=120)),
            ("token", models.PositiveBigIntegerField(default=0)),
            ("expires_at", models.DateTimeField()),
            ("progress", models.PositiveBigIntegerField(default=0)),
        ],
    ),
    migrations.CreateModel(
        name="TrafficFile",
        fields=[
            *NUMBERED,
            ("path", models.CharField(max_length=300, unique=True)),
            ("tier", models.PositiveSmallIntegerField()),
            ("records", models.PositiveBigIntegerField()),
            ("size_bytes", models.PositiveBigIntegerField()),
            ("first_at", models.DateTimeField()),
            ("last_at", models.DateTimeField()),
            ("batch_first", models.PositiveBigIntegerField()),
            ("batch_last", models.PositiveBigIntegerField()),
            ("is_final", models.BooleanField(default=False)),
            ("created_at", models.DateTimeField()),
            ("replaced_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [
                models.Index(fields=["replaced_at", "last_at"], name="traffic_file_time"),
                models.Index(fields=["replaced_at", "batch_last"], name="traffic_file_batch"),
            ],
        },
    ),
    migrations.CreateModel(
        name="TrafficSegment",
        fields=[
            ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
            ("node", models.CharField(max_length=200)),
            ("batch", models.PositiveBigIntegerField()),
            ("lines", models.PositiveBigIntegerField()),
            ("records", models.PositiveBigIntegerField()),
            ("rejected", models.PositiveBigIntegerField()),
            ("size_bytes", models.PositiveBigIntegerField()),
            ("ingested_at", models.DateTimeField()),
        ],
        options={
            "indexes": [models.Index(fields=["ingested_at"], name="traffic_segment_time")],
        },
    ),
    migrations.CreateModel(
        name="TrafficSummary",
        fields=[
            *NUMBERED,
            ("path", models.CharField(max_length=300, unique=True)),
            ("families", models.PositiveSmallIntegerField()),
            (
                "file",
                models.ForeignKey(null=True, on_delete=models.SET_NULL, to="store.trafficfile"),
            ),
            ("records", models.PositiveBigIntegerField()),
            ("rows", models.PositiveBigIntegerField()),
            ("size_bytes", models.PositiveBigIntegerField()),
            ("first_at", models.DateTimeField()),
            ("last_at", models.DateTimeField()),
            ("created_at", models.DateTimeField()),
            ("replaced_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [
                models.Index(fields=["replaced_at", "last_at"], name="traffic_summary_time")
            ],
        },
    ),
    migrations.CreateModel(
        name="TrafficTotal",
        fields=[
            *NUMBERED,
            ("node", models.CharField(max_length=200)),
            ("kind", models.CharField(max_length=16)),
            ("application", models.CharField(max_length=16)),
            ("api", models.CharField(max_length=200)),
            ("version", models.CharField(max_length=200)),
            ("operation", models.CharField(max_length=400)),
            ("verdict", models.CharField(max_length=32)),
            ("records", models.PositiveBigIntegerField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=(
                        "node",
                        "kind",
                        "application",
                        "api",
                        "version",
                        "operation",
                        "verdict",
                    ),
                    name="traffic_total_key",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="TrafficEvent",
        fields=[
            ("kind", models.CharField(max_length=40, primary_key=True, serialize=False)),
            ("count", models.PositiveBigIntegerField(default=0)),
            ("last_at", models.DateTimeField()),
            ("detail", models.CharField(max_length=500)),
        ],
    ),
)
