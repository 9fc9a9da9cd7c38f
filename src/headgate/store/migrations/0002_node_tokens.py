"""Whose is a node's token? The node's: until here it was its gateway's, for any node of it."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def bind(apps: Any, _schema: Any) -> None:
    """The token of the node on the same machine is bound to it; the others cannot be, and end."""
    tokens = apps.get_model("store", "Token")
    local = apps.get_model("store", "Node").objects.filter(name="local", removed_at=None).first()
    for token in tokens.objects.filter(removed_at=None):
        if token.scopes != ["node"]:
            continue
        if local is not None and token.name == "local node":
            token.node, token.name = local, "node local"
        else:
            token.removed_at = token.created_at
        token.save()


class Migration(migrations.Migration):
    dependencies = (("store", "0001_initial"),)

    operations = (
        migrations.AddField(
            model_name="token",
            name="node",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tokens",
                to="store.node",
            ),
        ),
        migrations.RunPython(bind, migrations.RunPython.noop),
        migrations.RemoveField(model_name="token", name="gateway"),
    )
