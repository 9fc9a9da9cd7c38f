"""Which secrets are there for settings to name? Stored, replaced, removed; never shown."""

from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import Gateway, StoredSecret
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.gateway import gateways, publishing, secret_values
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    as_fields,
    check_name,
    invalid,
    page_of,
    refused,
)

SECRETS_MAX = 1_000
VALUE_CHARACTERS_MAX = 16_384  # a private key in PEM form, and then some


def page(
    actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[StoredSecret]:
    """Secrets by name and version, in the order in which they were first stored."""
    return page_of(visible(actor), cursor, limit)


def visible(actor: Actor) -> QuerySet[StoredSecret]:
    """The secrets that the actor may know of: all, or none at all."""
    actor.require_operator(Scope.READ, "secret")
    return StoredSecret.objects.filter(removed_at=None)


def get(actor: Actor, name: str) -> StoredSecret:
    """One secret, sealed.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "secret")
    return _find(name)


@change()
def store(actor: Actor, name: str, *, value: str) -> StoredSecret:
    """Keep a value under a name. Another value than before reaches every gateway that uses it.

    Raises:
        Problem: FORBIDDEN without the scope `write`; INVALID_INPUT; CONFLICT: there are too many,
            or the value does not fit where it is used.
    """
    actor.require_operator(Scope.WRITE, "secret")
    check_name(name)
    _check_value(value)
    secret = StoredSecret.objects.filter(name=name, removed_at=None).first()
    if secret is None:
        return _create(actor, name, value)
    if secret_values.is_readable(secret) and secret_values.opened(secret) == value:
        return secret
    before = fields(secret)
    secret.sealed = secret_values.seal(secret.id, value)
    secret.version += 1
    secret.changed_at = actor.at
    secret.save()
    audit.record(actor, Action.SECRET_CHANGED, name, before=before, after=fields(secret))
    for gateway in used_by(name):
        publishing.republish(actor, gateway, note=f"secret {name}")
    return secret


@change()
def delete(actor: Actor, name: str) -> None:
    """Remove a secret that nothing live uses.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: a gateway uses it.
    """
    actor.require_operator(Scope.WRITE, "secret")
    secret = _find(name)
    users = [gateway.name for gateway in used_by(name)]
    if users:
        raise refused(
            phrase(
                "The secret '{name}' is in use on the gateway {users}.",
                name=name,
                users=", ".join(users),
            ),
            "Take it out of the settings that name it and publish, then delete it.",
        )
    secret.removed_at = actor.at
    secret.sealed = b""  # what is removed cannot come back
    secret.save()
    audit.record(actor, Action.SECRET_DELETED, name, before=fields(secret))


def used_by(name: str) -> list[Gateway]:
    """The gateways whose live revision names a secret."""
    return in_use().get(name, [])


def in_use() -> dict[str, list[Gateway]]:
    """The gateways whose live revision names each secret."""
    found: dict[str, list[Gateway]] = {}
    for revision in gateways.serving():
        for name in revision.secrets:
            found.setdefault(name, []).append(revision.gateway)
    return found


def fields(secret: StoredSecret) -> dict[str, Any]:
    """What the audit log keeps of a secret: never its value, sealed or not."""
    return as_fields(secret, "id", "name", "version")


def _create(actor: Actor, name: str, value: str) -> StoredSecret:
    if StoredSecret.objects.filter(removed_at=None).count() >= SECRETS_MAX:
        raise refused(
            phrase("There are {most:,} secrets already.", most=SECRETS_MAX), "Delete one first."
        )
    secret_id = new_id("sec")
    secret = StoredSecret.objects.create(
        id=secret_id,
        created_at=actor.at,
        changed_at=actor.at,
        name=name,
        sealed=secret_values.seal(secret_id, value),
    )
    audit.record(actor, Action.SECRET_CREATED, name, after=fields(secret))
    return secret


def _check_value(value: str) -> None:
    """Raises Problem: INVALID_INPUT, without the value."""
    if not 1 <= len(value) <= VALUE_CHARACTERS_MAX:
        raise invalid(
            phrase("A secret has 1 to {most:,} characters.", most=VALUE_CHARACTERS_MAX), "/value"
        )
    if "\0" in value:
        raise invalid("This secret holds a NUL character.", "/value")


def _find(name: str) -> StoredSecret:
    secret = StoredSecret.objects.filter(name=name, removed_at=None).first()
    if secret is None:
        raise not_found("secret", name)
    return secret
