from typing import Any

from django.db import migrations, models

from headgate.catalog.about import about
from headgate.store.models.catalog import unpack


def fill_in(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001  # Django's signature
    """The words of documents that were imported before there was a catalogue."""
    documents = apps.get_model("store", "Document").objects
    for key in list(documents.values_list("pk", flat=True)):
        row = documents.only("bundled_packed").get(pk=key)
        told = about(unpack(row.bundled_packed))
        documents.filter(pk=key).update(
            about=told.description, tags=list(told.tags), words=told.words
        )


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0021_version_choice"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="about",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="document",
            name="tags",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="document",
            name="words",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
