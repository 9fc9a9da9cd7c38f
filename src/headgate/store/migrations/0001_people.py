"""Who signs in? A step of its own: allauth's tables, made before the others, name people.

Django renders every related model anew at each step of a migration, so allauth's thirty steps
take a second less while there are no other tables.
"""

from django.db import migrations, models

from headgate.store.migrations._replaced import PEOPLE
from headgate.store.migrations._rows import ROW


class Migration(migrations.Migration):
    initial = True
    replaces = (("store", PEOPLE),)

    operations = (
        migrations.CreateModel(
            name="User",
            fields=[
                *ROW,
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("role", models.CharField(blank=True, max_length=16)),
                ("language", models.CharField(blank=True, max_length=8)),
                ("is_active", models.BooleanField(default=True)),
                ("mails_off", models.JSONField(default=list)),
            ],
        ),
    )
