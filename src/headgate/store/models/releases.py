"""Which releases are under way, and how did the earlier ones end?"""

from django.db import models
from django.db.models import PROTECT, Q, UniqueConstraint

from headgate.store.models.catalog import APIVersion
from headgate.store.models.gateways import Gateway
from headgate.store.models.rows import TITLE_CHARACTERS_MAX, Row

HEADER_CHARACTERS_MAX = 200
CONDITION_CHARACTERS_MAX = 500


class Release(Row):
    """A further version's share of an API's traffic on one gateway.

    `removed_at` is when it ended. `since` is when it got its present share: its numbers count
    from then. Percentages are in hundredths. `outcome` and `reason` say how it ended.
    """

    gateway = models.ForeignKey(Gateway, on_delete=PROTECT, related_name="releases")
    stable = models.ForeignKey(APIVersion, on_delete=PROTECT, related_name="+")
    candidate = models.ForeignKey(APIVersion, on_delete=PROTECT, related_name="releases")
    percent_hundredths = models.PositiveIntegerField(default=0)
    header = models.CharField(max_length=HEADER_CHARACTERS_MAX, blank=True)
    value = models.CharField(max_length=HEADER_CHARACTERS_MAX, blank=True)
    mirror_hundredths = models.PositiveIntegerField(default=0)
    abort_if = models.CharField(max_length=CONDITION_CHARACTERS_MAX, blank=True)
    applications = models.JSONField(default=list)  # ids
    since = models.DateTimeField()
    outcome = models.CharField(max_length=16, blank=True)
    reason = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["gateway", "stable"],
                condition=Q(removed_at=None),
                name="store_release_live",
            ),
        )
