"""What do all rows have in common? A public id, a birth, an end, and a place in the feed.

Rows that were ever given to a gateway are never deleted: they end (`removed_at`), so that their
number is never given to something else. Primary keys are AUTOINCREMENT on SQLite and sequences
on PostgreSQL: neither gives a number twice.
"""

from django.db import models

ID_CHARACTERS = 16
NAME_CHARACTERS_MAX = 63
TITLE_CHARACTERS_MAX = 200
DESCRIPTION_CHARACTERS_MAX = 4000


class Row(models.Model):
    """A row with a public id (`org_…`), made at one instant, perhaps ended at another."""

    row = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=ID_CHARACTERS, unique=True)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class FeedRow(Row):
    """A row that gateways hold in their access table. `changed`: its last access sequence."""

    changed = models.BigIntegerField(db_index=True)

    class Meta:
        abstract = True


def live_unique(name: str, *fields: str) -> models.UniqueConstraint:
    """`fields` are unique among the rows that have not ended."""
    return models.UniqueConstraint(
        fields=fields, condition=models.Q(removed_at=None), name=f"store_{name}_live"
    )
