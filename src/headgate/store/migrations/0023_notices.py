"""Who has yet to be told that a version or an operation ends."""

from typing import Any

from django.db import migrations, models


def leave_old_ones(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001  # Django's signature
    """Whoever calls an operation that was deprecated before there were notices is not told now."""
    apps.get_model("store", "Operation").objects.filter(is_deprecated=True).update(is_told=True)


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0022_about"),
    ]

    operations = [
        migrations.AddField(
            model_name="apiversion",
            name="untold",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
        migrations.AddField(
            model_name="operation",
            name="is_told",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(leave_old_ones, migrations.RunPython.noop),
    ]
