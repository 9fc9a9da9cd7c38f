"""Which token lets a node in, and no other node? Made with the node, replaced, ended."""

from datetime import timedelta

from headgate.access.keys import new_token
from headgate.core.phrases import phrase
from headgate.store import events
from headgate.store.models import Node, Token
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.consumers import tokens
from headgate.store.services.consumers.tokens import IssuedToken
from headgate.store.services.gateway import nodes
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.store.services.transactions import change
from headgate.store.services.values import invalid, refused

OVERLAP_SECONDS_MAX = 7 * 24 * 3600
TOKENS_PER_NODE_MAX = 8  # live at once: a rotation and its overlap, several times over


@change()
def add(actor: Actor, *, name: str, gateway: str = DEFAULT_GATEWAY) -> IssuedToken:
    """A new node of a gateway, and the token that it is let in by.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; INVALID_INPUT; ALREADY_EXISTS; NOT_FOUND:
            the gateway; CONFLICT: too many nodes.
    """
    return _issue(actor, nodes.register(actor, name=name, gateway=gateway))


def listed(actor: Actor, name: str) -> list[Token]:
    """The live tokens of a node, at most `TOKENS_PER_NODE_MAX`.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND.
    """
    actor.require_operator(Scope.ADMIN, "node")
    return _live(nodes.get(actor, name))


@change()
def rotate(actor: Actor, name: str, *, overlap_seconds: int = 0) -> IssuedToken:
    """A new token for a node; the present ones end after `overlap_seconds` (0: at once).

    Also the way back for a node whose tokens were revoked.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND; INVALID_INPUT: the overlap;
            CONFLICT: too many tokens overlap.
    """
    actor.require_operator(Scope.ADMIN, "node")
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        raise invalid(
            phrase("The overlap is 0 to {most} seconds.", most=OVERLAP_SECONDS_MAX),
            "/overlap_seconds",
        )
    node = nodes.get(actor, name)
    old = _live(node)
    if overlap_seconds and len(old) >= TOKENS_PER_NODE_MAX:
        raise refused(
            phrase("The node '{name}' has {old} tokens already.", name=name, old=len(old)),
            "Rotate without an overlap.",
        )
    end_at = actor.at + timedelta(seconds=overlap_seconds)
    for token in old:
        token.expires_at = min(token.expires_at, end_at) if token.expires_at else end_at
        token.removed_at = None if overlap_seconds else actor.at
    Token.objects.bulk_update(old, ["expires_at", "removed_at"])
    events.announce(events.Topic.TOKEN)
    issued = _issue(actor, node)
    after = {"token": issued.token.id, "overlap_seconds": overlap_seconds}
    before = {"tokens": [token.id for token in old]}
    audit.record(actor, Action.NODE_TOKEN_ROTATED, name, before=before, after=after)
    return issued


@change()
def revoke(actor: Actor, name: str) -> None:
    """End every token of a node at once. It goes on serving what it has, and gets nothing new.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND.
    """
    actor.require_operator(Scope.ADMIN, "node")
    node = nodes.get(actor, name)
    before = {"tokens": [token.id for token in _live(node)]}
    nodes.end_tokens(actor, node)
    audit.record(actor, Action.NODE_TOKENS_REVOKED, name, before=before)


def _issue(actor: Actor, node: Node) -> IssuedToken:
    issued = tokens.insert(
        new_token(), name=f"node {node.name}", scopes=[Scope.NODE], at=actor.at, node=node
    )
    fields = tokens.fields(issued.token)
    audit.record(actor, Action.TOKEN_CREATED, issued.token.id, after=fields)
    return issued


def _live(node: Node) -> list[Token]:
    live = Token.objects.filter(node=node, removed_at=None).select_related("node__gateway")
    return list(live.order_by("pk"))
