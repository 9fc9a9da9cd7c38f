"""What was published of an API, and what did it change for its callers?"""

from django.db import models
from django.db.models import CASCADE

from headgate.store.models.catalog import APIVersion
from headgate.store.models.rows import ID_CHARACTERS

NOTE_CHARACTERS_MAX = 4_000


class ChangelogEntry(models.Model):
    """One publication, or one step towards the end. Made once, never changed.

    `changes`: as `services.changelog` writes them; `dropped` counts those beyond its limit.
    `compared`: the name of the version that they are relative to, where that is another one.
    `data`: what a deprecation or retirement says. `sha256`: the published document's, empty where
    none was published; `document_packed`: that document, once another has taken its place and
    until the next is published.
    """

    row = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=ID_CHARACTERS, unique=True)
    version = models.ForeignKey(APIVersion, on_delete=CASCADE, related_name="changelog")
    kind = models.CharField(max_length=16)
    at = models.DateTimeField()
    note = models.CharField(max_length=NOTE_CHARACTERS_MAX, blank=True)
    compared = models.CharField(max_length=63, blank=True)
    changes = models.JSONField(default=list)
    dropped = models.PositiveIntegerField(default=0)
    is_breaking = models.BooleanField(default=False)
    data = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64, blank=True)
    document_packed = models.BinaryField(default=b"")
