"""Which part of a shared quota does each node get? Never more, all together, than the quota.

Every exchange is one transaction, alone among its like. What a node says is absolute, and what
counts against a quota is the most that any node may believe to hold: a message that is lost, late
or doubled costs part of a quota for a moment, and never grants more.

Fails closed: what the store does not know (a subscription, a window) is not granted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from headgate.access.shares import Part, divided, divisor_for, is_final, slice_of, told
from headgate.model.leases import (
    DIVISOR_ALL,
    DIVISOR_NOTHING,
    Held,
    Lease,
    LeaseAnswer,
    LeaseRequest,
    Place,
    Recall,
    Want,
)
from headgate.model.limits import Limit, LimitKind
from headgate.store import events
from headgate.store.models import Node, QuotaHolder, QuotaLease, Subscription
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.gateway import rate_nodes
from headgate.store.services.transactions import change

SECOND = timedelta(seconds=1)
INDEX_LEAD_MAX = 1  # windows by which a node's clock may be off
RECALLS_PER_ANSWER_MAX = 500


@dataclass(frozen=True)
class _Quota:
    """One quota of one subscription in one window, with everybody's part of it."""

    place: Place
    limit: Limit
    gateway: int

    @cached_property
    def starts_at(self) -> datetime:
        return self.limit.window_start(self.place.index)

    @cached_property
    def holders(self) -> list[QuotaHolder]:
        """Everybody whose part counts in this window.

        A holder that ended before the window began does not, nor one that never shared: whoever
        follows it counts anew, as it was when it was alone.
        """
        found = QuotaHolder.objects.filter(node__gateway_id=self.gateway).select_related("node")
        return [holder for holder in found if _counts(holder, self.starts_at)]

    @cached_property
    def leases(self) -> dict[int, QuotaLease]:
        """The leases of this window, by holder."""
        place = {"slot": self.place.slot, "index": self.place.index}
        found = QuotaLease.objects.filter(subscription=self.place.row, **place)
        return {lease.holder_id: lease for lease in found}

    def part(self, holder: QuotaHolder) -> Part:
        """What a holder may let pass."""
        lease = self.leases.get(holder.pk)
        if lease is not None:
            return Part(lease.granted, _end(holder) is None, lease.is_spent)
        amount = self.limit.amount
        if holder.since is not None and self.starts_at < holder.since:
            return Part(0, _end(holder) is None, is_spent=False)
        granted = max(divided(amount, holder.divisor), divided(amount, holder.offered))
        return Part(granted, _end(holder) is None, is_spent=False)

    def fixed(self, holder: QuotaHolder) -> QuotaLease:
        """The lease of a holder, made with its present part where there is none."""
        lease = self.leases.get(holder.pk)
        if lease is None:
            lease = QuotaLease(
                holder=holder,
                subscription=self.place.row,
                slot=self.place.slot,
                index=self.place.index,
                granted=self.part(holder).granted,
                ends_at=self.limit.window_start(self.place.index + 1),
                version=0,
            )
            self.leases[holder.pk] = lease
        return lease


@change()
def exchange(actor: Actor, request: LeaseRequest) -> LeaseAnswer:
    """Take in what a node holds, grant what it wants, and say what it is to give back.

    Raises:
        Problem: FORBIDDEN without the scope `node`; NOT_FOUND: the node was deleted.
    """
    holder = _holder(actor, request)
    for held in request.held:
        _take_in(actor, holder, held)
    divisor = _divisor(actor, holder, request)
    leases = tuple(
        lease for want in request.wants if (lease := _grant(actor, holder, want)) is not None
    )
    nodes = rate_nodes.settle(holder.node.gateway, actor.at)
    return LeaseAnswer(divisor, _since_s(holder), nodes, leases, _recalls(holder, actor.at))


def news(actor: Actor, request: LeaseRequest) -> LeaseAnswer | None:
    """What a node that wants nothing has to know; None while there is nothing.

    Raises:
        Problem: as `exchange`.
    """
    known = QuotaHolder.objects.select_related("node__gateway")
    holder = known.filter(
        node__name=actor.node, node__removed_at=None, epoch=request.epoch, ended_at=None
    ).first()
    if holder is None or not _is_up_to_date(holder, request, actor.at):
        answer = exchange(actor, request)
        has = (request.divisor, request.rate_nodes)
        return answer if (answer.divisor, answer.rate_nodes) != has or answer.recalls else None
    recalls = _recalls(holder, actor.at)
    if not recalls:
        return None
    return LeaseAnswer(holder.divisor, _since_s(holder), request.rate_nodes, recalls=recalls)


def _is_up_to_date(holder: QuotaHolder, request: LeaseRequest, at: datetime) -> bool:
    """Whether the node divides by what it should, quotas and rates alike."""
    gateway = holder.node.gateway
    divides_rates = request.rate_nodes == gateway.rate_nodes and rate_nodes.is_kept(gateway, at)
    by = request.divisor
    return divides_rates and by == holder.divisor == holder.offered == gateway.quota_divisor


