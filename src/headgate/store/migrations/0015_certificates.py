import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0014_caller_policies"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClientCertificate",
            fields=[
                (
                    "credential",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="client_certificate",
                        serialize=False,
                        to="store.credential",
                    ),
                ),
                ("issuer", models.CharField(max_length=500)),
                ("kind", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=500)),
            ],
        ),
    ]
