"""Which sums of a file's records stand beside it, and which questions do they answer?

A summary belongs to one immutable file of records and says what all of them add up to. A question
about a time that holds the whole file may read the one or the other and get the same answer, so
nothing can be counted twice or stale. Summaries are small and are kept longer than the records.
"""

from collections.abc import Collection

from headgate.traffic.compaction import Tier
from headgate.traffic.sums import RECORDED, Measures

FAMILIES: tuple[tuple[str, ...], ...] = (
    ("api", "status", "verdict"),
    ("api", "version", "operation"),
    ("organization", "application", "plan"),
    ("organization", "application", "plan", "api"),
    ("api", "version", "operation", "status", "verdict"),
    ("organization", "application", "plan", "status", "verdict"),
)
"""What the sums are by; the first that fits a question is the smallest. Each family holds all
records once more: by outcome as well, the larger ones would be twice as slow to read."""

HOUR_FAMILIES = 3  # the first ones: an hour's summary is made anew when its day is closed
HOUR_RECORDS_MIN = 50_000  # below, an hour's records are read as fast as their sums

NAMES = ("organization", "application", "plan", "api", "version", "operation", "status", "verdict")
_NONE = {"status": "0::USMALLINT"}

SUMMED = Measures(
    bucket="bucket",
    number="sum(number)",
    allowed="sum(allowed)",
    errors="sum(errors)",
    would_refuse="sum(would_refuse)",
    duration="sum(duration)",
    received="sum(received)",
    sent="sum(sent)",
)
"""How the rows of a summary are added up."""


def families_for(tier: Tier, records: int) -> int:
    """How many families the summary of a merged file holds, 0: it gets none.

    All for a day, because its summary outlives the records.
    """
    if tier == Tier.DAY:
        return len(FAMILIES)
    return HOUR_FAMILIES if tier >= Tier.HOUR and records >= HOUR_RECORDS_MIN else 0


def family_of(columns: Collection[str]) -> int | None:
    """The smallest family that tells these columns apart, None when no summary does."""
    for number, family in enumerate(FAMILIES):
        if {*columns} <= {*family}:
            return number
    return None


def family_sql(number: int, source: str) -> str:
    """The sums of one family over records; names that are not its own are empty."""
    family = FAMILIES[number]
    names = (n if n in family else f"{_NONE.get(n, chr(39) * 2)} AS {n}" for n in NAMES)
    return (
        f"SELECT {number}::UTINYINT AS family, {', '.join(names)}, {RECORDED.selected()}"  # noqa: S608  # our own words
        f" FROM {source} GROUP BY ALL"
    )
