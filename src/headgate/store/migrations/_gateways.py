"""What do gateways serve, and under which limits? Revisions, policies, nodes, quotas."""

from django.db import migrations, models

from headgate.store.migrations._rows import NUMBERED, ROW

TABLES = (
    migrations.CreateModel(
        name="Gateway",
        fields=[
            *ROW,
            ("name", models.CharField(max_length=63)),
            ("title", models.CharField(blank=True, max_length=200)),
            ("revision", models.BigIntegerField(default=0)),
            ("revisions_made", models.BigIntegerField(default=0)),
            ("quota_divisor", models.BigIntegerField(default=0)),
            ("rate_nodes", models.BigIntegerField(default=1)),
            ("rates_shrink_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("name",),
                    name="store_gateway_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="PolicyAttachment",
        fields=[
            *NUMBERED,
            (
                "gateway",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="policies",
                    to="store.gateway",
                ),
            ),
            (
                "version",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="policies",
                    to="store.apiversion",
                ),
            ),
            (
                "operation",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="policies",
                    to="store.operation",
                ),
            ),
            (
                "product",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="policies",
                    to="store.product",
                ),
            ),
            (
                "plan",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.CASCADE,
                    related_name="policies",
                    to="store.plan",
                ),
            ),
            ("position", models.PositiveSmallIntegerField()),
            ("kind", models.CharField(max_length=63)),
            ("settings", models.JSONField(default=dict)),
        ],
        options={
            "ordering": ("position", "pk"),
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(
                            ("gateway__isnull", False),
                            ("operation__isnull", True),
                            ("plan__isnull", True),
                            ("product__isnull", True),
                            ("version__isnull", True),
                        ),
                        models.Q(
                            ("gateway__isnull", True),
                            ("operation__isnull", True),
                            ("plan__isnull", True),
                            ("product__isnull", True),
                            ("version__isnull", False),
                        ),
                        models.Q(
                            ("gateway__isnull", True),
                            ("operation__isnull", False),
                            ("plan__isnull", True),
                            ("product__isnull", True),
                            ("version__isnull", True),
                        ),
                        models.Q(
                            ("gateway__isnull", True),
                            ("operation__isnull", True),
                            ("plan__isnull", True),
                            ("product__isnull", False),
                            ("version__isnull", True),
                        ),
                        models.Q(
                            ("gateway__isnull", True),
                            ("operation__isnull", True),
                            ("plan__isnull", False),
                            ("product__isnull", True),
                            ("version__isnull", True),
                        ),
                        _connector="OR",
                    ),
                    name="store_policy_one_target",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="APIRevision",
        fields=[
            ("row", models.BigAutoField(primary_key=True, serialize=False)),
            (
                "version",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="revisions", to="store.apiversion"
                ),
            ),
            ("sha256", models.CharField(max_length=64)),
            ("body", models.BinaryField()),
            ("contract", models.CharField(blank=True, default="", max_length=32)),
            ("created_at", models.DateTimeField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=("version", "sha256"), name="store_api_revision_content"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Revision",
        fields=[
            *NUMBERED,
            (
                "gateway",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="revisions", to="store.gateway"
                ),
            ),
            ("number", models.BigIntegerField()),
            ("apis", models.JSONField(default=dict)),
            ("policies", models.JSONField(default=list)),
            ("releases", models.JSONField(default=list)),
            ("secrets", models.JSONField(default=dict)),
            ("callers", models.JSONField(default=list)),
            ("note", models.CharField(blank=True, max_length=200)),
            ("actor", models.CharField(max_length=200)),
            ("created_at", models.DateTimeField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("gateway", "number"), name="store_revision_number")
            ],
        },
    ),
    migrations.CreateModel(
        name="Release",
        fields=[
            *ROW,
            (
                "gateway",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="releases", to="store.gateway"
                ),
            ),
            (
                "stable",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="+", to="store.apiversion"
                ),
            ),
            (
                "candidate",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="releases", to="store.apiversion"
                ),
            ),
            ("percent_hundredths", models.PositiveIntegerField(default=0)),
            ("header", models.CharField(blank=True, max_length=200)),
            ("value", models.CharField(blank=True, max_length=200)),
            ("mirror_hundredths", models.PositiveIntegerField(default=0)),
            ("abort_if", models.CharField(blank=True, max_length=500)),
            ("applications", models.JSONField(default=list)),
            ("since", models.DateTimeField()),
            ("outcome", models.CharField(blank=True, max_length=16)),
            ("reason", models.CharField(blank=True, max_length=200)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("gateway", "stable"),
                    name="store_release_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="StoredSecret",
        fields=[
            *ROW,
            ("name", models.CharField(max_length=63)),
            ("sealed", models.BinaryField()),
            ("version", models.PositiveIntegerField(default=1)),
            ("changed_at", models.DateTimeField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("name",),
                    name="store_secret_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Node",
        fields=[
            *ROW,
            (
                "gateway",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="nodes", to="store.gateway"
                ),
            ),
            ("name", models.CharField(max_length=63)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("name",),
                    name="store_node_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="NodeState",
        fields=[
            (
                "node",
                models.OneToOneField(
                    on_delete=models.CASCADE,
                    primary_key=True,
                    related_name="state",
                    serialize=False,
                    to="store.node",
                ),
            ),
            ("received_at", models.DateTimeField()),
            ("reported_at", models.DateTimeField()),
            ("revision_seen", models.BigIntegerField()),
            ("revision_live", models.BigIntegerField()),
            ("revision_error", models.TextField(blank=True)),
            ("envoy_state", models.CharField(max_length=16)),
            ("report", models.JSONField()),
        ],
    ),
    migrations.CreateModel(
        name="NodeCounter",
        fields=[
            *NUMBERED,
            (
                "node",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="counters", to="store.node"
                ),
            ),
            ("epoch", models.CharField(max_length=64)),
            ("kind", models.CharField(max_length=16)),
            ("row", models.BigIntegerField()),
            ("allowed", models.BigIntegerField()),
            ("rejected", models.BigIntegerField()),
        ],
        options={
            "indexes": [models.Index(fields=["kind", "row"], name="store_node_counter_by_row")],
            "constraints": [
                models.UniqueConstraint(
                    fields=("node", "epoch", "kind", "row"), name="store_node_counter_row"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="QuotaHolder",
        fields=[
            *NUMBERED,
            (
                "node",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="quota_holders", to="store.node"
                ),
            ),
            ("epoch", models.CharField(max_length=64)),
            ("divisor", models.BigIntegerField(default=1)),
            ("offered", models.BigIntegerField(default=1)),
            ("since", models.DateTimeField(blank=True, null=True)),
            ("created_at", models.DateTimeField()),
            ("ended_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("node", "epoch"), name="store_quota_holder_life")
            ],
        },
    ),
    migrations.CreateModel(
        name="QuotaLease",
        fields=[
            *NUMBERED,
            (
                "holder",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="leases", to="store.quotaholder"
                ),
            ),
            ("subscription", models.BigIntegerField()),
            ("slot", models.PositiveSmallIntegerField()),
            ("index", models.BigIntegerField()),
            ("granted", models.BigIntegerField()),
            ("version", models.PositiveIntegerField(default=1)),
            ("is_recalled", models.BooleanField(default=False)),
            ("is_spent", models.BooleanField(default=False)),
            ("ends_at", models.DateTimeField(db_index=True)),
        ],
        options={
            "indexes": [
                models.Index(fields=["holder", "is_recalled"], name="store_quota_recalled")
            ],
            "constraints": [
                models.UniqueConstraint(
                    fields=("subscription", "slot", "index", "holder"),
                    name="store_quota_lease_place",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="QuotaUse",
        fields=[
            *NUMBERED,
            (
                "node",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="quota_uses", to="store.node"
                ),
            ),
            ("epoch", models.CharField(max_length=64)),
            ("subscription", models.BigIntegerField()),
            ("slot", models.PositiveSmallIntegerField()),
            ("index", models.BigIntegerField()),
            ("used", models.BigIntegerField()),
            ("is_refused", models.BooleanField(default=False)),
            ("ends_at", models.DateTimeField(db_index=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=("subscription", "slot", "index", "node", "epoch"),
                    name="store_quota_use_place",
                )
            ],
        },
    ),
)
