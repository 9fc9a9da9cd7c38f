"""Among how many nodes of a gateway are shared rates divided?

Those that hold a table and have reported lately. A node that joins counts at once; one that falls
silent counts for `RATES_SHRINK_AFTER` more, because its Envoy may serve on while its agent or the
way to it is down. While the control plane is down every node keeps the part that it has.
"""

from datetime import datetime

from django.db.models import Q

from headgate.access.shares import RateNodes, counted
from headgate.store import events
from headgate.store.models import Gateway, QuotaHolder
from headgate.store.services.gateway.nodes import NODE_STALE_AFTER


def present(gateway: Gateway, at: datetime) -> RateNodes:
    """What counts at this moment, whether it is written down yet or not."""
    kept = RateNodes(gateway.rate_nodes, gateway.rates_shrink_at)
    return counted(kept, _live(gateway, at), at)


def is_kept(gateway: Gateway, at: datetime) -> bool:
    """Whether what counts is written down."""
    return present(gateway, at) == RateNodes(gateway.rate_nodes, gateway.rates_shrink_at)


def settle(gateway: Gateway, at: datetime) -> int:
    """Write down what counts, in the caller's transaction, and tell the nodes of another number."""
    found = present(gateway, at)
    if found.nodes != gateway.rate_nodes:
        events.announce(events.Topic.LEASE)
    if found != RateNodes(gateway.rate_nodes, gateway.rates_shrink_at):
        gateway.rate_nodes, gateway.rates_shrink_at = found.nodes, found.shrinks_at
        gateway.save(update_fields=["rate_nodes", "rates_shrink_at"])
    return found.nodes


def _live(gateway: Gateway, at: datetime) -> int:
    """Nodes whose table has its part: heard of lately, or so new that no report has come yet."""
    lately = at - NODE_STALE_AFTER
    found = QuotaHolder.objects.filter(node__gateway=gateway, node__removed_at=None, ended_at=None)
    return found.filter(Q(node__state__received_at__gte=lately) | Q(created_at__gte=lately)).count()
