"""How much of its quotas has a subscription used in their present windows?

By the filter's counters, as nodes report them every few seconds: exact, and a moment old.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from headgate.model.limits import WINDOWS_TOLD, Limit, LimitKind
from headgate.store.models import Gateway, Subscription
from headgate.store.services.gateway import quota_uses


@dataclass(frozen=True, slots=True)
class QuotaState:
    """One quota at one gateway, in its present window."""

    gateway: str
    limit: Limit
    used: int
    starts_at: datetime
    ends_at: datetime


def of(rows: Sequence[Subscription], at: datetime) -> list[tuple[Subscription, QuotaState]]:
    """The quotas of each that nodes tell of, the shortest window first; without shadow ones."""
    served = list(Gateway.objects.filter(removed_at=None).order_by("name"))
    limits = {
        (row.pk, slot, limit.window_index(at)): (row, limit)
        for row in rows
        for slot, limit in enumerate(row.plan.limits)
        if limit is not None and _is_told(limit)
    }
    used = quota_uses.used(limits, served)
    found: list[tuple[Subscription, QuotaState]] = []
    for place, (row, limit) in limits.items():
        states = [
            QuotaState(
                gateway.name,
                limit,
                used[gateway.pk, place][0],
                limit.window_start(place[2]),
                limit.window_start(place[2] + 1),
            )
            for gateway in served
        ]
        # a gateway that the subscription does not call has nothing to tell
        found += [(row, state) for state in states if state.used] or [(row, states[0])]
    return sorted(found, key=lambda one: (one[0].pk, one[1].ends_at - one[1].starts_at))


def _is_told(limit: Limit) -> bool:
    is_quota = limit.kind is LimitKind.QUOTA and not limit.is_shadow
    return is_quota and limit.window in WINDOWS_TOLD
