"""How callers choose between versions of an API."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0020_document_parts"),
    ]

    operations = [
        migrations.AddField(
            model_name="api",
            name="version_by",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
    ]
