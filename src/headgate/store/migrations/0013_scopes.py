from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0012_quotas"),
    ]

    operations = [
        migrations.AddField(
            model_name="operation",
            name="needs_data",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="credential",
            name="scopes",
            field=models.JSONField(default=list),
        ),
    ]
