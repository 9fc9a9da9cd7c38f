"""Which tokens of the REST API are there, and who presents one?"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from headgate.access.keys import Secret, digest, is_same, is_token, new_token
from headgate.core.ids import new_id
from headgate.core.problems import Problem, ProblemType
from headgate.store import events
from headgate.store.models import Node, Token
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, implied, not_found
from headgate.store.services.audit import Action
from headgate.store.services.consumers import organizations, teams
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    as_fields,
    check_expiry,
    check_text,
    invalid,
    page_of,
)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token. `secret.text` is shown now and never again."""

    token: Token
    secret: Secret


def authenticate(text: str, *, at: datetime, address: str = "", request_id: str = "") -> Actor:
    """Whoever presents `text`. The look-up is by SHA-256, the comparison in constant time.

    Raises:
        Problem: UNAUTHENTICATED: malformed, unknown, revoked or expired; which one is not said.
    """
    # What is not written like a token may not even be text that has a digest.
    sha256 = digest(text) if is_token(text) else ""
    found = _live().filter(sha256=sha256).first()
    if found is None or not is_same(found.sha256, sha256) or _is_over(found, at):
        raise _not_valid()
    return _actor(found, at, address, request_id)


def resume(token_id: str, *, at: datetime, address: str = "", request_id: str = "") -> Actor:
    """Whoever has presented the token of this id before, in something that we have signed.

    Raises:
        Problem: UNAUTHENTICATED: it has been revoked or has expired meanwhile.
    """
    found = _live().filter(id=token_id).first()
    if found is None or _is_over(found, at):
        raise _not_valid()
    return _actor(found, at, address, request_id)


def check_still_valid(actor: Actor) -> None:
    """Let a caller who has been waiting go on only if its token has not been revoked meanwhile.

    Raises:
        Problem: UNAUTHENTICATED.
    """
    live = Token.objects.filter(id=actor.token, removed_at=None)
    if not live.exclude(expires_at__lte=actor.at).exists():
        raise _not_valid()


def page(
    actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Token]:
    """Tokens that are not revoked, in the order in which they were made."""
    actor.require_operator(Scope.ADMIN, "token")
    return page_of(_live(), cursor, limit)


def get(actor: Actor, token_id: str) -> Token:
    """One token that is not revoked.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.ADMIN, "token")
    return _find(token_id)


@change()
def create(
    actor: Actor,
    *,
    name: str,
    scopes: Collection[Scope],
    organization: str | None = None,
    team: str | None = None,
    expires_at: datetime | None = None,
) -> IssuedToken:
    """A new token. With a `team` of the organization it knows what a member of the team knows.
    Those of nodes are made with their node (`node_tokens`).

    Raises:
        Problem: FORBIDDEN without the scope `admin`; INVALID_INPUT; NOT_FOUND: the organization or
            the team.
    """
    actor.require_operator(Scope.ADMIN, "token")
    check_text(name, TITLE_CHARACTERS_MAX, "/name")
    check_expiry(expires_at, actor.at)
    if not name.strip():
        raise invalid("The name is empty; say who or what will use the token.", "/name")
    if not scopes:
        raise invalid("There are no scopes; a token needs at least one.", "/scopes")
    if Scope.NODE in scopes:
        raise invalid(
            "A token with the scope 'node' belongs to one node: `headgate node add NAME` makes it.",
            "/scopes",
        )
    if team and organization is None:
        raise invalid("A team is named without its organization.", "/organization")
    owner = organizations.find(actor, organization) if organization is not None else None
    own = teams.find(actor, owner.name, team) if owner is not None and team else None
    issued = insert(new_token(), name=name, scopes=scopes, at=actor.at, expires_at=expires_at)
    if owner is not None:
        issued.token.organization, issued.token.team = owner, own
        issued.token.save()
    audit.record(
        actor,
        Action.TOKEN_CREATED,
        issued.token.id,
        after=fields(issued.token),
        organization=owner,
    )
    return issued


def insert(
    secret: Secret,
    *,
    name: str,
    scopes: Collection[Scope],
    at: datetime,
    expires_at: datetime | None = None,
    node: Node | None = None,
) -> IssuedToken:
    """Store a token that has been made; neither rights nor input are checked here."""
    token = Token.objects.create(
        id=new_id("tok"),
        created_at=at,
        name=name,
        prefix=secret.shown,
        sha256=secret.sha256,
        scopes=sorted(set(scopes)),
        node=node,
        expires_at=expires_at,
    )
    return IssuedToken(token, secret)


@change()
def revoke(actor: Actor, token_id: str) -> None:
    """End a token at once.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND.
    """
    actor.require_operator(Scope.ADMIN, "token")
    token = _find(token_id)
    token.removed_at = actor.at
    token.save()
    events.announce(events.Topic.TOKEN)
    audit.record(
        actor,
        Action.TOKEN_REVOKED,
        token.id,
        before=fields(token),
        organization=token.organization,
    )


def visible(actor: Actor) -> QuerySet[Token]:
    """The tokens that the actor may know of, those that are not revoked: all, or none at all."""
    actor.require_operator(Scope.ADMIN, "token")
    return _live()


def fields(token: Token) -> dict[str, Any]:
    """What the audit log keeps of a token: never the token, nor its hash."""
    return as_fields(token, "id", "name", "prefix", "scopes", "expires_at") | {
        "organization": token.organization.name if token.organization else None,
        "team": token.team.name if token.team else None,
        "node": token.node.name if token.node else None,
    }


def _live() -> QuerySet[Token]:
    rows = Token.objects.filter(removed_at=None)
    return rows.select_related("organization", "team__organization", "node__gateway")


def _find(token_id: str) -> Token:
    token = _live().filter(id=token_id).first()
    if token is None:
        raise not_found("token", token_id)
    return token


def _not_valid() -> Problem:
    return Problem(
        ProblemType.UNAUTHENTICATED,
        "This token is not valid here.",
        "Send a valid token as 'Authorization: Bearer hgt_…'; "
        "the first one stands in the file admin.token of the data folder, and "
        "`headgate node rotate NAME` makes one for a node.",
    )


def _actor(found: Token, at: datetime, address: str, request_id: str) -> Actor:
    return Actor(
        name=found.name,
        scopes=implied(Scope(scope) for scope in found.scopes),
        at=at,
        organization=found.organization.name if found.organization else None,
        teams=frozenset({found.team.pk}) if found.team else None,
        node=found.node.name if found.node else None,
        gateway=found.node.gateway.name if found.node else None,
        token=found.id,
        address=address,
        request_id=request_id,
    )


def _is_over(token: Token, at: datetime) -> bool:
    if token.organization is not None and token.organization.removed_at is not None:
        return True
    if token.team is not None and token.team.removed_at is not None:
        return True
    # Fails closed: a node's token without its node opens nothing.
    if Scope.NODE in token.scopes and (token.node is None or token.node.removed_at is not None):
        return True
    return token.expires_at is not None and token.expires_at <= at
