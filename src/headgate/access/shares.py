"""How are quotas and rates shared among nodes, so that their parts never add up to more?

Half of a quota is divided evenly and for good: a node has its part at the first call of a window,
and when the control plane is down. The other half is leased in slices to whoever runs low; when it
is gone, what others have not used is recalled. A shared rate is divided evenly among the nodes that
are there. Pure arithmetic.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.model.leases import DIVISOR_ALL, DIVISOR_NOTHING

SLICES = 16  # a slice is this part of the quota, at least one call
DIVIDED_PARTS = 2  # one half is divided, the other leased


RATES_SHRINK_AFTER = timedelta(seconds=60)
"""A node that is silent may still serve: so long its part of shared rates is left to it."""


@dataclass(frozen=True, slots=True)
class RateNodes:
    """Among how many nodes shared rates are divided, and when it shall be among fewer."""

    nodes: int
    shrinks_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one node may let pass in a window: its lease, or its divided part."""

    granted: int
    is_live: bool
    is_spent: bool


def divided(amount: int, divisor: int) -> int:
    """A node's part of a quota in a window in which it has no lease."""
    if divisor == DIVISOR_ALL:
        return amount
    return 0 if divisor == DIVISOR_NOTHING else amount // divisor


def divisor_for(nodes: int, present: int) -> int:
    """The divisor of every node of a gateway. Once it is shared, it never becomes smaller:
    parts that grow within a window could add up to more than the quota.
    """
    wanted = DIVIDED_PARTS * nodes if nodes > 1 else DIVISOR_ALL
    return max(wanted, present)


def told(target: int, own: int, others: Collection[int]) -> int:
    """Which divisor a node is told, given its own and those of the others.

    A node that has nothing yet gets its part once all others have made room for it.
    """
    if own == DIVISOR_NOTHING and any(other not in {target, DIVISOR_NOTHING} for other in others):
        return DIVISOR_NOTHING
    return target


def slice_of(amount: int, parts: Collection[Part]) -> int:
    """How much more may be granted to one node now, one slice at most; 0: there is nothing free."""
    free = amount - sum(part.granted for part in parts)
    return max(0, min(free, max(1, amount // SLICES)))


def is_final(others: Collection[Part]) -> bool:
    """Whether nothing can be recalled from the others any more."""
    return all(part.is_spent or not part.is_live or not part.granted for part in others)


def counted(present: RateNodes, live: int, at: datetime) -> RateNodes:
    """Among how many nodes shared rates are divided from now on, when so many are there.

    More count at once. Fewer count when they have been fewer for `RATES_SHRINK_AFTER`, seen at both
    ends of that time: while nobody looked, nobody could speak either.
    """
    live = max(1, live)
    if live >= present.nodes:
        return RateNodes(live)
    ends = present.shrinks_at
    if ends is None or at > ends + RATES_SHRINK_AFTER:
        return RateNodes(present.nodes, at + RATES_SHRINK_AFTER)
    return RateNodes(live) if at >= ends else present
