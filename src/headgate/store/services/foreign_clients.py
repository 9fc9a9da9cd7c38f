"""Which clients of other issuers speak for an application? Trusted by issuer and client id."""

from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.model.access import CredentialKind
from headgate.model.tokens import client_sha256
from headgate.store.models import Credential, ForeignClient
from headgate.store.models.issuers import URL_CHARACTERS_MAX
from headgate.store.services import applications, audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    as_fields,
    check_text,
    invalid,
    page_of,
    refused,
)

TRUSTED_MAX = 100  # of one application


def page(
    actor: Actor,
    *,
    application: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[ForeignClient]:
    """Trusted clients in the order in which they were first trusted.

    Raises:
        Problem: NOT_FOUND: the application.
    """
    actor.require(Scope.READ)
    rows = _visible(actor)
    if application is not None:
        rows = rows.filter(credential__application=applications.find(actor, application))
    return page_of(rows, cursor, limit)


@change()
def trust(actor: Actor, *, application: str, issuer: str, client: str) -> ForeignClient:
    """Let tokens of a client of another issuer speak for an application.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: the application; INVALID_INPUT;
            ALREADY_EXISTS: the client speaks for an application; CONFLICT: too many.
    """
    actor.require(Scope.KEYS)
    owner = applications.find(actor, application)
    for text, pointer in ((issuer, "/issuer"), (client, "/client_id")):
        check_text(text, URL_CHARACTERS_MAX, pointer)
        if not text or "\n" in text:
            raise invalid("This is one line of text.", pointer)
    live = Credential.objects.filter(
        application=owner, kind=CredentialKind.FOREIGN_CLIENT, revoked_at=None
    )
    if live.count() >= TRUSTED_MAX:
        raise refused(
            f"The application trusts {TRUSTED_MAX} clients already.", "End the trust in one first."
        )
    digest = client_sha256(issuer, client)
    row = Credential.objects.filter(sha256=digest).first()
    if row is not None and row.revoked_at is None:
        raise already_exists("an application for the client", client)
    row = row or Credential(
        id=new_id("cli"),
        kind=CredentialKind.FOREIGN_CLIENT.value,
        created_at=actor.at,
        sha256=digest,
    )
    row.application, row.revoked_at, row.changed = owner, None, feed.next_sequence()
    row.save()
    trusted, _ = ForeignClient.objects.update_or_create(
        credential=row, defaults={"issuer": issuer, "client": client}
    )
    _record(actor, Action.CLIENT_TRUSTED, trusted)
    return trusted


@change()
def end(actor: Actor, trust_id: str) -> ForeignClient:
    """Let a client speak for the application no longer; again changes nothing.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND.
    """
    actor.require(Scope.KEYS)
    trusted = find(actor, trust_id)
    if trusted.credential.revoked_at is None:
        trusted.credential.revoked_at = actor.at
        trusted.credential.changed = feed.next_sequence()
        trusted.credential.save()
        _record(actor, Action.CLIENT_TRUST_ENDED, trusted)
    return trusted


def find(actor: Actor, trust_id: str) -> ForeignClient:
    """One visible trusted client by its credential's id.

    Raises:
        Problem: NOT_FOUND.
    """
    row = _visible(actor).filter(credential__id=trust_id).first()
    if row is None:
        raise not_found("trusted client", trust_id)
    return row


def _visible(actor: Actor) -> QuerySet[ForeignClient]:
    rows = ForeignClient.objects.select_related("credential__application__organization")
    if actor.organization is None:
        return rows
    return rows.filter(
        credential__application__organization__name=actor.organization,
        credential__application__organization__removed_at=None,
    )


def _record(actor: Actor, action: Action, trusted: ForeignClient) -> None:
    fields: dict[str, Any] = as_fields(trusted.credential, "id", "revoked_at") | {
        "application": trusted.credential.application.path,
        "issuer": trusted.issuer,
        "client_id": trusted.client,
    }
    audit.record(
        actor,
        action,
        trusted.credential.id,
        after=fields,
        organization=trusted.credential.application.organization,
    )
