"""Which access sequence number comes next? Given out inside the transaction that uses it.

The counter's row stays locked until the transaction commits, so numbers become visible in their
order: whoever has read N has seen everything up to N. On SQLite the IMMEDIATE transaction is
that lock.
"""

from collections.abc import Sequence
from typing import TypeVar

from django.db import transaction
from django.db.models import F

from headgate.core.problems import Bug
from headgate.store import events
from headgate.store.models import AccessCounter
from headgate.store.models.rows import FeedRow

CHANGED_ROWS_BATCH = 500  # rows per statement: below SQLite's limit of parameters

R = TypeVar("R", bound=FeedRow)


def next_sequence(count: int = 1) -> int:
    """The first of `count` new numbers. Wakes whoever waits for access rows after the commit."""
    if not transaction.get_connection().in_atomic_block:
        raise Bug("an access sequence number was asked for outside a transaction")
    if not AccessCounter.objects.update(sequence=F("sequence") + count):
        AccessCounter.objects.create(pk=1, sequence=count)
    events.announce(events.Topic.ACCESS)
    return AccessCounter.objects.get().sequence - count + 1


def touch(rows: Sequence[R]) -> None:
    """Give each of `rows` a new number and save it; other fields are the caller's to save."""
    if not rows:
        return
    first = next_sequence(len(rows))
    for offset, row in enumerate(rows):
        row.changed = first + offset
    type(rows[0])._default_manager.bulk_update(  # noqa: SLF001  # Django's public name for it
        rows, ["changed"], batch_size=CHANGED_ROWS_BATCH
    )


def last_sequence() -> int:
    """The last number that was given out."""
    counter = AccessCounter.objects.first()
    return counter.sequence if counter else 0
