"""Who is blocked? An address, a network, a credential, an application or a token, until a time."""

import ipaddress
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.model.access import BlockKind
from headgate.model.tokens import token_block_key
from headgate.store.models import Application, Block, Credential
from headgate.store.models.rows import DESCRIPTION_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    as_fields,
    check_text,
    invalid,
    page_of,
)

BLOCK_SECONDS_MAX = 366 * 86_400  # a refusal for good is a revocation, not a block
TOKEN_ID_CHARACTERS_MAX = 200


def page(
    actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Block]:
    """Blocks in force, in the order in which they were made."""
    actor.require_operator(Scope.READ, "block")
    return page_of(_in_force(actor), cursor, limit)


def get(actor: Actor, block_id: str) -> Block:
    """One block in force.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "block")
    return _find(actor, block_id)


@change()
def create(actor: Actor, *, kind: BlockKind, subject: str, seconds: int, reason: str) -> Block:
    """Refuse every call of `subject` for `seconds` from now on.

    `subject` is an address or network for `address`, the `jti` of an access token for `token`
    (kept as its digest), otherwise the id of a credential or application.

    Raises:
        Problem: FORBIDDEN without the scope `blocks`; INVALID_INPUT; NOT_FOUND: the subject.
    """
    actor.require_operator(Scope.BLOCKS, "block")
    check_text(reason, DESCRIPTION_CHARACTERS_MAX, "/reason")
    if not 1 <= seconds <= BLOCK_SECONDS_MAX:
        raise invalid(
            phrase("A block lasts 1 to {most} seconds.", most=BLOCK_SECONDS_MAX), "/seconds"
        )
    block = Block.objects.create(
        id=new_id("blk"),
        created_at=actor.at,
        changed=feed.next_sequence(),
        kind=kind,
        subject=_subject(kind, subject),
        reason=reason,
        expires_at=actor.at + timedelta(seconds=seconds),
    )
    audit.record(actor, Action.BLOCK_CREATED, block.id, after=fields(block))
    return block


@change()
def lift(actor: Actor, block_id: str) -> None:
    """End a block before its time.

    Raises:
        Problem: FORBIDDEN without the scope `blocks`; NOT_FOUND.
    """
    actor.require_operator(Scope.BLOCKS, "block")
    block = _find(actor, block_id)
    block.removed_at = actor.at
    block.changed = feed.next_sequence()
    block.save()
    audit.record(actor, Action.BLOCK_LIFTED, block.id, before=fields(block))


def visible(actor: Actor) -> QuerySet[Block]:
    """The blocks in force that the actor may know of: all, or none at all."""
    actor.require_operator(Scope.READ, "block")
    return _in_force(actor)


def fields(block: Block) -> dict[str, Any]:
    """What the audit log keeps of a block."""
    return as_fields(block, "id", "kind", "subject", "reason", "expires_at")


def _in_force(actor: Actor) -> QuerySet[Block]:
    return Block.objects.filter(removed_at=None, expires_at__gt=actor.at)


def _find(actor: Actor, block_id: str) -> Block:
    block = _in_force(actor).filter(id=block_id).first()
    if block is None:
        raise not_found("block", block_id)
    return block


def _subject(kind: BlockKind, subject: str) -> str:
    if kind is BlockKind.ADDRESS:
        try:
            network = ipaddress.ip_network(subject.strip(), strict=False)
        except ValueError as error:
            raise invalid(
                phrase(
                    "{subject!r} is not an address or network;"
                    " write 203.0.113.7 or 203.0.113.0/24.",
                    subject=subject[:60],
                ),
                "/subject",
            ) from error
        is_one = network.num_addresses == 1
        return str(network.network_address) if is_one else str(network)
    if kind is BlockKind.TOKEN:
        check_text(subject, TOKEN_ID_CHARACTERS_MAX, "/subject")
        return token_block_key(subject).hex()
    rows: QuerySet[Any] = (
        Credential.objects.all()
        if kind is BlockKind.CREDENTIAL
        else Application.objects.filter(removed_at=None)
    )
    if not rows.filter(id=subject).exists():
        raise invalid(
            phrase("There is no {kind} {subject!r}.", kind=kind, subject=subject[:60]), "/subject"
        )
    return subject
