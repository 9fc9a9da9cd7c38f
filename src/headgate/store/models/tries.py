"""How often has somebody tried to get in lately? One row per subject and limit."""

from django.db import models

DIGEST_CHARACTERS = 64


class Try(models.Model):
    """What a limit remembers of one subject until `ends_at`.

    `name` is a SHA-256: neither addresses nor names of people stand here.
    """

    name = models.CharField(max_length=DIGEST_CHARACTERS, unique=True)
    value = models.JSONField()
    ends_at = models.DateTimeField(db_index=True)
