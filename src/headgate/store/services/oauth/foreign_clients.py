"""Which clients of other issuers speak for an application? Trusted by issuer and client id."""

from typing import Any

from headgate.model.access import CredentialKind
from headgate.model.tokens import client_sha256
from headgate.store.models import ForeignClient
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.consumers import applications
from headgate.store.services.oauth import trust as trust_of
from headgate.store.services.transactions import change
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, Page, as_fields, page_of


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
    rows = trust_of.visible(ForeignClient, actor)
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
    trust_of.check_line(issuer, "/issuer")
    trust_of.check_line(client, "/client_id")
    digest = client_sha256(issuer, client)
    kind = CredentialKind.FOREIGN_CLIENT
    row = trust_of.begin(actor, owner, kind, "cli", digest, f"the client {client}")
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
    if trust_of.end(actor, trusted.credential):
        _record(actor, Action.CLIENT_TRUST_ENDED, trusted)
    return trusted


def find(actor: Actor, trust_id: str) -> ForeignClient:
    """One visible trusted client by its credential's id.

    Raises:
        Problem: NOT_FOUND.
    """
    return trust_of.find(ForeignClient, actor, trust_id, "trusted client")


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
