"""What is offered? APIs, their versions and documents, products, what is sensitive."""

from django.db import migrations, models

from headgate.store.migrations._rows import FEED_ROW, ROW

TABLES = (
    migrations.CreateModel(
        name="API",
        fields=[
            *ROW,
            ("name", models.CharField(max_length=63)),
            ("title", models.CharField(blank=True, max_length=200)),
            ("version_by", models.CharField(blank=True, default="", max_length=100)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("name",),
                    name="store_api_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="APIVersion",
        fields=[
            *FEED_ROW,
            (
                "api",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="versions", to="store.api"
                ),
            ),
            ("name", models.CharField(max_length=63)),
            ("base_path", models.CharField(blank=True, max_length=500)),
            ("upstream_data", models.JSONField()),
            ("key_sources_data", models.JSONField()),
            ("is_open", models.BooleanField(default=False)),
            ("is_default", models.BooleanField(default=True)),
            ("lifecycle", models.CharField(default="draft", max_length=16)),
            ("deprecated_at", models.DateTimeField(blank=True, null=True)),
            ("sunset_at", models.DateTimeField(blank=True, null=True)),
            ("retired_at", models.DateTimeField(blank=True, null=True)),
            ("successor", models.CharField(blank=True, max_length=127)),
            ("link", models.CharField(blank=True, max_length=2048)),
            ("retires_at_sunset", models.BooleanField(default=False)),
            ("untold", models.CharField(blank=True, default="", max_length=40)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("api", "name"),
                    name="store_version_name_live",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("is_default", True), ("removed_at", None)),
                    fields=("api",),
                    name="store_version_default_live",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("is_default", True), ("removed_at", None)),
                    fields=("base_path",),
                    name="store_version_base_path_live",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Document",
        fields=[
            (
                "version",
                models.OneToOneField(
                    on_delete=models.CASCADE,
                    primary_key=True,
                    related_name="document",
                    serialize=False,
                    to="store.apiversion",
                ),
            ),
            ("format", models.CharField(max_length=40)),
            ("url", models.CharField(blank=True, max_length=2048)),
            ("sha256", models.CharField(max_length=64)),
            ("original_packed", models.BinaryField()),
            ("bundled_packed", models.BinaryField()),
            ("problems", models.JSONField(default=list)),
            ("about", models.TextField(blank=True, default="")),
            ("tags", models.JSONField(default=list)),
            ("words", models.TextField(blank=True, default="")),
            ("imported_at", models.DateTimeField()),
        ],
    ),
    migrations.CreateModel(
        name="DocumentPart",
        fields=[
            ("row", models.BigAutoField(primary_key=True, serialize=False)),
            (
                "version",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="parts", to="store.apiversion"
                ),
            ),
            ("key", models.CharField(max_length=32)),
            ("body_packed", models.BinaryField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("version", "key"), name="store_part_key")
            ],
        },
    ),
    migrations.CreateModel(
        name="Contract",
        fields=[
            ("id", models.CharField(max_length=32, primary_key=True, serialize=False)),
            ("body_packed", models.BinaryField()),
            ("created_at", models.DateTimeField()),
        ],
    ),
    migrations.CreateModel(
        name="Operation",
        fields=[
            ("row", models.BigAutoField(primary_key=True, serialize=False)),
            (
                "version",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="operations", to="store.apiversion"
                ),
            ),
            ("id", models.CharField(max_length=255)),
            ("method", models.CharField(max_length=16)),
            ("path", models.CharField(max_length=2000)),
            ("summary", models.CharField(blank=True, max_length=200)),
            ("is_deprecated", models.BooleanField(default=False)),
            ("deprecated_at", models.DateTimeField(blank=True, null=True)),
            ("sunset_at", models.DateTimeField(blank=True, null=True)),
            ("is_told", models.BooleanField(default=False)),
            ("cache_purges", models.PositiveIntegerField(default=0)),
            ("needs_data", models.JSONField(default=dict)),
            ("created_at", models.DateTimeField()),
            ("removed_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("version", "id"), name="store_operation_id")
            ],
        },
    ),
    migrations.CreateModel(
        name="ChangelogEntry",
        fields=[
            ("row", models.BigAutoField(primary_key=True, serialize=False)),
            ("id", models.CharField(max_length=16, unique=True)),
            (
                "version",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="changelog", to="store.apiversion"
                ),
            ),
            ("kind", models.CharField(max_length=16)),
            ("at", models.DateTimeField()),
            ("note", models.CharField(blank=True, max_length=4000)),
            ("compared", models.CharField(blank=True, max_length=63)),
            ("changes", models.JSONField(default=list)),
            ("dropped", models.PositiveIntegerField(default=0)),
            ("is_breaking", models.BooleanField(default=False)),
            ("data", models.JSONField(default=dict)),
            ("sha256", models.CharField(blank=True, max_length=64)),
            ("document_packed", models.BinaryField(default=b"")),
        ],
    ),
    migrations.CreateModel(
        name="SensitiveMark",
        fields=[
            *ROW,
            (
                "api",
                models.ForeignKey(on_delete=models.PROTECT, related_name="marks", to="store.api"),
            ),
            ("operation", models.CharField(blank=True, max_length=255)),
            ("method", models.CharField(blank=True, max_length=16)),
            ("path", models.CharField(blank=True, max_length=2000)),
            ("owner", models.EmailField(max_length=254)),
            ("why", models.CharField(max_length=2000)),
            ("days_max", models.PositiveIntegerField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("api", "operation"),
                    name="store_mark_place_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Product",
        fields=[
            *ROW,
            ("name", models.CharField(max_length=63)),
            ("title", models.CharField(blank=True, max_length=200)),
            ("apis", models.ManyToManyField(blank=True, related_name="products", to="store.api")),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("name",),
                    name="store_product_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Plan",
        fields=[
            *FEED_ROW,
            (
                "product",
                models.ForeignKey(
                    on_delete=models.PROTECT, related_name="plans", to="store.product"
                ),
            ),
            ("name", models.CharField(max_length=63)),
            ("title", models.CharField(blank=True, max_length=200)),
            ("slots", models.JSONField(default=list)),
            ("needs_approval", models.BooleanField(default=False)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("product", "name"),
                    name="store_plan_name_live",
                )
            ],
        },
    ),
)
