"""States of versions: what is live is published."""

from typing import Any

from django.db import migrations, models


def publish_live(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001  # Django's signature
    """Every version that a gateway serves is published; all others are drafts."""
    gateways = apps.get_model("store", "Gateway")
    revisions = apps.get_model("store", "Revision")
    versions = apps.get_model("store", "APIVersion")
    for gateway in gateways.objects.filter(removed_at=None, revision__gt=0):
        live = revisions.objects.get(gateway=gateway, number=gateway.revision)
        versions.objects.filter(pk__in=[int(row) for row in live.apis]).update(
            lifecycle="published"
        )


def date_deprecations(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001  # Django's signature
    """Operations that are deprecated already are so since their document was imported."""
    operations = apps.get_model("store", "Operation")
    documents = apps.get_model("store", "Document")
    for document in documents.objects.all():
        operations.objects.filter(version=document.version_id, is_deprecated=True).update(
            deprecated_at=document.imported_at
        )


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0017_people"),
    ]

    operations = [
        migrations.AddField(
            model_name="apiversion",
            name="lifecycle",
            field=models.CharField(default="draft", max_length=16),
        ),
        migrations.AddField(
            model_name="apiversion",
            name="deprecated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="apiversion",
            name="sunset_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="apiversion",
            name="retired_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="apiversion",
            name="successor",
            field=models.CharField(blank=True, default="", max_length=127),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="apiversion",
            name="link",
            field=models.CharField(blank=True, default="", max_length=2048),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="apiversion",
            name="retires_at_sunset",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="operation",
            name="deprecated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="operation",
            name="sunset_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunPython(publish_live, migrations.RunPython.noop),
        migrations.RunPython(date_deprecations, migrations.RunPython.noop),
    ]
