"""Which traffic is stored, and what does it add up to? The catalog beside the Parquet files.

A file that is not listed here does not exist for any reader. Segments, file and totals of one
batch are written in one transaction, so they can never disagree; so are a merged file and its
summary.
"""

from django.db import models

SEGMENT_NAME_CHARACTERS_MAX = 200
NAME_CHARACTERS_MAX = 200  # node, API and version as the log line names them
OPERATION_CHARACTERS_MAX = 400  # operation ids may be method and path
VERDICT_CHARACTERS_MAX = 32


class Lease(models.Model):
    """Who may do a piece of background work now; one row per kind of work.

    `token` grows with every new holder. A holder proves it inside its commit transaction, so
    one that slept through its expiry cannot write any more. `progress` says how far the work
    has come: the number of the last segment that was stored, or of swaps of files.
    """

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=120)
    token = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()
    progress = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "store"


class TrafficFile(models.Model):
    """One immutable Parquet file of request records, by its path below the traffic folder.

    `batch_first` and `batch_last` bound the numbers of the segments in it, `first_at` and
    `last_at` its records' `started_at` (inclusive). A file with `replaced_at` is no longer
    read; it is unlinked after a grace period. `is_final`: query values are gone for good.
    """

    path = models.CharField(max_length=300, unique=True)
    tier = models.PositiveSmallIntegerField()
    records = models.PositiveBigIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    batch_first = models.PositiveBigIntegerField()
    batch_last = models.PositiveBigIntegerField()
    is_final = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "store"
        indexes = (
            models.Index(fields=("replaced_at", "last_at"), name="traffic_file_time"),
            models.Index(fields=("replaced_at", "batch_last"), name="traffic_file_batch"),
        )


class TrafficSegment(models.Model):
    """One sealed segment that has been stored: its name can never be stored again.

    `records` + `rejected` = `lines`, always. `batch` is its number in the order of storing; it
    stands in each of its records.
    """

    name = models.CharField(max_length=SEGMENT_NAME_CHARACTERS_MAX, primary_key=True)
    node = models.CharField(max_length=NAME_CHARACTERS_MAX)
    batch = models.PositiveBigIntegerField()
    lines = models.PositiveBigIntegerField()
    records = models.PositiveBigIntegerField()
    rejected = models.PositiveBigIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    ingested_at = models.DateTimeField()

    class Meta:
        app_label = "store"
        indexes = (models.Index(fields=("ingested_at",), name="traffic_segment_time"),)


class TrafficSummary(models.Model):
    """What the records of one file add up to, as a small Parquet file beside it.

    `file` is None when the records were removed for their age: the summary is kept longer. One
    with `replaced_at` is no longer read; it is unlinked after a grace period. `families` says how
    many of `traffic.summaries.FAMILIES` it holds, from the first on.
    """

    path = models.CharField(max_length=300, unique=True)
    families = models.PositiveSmallIntegerField()
    file = models.ForeignKey(TrafficFile, null=True, on_delete=models.SET_NULL)
    records = models.PositiveBigIntegerField()
    rows = models.PositiveBigIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    created_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "store"
        indexes = (models.Index(fields=("replaced_at", "last_at"), name="traffic_summary_time"),)


class TrafficTotal(models.Model):
    """Records stored since the store was made, as the filter counts them. Never pruned.

    `kind` is that of `model.node.CounterKind`: an application's row leaves the operation's
    columns empty and the other way round. `verdict` is the filter's own word, before Envoy's
    flags override it: this is what the filter's counters are compared with.
    """

    node = models.CharField(max_length=NAME_CHARACTERS_MAX)
    kind = models.CharField(max_length=16)
    application = models.CharField(max_length=16)
    api = models.CharField(max_length=NAME_CHARACTERS_MAX)
    version = models.CharField(max_length=NAME_CHARACTERS_MAX)
    operation = models.CharField(max_length=OPERATION_CHARACTERS_MAX)
    verdict = models.CharField(max_length=VERDICT_CHARACTERS_MAX)
    records = models.PositiveBigIntegerField()

    class Meta:
        app_label = "store"
        constraints = (
            models.UniqueConstraint(
                fields=("node", "kind", "application", "api", "version", "operation", "verdict"),
                name="traffic_total_key",
            ),
        )


class TrafficEvent(models.Model):
    """What went wrong in the traffic store, by kind: how often, when last, and the words."""

    kind = models.CharField(max_length=40, primary_key=True)
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()
    detail = models.CharField(max_length=500)

    class Meta:
        app_label = "store"