def _holder(actor: Actor, request: LeaseRequest) -> QuotaHolder:
    """The life of a table that speaks; the lives before it end."""
    actor.require(Scope.NODE)
    node = Node.objects.select_related("gateway").filter(name=actor.node, removed_at=None).first()
    if node is None:
        raise not_found("node", actor.node or "")
    holder = QuotaHolder.objects.filter(node=node, epoch=request.epoch).first()
    if holder is None:
        # A table that we do not know and that does not say which part it has may have it all.
        divisor = DIVISOR_ALL if request.divisor is None else request.divisor
        QuotaHolder.objects.filter(node=node, ended_at=None).update(ended_at=actor.at)
        holder = QuotaHolder.objects.create(
            node=node, epoch=request.epoch, divisor=divisor, offered=divisor, created_at=actor.at
        )
        events.announce(events.Topic.LEASE)
    return holder


def _divisor(actor: Actor, holder: QuotaHolder, request: LeaseRequest) -> int:
    """What the node shall divide by. What it says that it has is taken down first."""
    gateway = holder.node.gateway
    live = list(_live(gateway.pk))
    target = divisor_for(len(live), gateway.quota_divisor)
    if target != gateway.quota_divisor:
        gateway.quota_divisor = target
        gateway.save(update_fields=["quota_divisor"])
        events.announce(events.Topic.LEASE)
    if request.divisor is not None and request.divisor != holder.divisor:
        holder.divisor = request.divisor
        if request.divisor == target:
            holder.offered = target
        events.announce(events.Topic.LEASE)  # another may be waiting for this room
    own = _has(holder)
    found = told(target, own, [_has(other) for other in live if other.pk != holder.pk])
    if own == DIVISOR_NOTHING:
        holder.offered = found  # a part that grows counts from the moment it is offered
        if found not in {DIVISOR_ALL, DIVISOR_NOTHING}:
            holder.since = actor.at.replace(microsecond=0) + SECOND
    holder.save()
    return found


def _has(holder: QuotaHolder) -> int:
    """What a holder divides by: what it said, or what it was offered while it had nothing."""
    return holder.offered if holder.divisor == DIVISOR_NOTHING else holder.divisor


def _since_s(holder: QuotaHolder) -> int:
    return int(holder.since.timestamp()) if holder.since else 0


def _live(gateway: int) -> list[QuotaHolder]:
    found = QuotaHolder.objects.filter(node__gateway_id=gateway, node__removed_at=None)
    return list(found.filter(ended_at=None))


def _take_in(actor: Actor, holder: QuotaHolder, held: Held) -> None:
    """A part that a node has fixed (version 0: if we know of none), or made smaller."""
    quota = _quota(actor, holder, held.place)
    if quota is None:
        return
    lease = quota.fixed(holder)
    is_known = lease.pk is not None
    if held.version != (lease.version if is_known else 0) or (
        is_known and held.granted > lease.granted
    ):
        return
    lease.granted, lease.is_spent, lease.is_recalled = held.granted, held.is_spent, False
    lease.version += 1
    lease.save()


def _grant(actor: Actor, holder: QuotaHolder, want: Want) -> Lease | None:
    quota = _quota(actor, holder, want.place)
    if quota is None:
        return None
    own = quota.fixed(holder)
    if want.granted < own.granted and own.pk is not None:
        return Lease(want.place, own.granted, is_final=False)  # an answer was lost
    own.granted = max(own.granted, want.granted)  # a store that was restored knows less
    more = slice_of(quota.limit.amount, [quota.part(one) for one in quota.holders])
    if more:
        own.granted += more
        own.version += 1
        own.is_spent = False
        own.save()
        return Lease(want.place, own.granted, is_final=False)
    others = [one for one in quota.holders if one.pk != holder.pk]
    if is_final([quota.part(one) for one in others]):
        return Lease(want.place, own.granted, is_final=True)
    for other in others:
        _recall(quota, other)
    return Lease(want.place, own.granted, is_final=False)


def _recall(quota: _Quota, holder: QuotaHolder) -> None:
    """Ask a node for what is left of its part; it hears of it by its long poll."""
    lease = quota.fixed(holder)
    if lease.is_recalled or lease.is_spent or not lease.granted or _end(holder) is not None:
        return
    lease.is_recalled = True
    lease.version += 1
    lease.save()
    events.announce(events.Topic.LEASE)


def _recalls(holder: QuotaHolder, at: datetime) -> tuple[Recall, ...]:
    found = QuotaLease.objects.filter(holder=holder, is_recalled=True, ends_at__gt=at)
    return tuple(
        Recall(Place(lease.subscription, lease.slot, lease.index), lease.version)
        for lease in found.order_by("pk")[:RECALLS_PER_ANSWER_MAX]
    )


def _quota(actor: Actor, holder: QuotaHolder, place: Place) -> _Quota | None:
    """The quota at a place; None where there is none, or not in a window that runs now."""
    found = Subscription.objects.select_related("plan").filter(pk=place.row).first()
    limits = found.plan.limits if found is not None else ()
    limit = limits[place.slot] if 0 <= place.slot < len(limits) else None
    if limit is None or limit.kind is not LimitKind.QUOTA:
        return None
    if abs(place.index - limit.window_index(actor.at)) > INDEX_LEAD_MAX:
        return None
    return _Quota(place, limit, holder.node.gateway_id)


def _counts(holder: QuotaHolder, starts_at: datetime) -> bool:
    end = _end(holder)
    return end is None or (holder.divisor != DIVISOR_ALL and end > starts_at)


def _end(holder: QuotaHolder) -> datetime | None:
    """When a holder ended: with its table, or with its node."""
    return holder.ended_at or holder.node.removed_at
