"""Which keys and passwords are there? Issued once, rotated with an overlap, revoked at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from headgate.access.keys import Secret, new_key, new_password
from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.model.access import CredentialKind
from headgate.model.scopes import granted_error, in_order
from headgate.store.models import Application, Credential
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.consumers import applications, reach
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    UNSET,
    Page,
    Unset,
    as_fields,
    check_expiry,
    check_text,
    invalid,
    page_of,
    refused,
)

LAST_USE_STEP = timedelta(minutes=1)  # how exact "last used" is: a busy key is not a busy row
USES_BATCH = 500  # ids per statement
SECRETS = (CredentialKind.KEY, CredentialKind.BASIC)  # what is issued and rotated here
OVERLAP_SECONDS_MAX = 90 * 86_400  # a quarter: longer, and the old key was never replaced


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key or password. `secret.text` is shown to its owner now and never again."""

    credential: Credential
    secret: Secret


def page(
    actor: Actor,
    *,
    application: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Credential]:
    """Keys in the order in which they were made, revoked ones too."""
    actor.require(Scope.READ)
    rows = visible(actor)
    if application is not None:
        rows = rows.filter(application=applications.find(actor, application))
    return page_of(rows, cursor, limit)


def get(actor: Actor, credential_id: str) -> Credential:
    """One key by its id.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require(Scope.READ)
    return find(actor, credential_id)


@change()
def issue(
    actor: Actor,
    *,
    application: str,
    name: str = "",
    expires_at: datetime | None = None,
    scopes: Collection[str] = (),
    kind: CredentialKind = CredentialKind.KEY,
) -> Issued:
    """A new key of an application, or a password whose user name is the credential's id.

    `scopes` (roles as `role:NAME`) is what it is restricted to; without any it is to nothing.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: the application; INVALID_INPUT:
            an expiry in the past, or a scope that is none.
    """
    actor.require(Scope.KEYS)
    owner = applications.find(actor, application)
    check_text(name, TITLE_CHARACTERS_MAX, "/name")
    check_expiry(expires_at, actor.at)
    _check_scopes(scopes)
    issued = _issue(actor, kind, owner, name, expires_at, in_order(scopes))
    _record(actor, Action.CREDENTIAL_ISSUED, issued.credential, None)
    return issued


@change()
def update(
    actor: Actor,
    credential_id: str,
    *,
    name: str | None = None,
    expires_at: datetime | Unset | None = UNSET,
    scopes: Collection[str] | None = None,
) -> Credential:
    """Change what is given; `expires_at=None` takes an expiry away, empty `scopes` a restriction.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND; INVALID_INPUT; CONFLICT: revoked.
    """
    actor.require(Scope.KEYS)
    credential = find(actor, credential_id)
    _check_not_revoked(credential)
    before = fields(credential)
    if name is not None:
        check_text(name, TITLE_CHARACTERS_MAX, "/name")
        credential.name = name
    if not isinstance(expires_at, Unset):
        check_expiry(expires_at, actor.at)
        credential.expires_at = expires_at
    if scopes is not None:
        _check_scopes(scopes)
        credential.scopes = in_order(scopes)
    if fields(credential) == before:
        return credential
    credential.changed = feed.next_sequence()
    credential.save()
    _record(actor, Action.CREDENTIAL_CHANGED, credential, before)
    return credential


@change()
def rotate(actor: Actor, credential_id: str, *, overlap_seconds: int = 0) -> Issued:
    """A new one with the same name and scopes.

    The old one ends after `overlap_seconds` (0: at once), or when it would have
    ended anyway.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND; INVALID_INPUT: the overlap;
            CONFLICT: revoked, expired, or already replaced.
    """
    actor.require(Scope.KEYS)
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        raise invalid(
            phrase("The overlap is 0 to {most} seconds.", most=OVERLAP_SECONDS_MAX),
            "/overlap_seconds",
        )
    old = find(actor, credential_id)
    _check_not_revoked(old)
    if old.replaced_by_id is not None or (old.expires_at and old.expires_at <= actor.at):
        raise refused(
            phrase("The key {id} has been replaced or has expired.", id=old.id),
            "Rotate the key that replaced it, or issue a new one.",
        )
    before = fields(old)
    kind = CredentialKind(old.kind)
    issued = _issue(actor, kind, old.application, old.name, None, old.scopes)
    end_at = actor.at + timedelta(seconds=overlap_seconds)
    old.expires_at = min(old.expires_at, end_at) if old.expires_at else end_at
    old.replaced_by = issued.credential
    if overlap_seconds == 0:
        old.revoked_at = actor.at
    old.changed = feed.next_sequence()
    old.save()
    _record(actor, Action.CREDENTIAL_ROTATED, old, before, replaced_by=issued.credential.id)
    return issued


@change()
def revoke(actor: Actor, credential_id: str) -> Credential:
    """Stop a key for good; revoking a revoked key changes nothing.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND.
    """
    actor.require(Scope.KEYS)
    credential = find(actor, credential_id)
    if credential.revoked_at is not None:
        return credential
    before = fields(credential)
    credential.revoked_at = actor.at
    credential.changed = feed.next_sequence()
    credential.save()
    _record(actor, Action.CREDENTIAL_REVOKED, credential, before)
    return credential


def note_use(used_at: Mapping[str, datetime]) -> int:
    """Remember when keys (by id) were last used, to the minute; how many were written.

    Never goes backwards. Runs in the caller's transaction; not audited, not part of the feed.
    """
    ids = list(used_at)
    written: list[Credential] = []
    for start in range(0, len(ids), USES_BATCH):
        found = Credential.objects.filter(id__in=ids[start : start + USES_BATCH])
        for row in found.only("row", "id", "last_used_at"):
            at = used_at[row.id]
            if row.last_used_at is None or at - row.last_used_at >= LAST_USE_STEP:
                row.last_used_at = at
                written.append(row)
    Credential.objects.bulk_update(written, ["last_used_at"], batch_size=USES_BATCH // 5)
    return len(written)


def visible(actor: Actor) -> QuerySet[Credential]:
    """The keys and passwords that the actor may know of."""
    rows = Credential.objects.filter(kind__in=SECRETS)
    rows = rows.select_related("application__organization", "replaced_by")
    return reach.within(actor, rows, "application")


def find(actor: Actor, credential_id: str) -> Credential:
    """One visible key.

    Raises:
        Problem: NOT_FOUND.
    """
    credential = visible(actor).filter(id=credential_id).first()
    if credential is None:
        raise not_found("key", credential_id)
    return credential


def fields(credential: Credential) -> dict[str, Any]:
    """What the audit log keeps of a key: never the key, nor its hash."""
    kept = ("id", "kind", "name", "prefix", "scopes", "expires_at", "revoked_at")
    return as_fields(credential, *kept) | {"application": credential.application.path}


def _issue(
    actor: Actor,
    kind: CredentialKind,
    owner: Application,
    name: str,
    expires_at: datetime | None,
    scopes: list[str],
) -> Issued:
    is_password = kind is CredentialKind.BASIC
    made_id = new_id("usr" if is_password else "key")
    secret = new_password(made_id) if is_password else new_key()
    credential = Credential.objects.create(
        id=made_id,
        kind=kind.value,
        scopes=scopes,
        created_at=actor.at,
        changed=feed.next_sequence(),
        application=owner,
        name=name,
        prefix=secret.shown,
        sha256=secret.sha256,
        expires_at=expires_at,
    )
    return Issued(credential, secret)


def _record(
    actor: Actor,
    action: Action,
    credential: Credential,
    before: dict[str, Any] | None,
    **more: str,
) -> None:
    audit.record(
        actor,
        action,
        credential.id,
        before=before,
        after=fields(credential) | more,
        organization=credential.application.organization,
    )


def _check_scopes(scopes: Collection[str]) -> None:
    error = granted_error(scopes)
    if error is not None:
        raise invalid(phrase("{error}.", error=error), "/scopes")


def _check_not_revoked(credential: Credential) -> None:
    if credential.revoked_at is not None:
        raise refused(
            phrase("The key {id} is revoked, and stays so.", id=credential.id), "Issue a new key."
        )
