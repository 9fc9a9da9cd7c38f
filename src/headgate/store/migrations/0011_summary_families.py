from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0010_issuers"),
    ]

    operations = [
        migrations.AddField(
            model_name="trafficsummary",
            name="families",
            field=models.PositiveSmallIntegerField(default=6),
            preserve_default=False,
        ),
    ]
