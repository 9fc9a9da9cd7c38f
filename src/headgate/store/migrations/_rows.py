"""Which columns do many tables share? Django clones a field for each model that it makes of it."""

from django.db import models

NUMBERED = (
    (
        "id",
        models.BigAutoField(
            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
        ),
    ),
)
ROW = (
    ("row", models.BigAutoField(primary_key=True, serialize=False)),
    ("id", models.CharField(max_length=16, unique=True)),
    ("created_at", models.DateTimeField()),
    ("removed_at", models.DateTimeField(blank=True, null=True)),
)
FEED_ROW = (*ROW, ("changed", models.BigIntegerField(db_index=True)))
