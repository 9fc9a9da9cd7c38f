"""How much of their quotas have subscribers used, and who is to be told of it?

Nodes tell it with their reports, from the filter's counters. Each reading is absolute: the same
one twice changes nothing. A threshold is told once for each subscription, gateway and window.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from headgate.model.events import EventKind
from headgate.model.leases import DIVISOR_ALL, DIVISOR_NOTHING
from headgate.model.limits import WINDOWS_TOLD, Limit, LimitKind
from headgate.model.node import QuotaReading
from headgate.store.models import Gateway, Node, QuotaHolder, QuotaUse, Subscription
from headgate.store.services.alerts import event_log

INDEX_LEAD_MAX = 1  # windows by which a node's clock may be off
ROWS_BATCH = 200  # readings per statement
WARNING_PERCENT = 80
MARKS_KEPT = timedelta(days=2)  # after the window: no node speaks of it any more

Place = tuple[int, int, int]
"""Row of the subscription, slot of its plan, index of the window."""


@dataclass(frozen=True, slots=True)
class _Quota:
    subscription: Subscription
    limit: Limit
    index: int

    @property
    def ends_at(self) -> datetime:
        return self.limit.window_start(self.index + 1)


def take_in(node: Node, readings: Sequence[QuotaReading], now: datetime) -> None:
    """Keep what a node says, in the caller's transaction, and tell what has come to a threshold.

    Readings of what the store does not know (a subscription, a window) are passed over.
    """
    for start in range(0, len(readings), ROWS_BATCH):
        some = readings[start : start + ROWS_BATCH]
        known = _quotas(some, now)
        _keep(node, [one for one in some if _place(one) in known], known)
        found = used(known, [node.gateway])
        for place, quota in known.items():
            _tell(node.gateway, quota, *found[node.gateway.pk, place], now)


def _quotas(readings: Iterable[QuotaReading], now: datetime) -> dict[Place, _Quota]:
    """The quotas that readings speak of.

    Their subscriptions are locked until the commit: of two nodes that report at one moment, the
    second sees what the first has said.
    """
    wanted = {one.row for one in readings}
    rows = Subscription.objects.filter(pk__in=wanted, removed_at=None).order_by("pk")
    rows = rows.select_related("application__organization", "plan__product")
    found = {row.pk: row for row in rows.select_for_update(of=("self",), no_key=True)}
    known: dict[Place, _Quota] = {}
    for one in readings:
        subscription = found.get(one.row)
        limits = subscription.plan.limits if subscription else ()
        limit = limits[one.slot] if 0 <= one.slot < len(limits) else None
        if subscription is None or limit is None or not _is_told(limit, one.index, now):
            continue
        known[_place(one)] = _Quota(subscription, limit, one.index)
    return known


def _is_told(limit: Limit, index: int, now: datetime) -> bool:
    if limit.kind is not LimitKind.QUOTA or limit.window not in WINDOWS_TOLD:
        return False
    return abs(index - limit.window_index(now)) <= INDEX_LEAD_MAX


def _keep(node: Node, readings: Iterable[QuotaReading], known: dict[Place, _Quota]) -> None:
    QuotaUse.objects.bulk_create(
        [
            QuotaUse(
                node=node,
                epoch=one.epoch,
                subscription=one.row,
                slot=one.slot,
                index=one.index,
                used=one.used,
                is_refused=one.is_refused,
                ends_at=known[_place(one)].ends_at,
            )
            for one in readings
        ],
        update_conflicts=True,
        unique_fields=["subscription", "slot", "index", "node", "epoch"],
        update_fields=["used", "is_refused", "ends_at"],
    )


def used(
    places: Collection[Place], served: Collection[Gateway]
) -> dict[tuple[int, Place], tuple[int, bool]]:
    """What all nodes of a gateway have used, and whether one had to refuse, by gateways' rows.

    A table that ended while its node was alone does not count: the one after it began anew.
    """
    found: dict[tuple[int, Place], tuple[int, bool]] = defaultdict(lambda: (0, False))
    rows = QuotaUse.objects.filter(
        node__gateway__in=served,
        subscription__in={place[0] for place in places},
        index__in={place[2] for place in places},
    ).select_related("node")
    over = set(
        QuotaHolder.objects.filter(node__gateway__in=served)
        .filter(Q(divisor=DIVISOR_ALL) | Q(divisor=DIVISOR_NOTHING, offered=DIVISOR_ALL))
        .exclude(ended_at=None)
        .values_list("node_id", "epoch")
    )
    for row in rows:
        if (row.node_id, row.epoch) not in over:
            at = (row.node.gateway_id, (row.subscription, row.slot, row.index))
            number, is_refused = found[at]
            found[at] = (number + row.used, is_refused or row.is_refused)
    return found


def _tell(gateway: Gateway, quota: _Quota, used: int, is_refused: bool, now: datetime) -> None:  # noqa: FBT001  # a pair from `used`
    amount = quota.limit.amount
    is_over = is_refused or used >= amount
    if used * 100 >= amount * WARNING_PERCENT or is_over:
        _publish(EventKind.QUOTA_WARNING, gateway, quota, used, now)
    if is_over:
        _publish(EventKind.QUOTA_EXHAUSTED, gateway, quota, used, now)


def _publish(kind: EventKind, gateway: Gateway, quota: _Quota, used: int, now: datetime) -> None:
    subscription, limit = quota.subscription, quota.limit
    starts_at = limit.window_start(quota.index)
    # by what the limit is, not by its slot: that one may be given to another limit
    window = f"{limit.window}@{limit.anchor_day}"
    event_log.publish_once(
        now,
        kind,
        f"{subscription.id} {gateway.id} {window} {quota.index}",
        until=quota.ends_at + MARKS_KEPT,
        subject=subscription.id,
        organization=subscription.application.organization,
        data={
            "subscription": subscription.id,
            "application": subscription.application.path,
            "plan": subscription.plan.path,
            "gateway": gateway.name,
            "quota": str(limit).removesuffix(" shadow"),
            "amount": limit.amount,
            "used": used,
            "window_starts_at": starts_at.isoformat(),
            "window_ends_at": quota.ends_at.isoformat(),
            "is_shadow": limit.is_shadow,
        },
    )


def _place(reading: QuotaReading) -> Place:
    return reading.row, reading.slot, reading.index
