"""How are the nodes? What they report, and which revision is live on them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType
from headgate.model.codec import as_data
from headgate.model.node import CounterReading, NodeReport
from headgate.store import events
from headgate.store.models import Gateway, Node, NodeCounter, NodeState
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.gateway import gateways, quota_uses
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    check_name,
    invalid,
    page_of,
    refused,
)

NODE_STALE_AFTER = timedelta(seconds=20)  # several reports missed
NODES_MAX = 1000
COUNTERS_BATCH = 500  # rows per statement
NODE_SHOWN_MAX = 80  # characters of a name that somebody claims


@dataclass(frozen=True, slots=True)
class NodeLiveness:
    """What one node says of a revision; `error` is Envoy's own word when it refused it."""

    name: str
    revision_live: int
    error: str
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether a revision (or a later one) is live on every node that is there.

    `is_settled`: nothing more is to come: live everywhere, or refused somewhere, or the gateway
    has no node. One that is known and silent may only be starting.
    """

    is_live: bool
    is_settled: bool
    nodes: tuple[NodeLiveness, ...]


def page(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT) -> Page[Node]:
    """Nodes with their last state (`node.state`, absent before the first report)."""
    actor.require_operator(Scope.READ, "node")
    return page_of(_live().select_related("gateway", "state"), cursor, limit)


def get(actor: Actor, name: str) -> Node:
    """One node.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "node")
    node = _live().select_related("gateway", "state").filter(name=name).first()
    if node is None:
        raise not_found("node", name)
    return node


def visible(actor: Actor) -> QuerySet[Node]:
    """The nodes that the actor may know of, with their last state: all, or none at all."""
    actor.require_operator(Scope.READ, "node")
    return _live().select_related("gateway", "state")


@change()
def register(actor: Actor, *, name: str, gateway: str) -> Node:
    """A new node of a gateway. `node_tokens.add` also makes the token that lets it in.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; INVALID_INPUT; ALREADY_EXISTS; NOT_FOUND:
            the gateway; CONFLICT: too many nodes.
    """
    actor.require_operator(Scope.ADMIN, "node")
    check_name(name)
    if "-" in name:  # it separates the parts of a segment's name
        raise invalid(
            phrase("The node name {name!r} holds a hyphen; write '_' or '.'.", name=name), "/name"
        )
    if _live().filter(name=name).exists():
        raise already_exists("a node", name)
    if _live().count() >= NODES_MAX:
        raise refused(
            phrase("There are {most} nodes already.", most=NODES_MAX), "Delete those that are gone."
        )
    served = gateways.find(gateway)
    node = Node.objects.create(id=new_id("nod"), created_at=actor.at, gateway=served, name=name)
    audit.record(actor, Action.NODE_REGISTERED, name, after={"id": node.id, "gateway": gateway})
    return node


@change()
def delete(actor: Actor, name: str) -> None:
    """Forget a node that is gone for good, and end its tokens: one that still runs stays out.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND.
    """
    actor.require_operator(Scope.ADMIN, "node")
    node = get(actor, name)
    node.removed_at = actor.at
    node.save()
    NodeState.objects.filter(node=node).delete()
    end_tokens(actor, node)
    audit.record(actor, Action.NODE_DELETED, name, before={"id": node.id})


@transaction.atomic
def report(actor: Actor, said: NodeReport) -> None:
    """Keep what a node says of itself and its counters. A report older than the last is ignored.

    Raises:
        Problem: FORBIDDEN without the scope `node`, and for another node than the token's;
            NOT_FOUND: the node was deleted at this moment.
    """
    check_speaker(actor, said.node)
    node = _live().select_related("gateway").filter(name=said.node).first()
    if node is None:
        raise not_found("node", said.node)
    quota_uses.take_in(node, said.quotas, actor.at)  # they hold whenever they were said
    state = NodeState.objects.filter(node=node).first()
    if state is not None and _is_old_news(state, said, actor.at):
        return
    has_news = state is None or (state.revision_live, state.revision_error) != (
        said.revision_live,
        said.revision_error,
    )
    NodeState.objects.update_or_create(
        node=node,
        defaults={
            "received_at": actor.at,
            "reported_at": said.reported_at,
            "revision_seen": said.revision_seen,
            "revision_live": said.revision_live,
            "revision_error": said.revision_error,
            "envoy_state": said.envoy_state,
            "report": as_data(replace(said, counters=(), quotas=())),
        },
    )
    _count(node, said.counters)
    if has_news:
        events.announce(events.Topic.NODE)


def liveness(actor: Actor, *, gateway: str, revision: int) -> Liveness:
    """Whether a revision is live on the nodes of a gateway that have reported lately.

    Raises:
        Problem: NOT_FOUND: the gateway.
    """
    actor.require_operator(Scope.READ, "gateway")
    served = gateways.find(gateway)
    nodes = tuple(_liveness(served, actor.at))
    present = [node for node in nodes if not node.is_stale]
    is_live = bool(present) and all(node.revision_live >= revision for node in present)
    is_refused = any(node.error and node.revision_live < revision for node in present)
    has_nodes = bool(nodes) or served.nodes.filter(removed_at=None).exists()
    return Liveness(is_live, is_live or is_refused or not has_nodes, nodes)


def check_speaker(actor: Actor, name: str) -> None:
    """Let a caller speak only for the node that its token belongs to.

    Raises:
        Problem: FORBIDDEN.
    """
    actor.require(Scope.NODE)
    if name != actor.node:
        raise Problem(
            ProblemType.FORBIDDEN,
            phrase(
                "This token belongs to the node '{node}', not to '{name}'.",
                node=actor.node,
                name=name[:NODE_SHOWN_MAX],
            ),
            phrase(
                "Start this node as `headgate node --name {node}`, or give it a token of its own:"
                " `headgate node add NAME`.",
                node=actor.node,
            ),
        )


def end_tokens(actor: Actor, node: Node) -> None:
    """Revoke every token of a node, in the caller's transaction; polls that wait are ended."""
    node.tokens.filter(removed_at=None).update(removed_at=actor.at)
    events.announce(events.Topic.TOKEN)


def is_stale(state: NodeState, now: datetime) -> bool:
    """Whether a node has been silent for too long."""
    return now - state.received_at > NODE_STALE_AFTER


def _is_old_news(state: NodeState, said: NodeReport, now: datetime) -> bool:
    """Whether a report was overtaken. A clock that stepped back silences no node for long."""
    return state.reported_at > said.reported_at and not is_stale(state, now)


def _live() -> QuerySet[Node]:
    return Node.objects.filter(removed_at=None)


def _liveness(served: Gateway, now: datetime) -> Iterable[NodeLiveness]:
    states = NodeState.objects.filter(node__gateway=served, node__removed_at=None)
    for state in states.select_related("node").order_by("node__name"):
        # An error speaks of the revision that the node saw last.
        error = state.revision_error if state.revision_seen >= served.revision else ""
        yield NodeLiveness(state.node.name, state.revision_live, error, is_stale(state, now))


def _count(node: Node, readings: Iterable[CounterReading]) -> None:
    """Counters are absolute within an epoch: the same reading twice changes nothing."""
    NodeCounter.objects.bulk_create(
        [
            NodeCounter(
                node=node,
                epoch=reading.epoch,
                kind=reading.kind,
                row=reading.row,
                allowed=reading.allowed,
                rejected=reading.rejected,
            )
            for reading in readings
        ],
        batch_size=COUNTERS_BATCH,
        update_conflicts=True,
        unique_fields=["node", "epoch", "kind", "row"],
        update_fields=["allowed", "rejected"],
    )
