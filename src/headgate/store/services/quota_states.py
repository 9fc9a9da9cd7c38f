"""How much of its quotas has a subscription used in their present windows?

By the filter's counters, as nodes report them every few seconds: exact, and a moment old.
"""

from dataclasses import dataclass
from datetime import datetime

from headgate.model.limits import WINDOWS_TOLD, Limit, LimitKind
from headgate.store.models import Gateway, Subscription
from headgate.store.services import quota_uses


@dataclass(frozen=True, slots=True)
class QuotaState:
    """One quota at one gateway, in its present window."""

    gateway: str
    limit: Limit
    used: int
    starts_at: datetime
    ends_at: datetime


def of(subscription: Subscription, at: datetime) -> list[QuotaState]:
    """The quotas that nodes tell of, the shortest window first; shadow ones are left out."""
    found = []
    served = list(Gateway.objects.filter(removed_at=None).order_by("name"))
    for slot, limit in enumerate(subscription.plan.limits):
        if limit is None or limit.kind is not LimitKind.QUOTA or limit.is_shadow:
            continue
        if limit.window not in WINDOWS_TOLD:
            continue
        index = limit.window_index(at)
        place = (subscription.pk, slot, index)
        states = [
            QuotaState(
                gateway.name,
                limit,
                quota_uses.used_of(gateway, [place])[place][0],
                limit.window_start(index),
                limit.window_start(index + 1),
            )
            for gateway in served
        ]
        # a gateway that the subscription does not call has nothing to tell
        found += [state for state in states if state.used] or states[:1]
    return sorted(found, key=lambda state: state.ends_at - state.starts_at)
