"""Which secrets do settings name? One row each, the value encrypted."""

from django.db import models

from headgate.store.models.rows import NAME_CHARACTERS_MAX, Row, live_unique


class StoredSecret(Row):
    """A secret that settings name. `sealed`: the value, encrypted under `secret.key`.

    `version` grows with every value, so that a revision can say which one it was made with.
    """

    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    sealed = models.BinaryField()
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (live_unique("secret_name", "name"),)
