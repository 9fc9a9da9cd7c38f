"""What of others speaks for an application? Clients and certificates, each found by a digest.

What is trusted is a credential without a secret of ours: it is named, not issued. Its row is
never given up; trusted again, it may speak for another application.
"""

from typing import TypeVar

from django.db.models import Model, QuerySet

from headgate.core.ids import Kind, new_id
from headgate.core.phrases import phrase
from headgate.model.access import CredentialKind
from headgate.store.models import Application, Credential
from headgate.store.models.issuers import URL_CHARACTERS_MAX
from headgate.store.services import feed
from headgate.store.services.actor import Actor, not_found
from headgate.store.services.consumers import reach
from headgate.store.services.values import already_exists, check_text, invalid, refused

TRUSTED_MAX = 100  # of one kind and application

T = TypeVar("T", bound=Model)


def check_line(text: str, pointer: str) -> None:
    """Whether this is one line of text.

    Raises:
        Problem: INVALID_INPUT.
    """
    check_text(text, URL_CHARACTERS_MAX, pointer)
    if not text or "\n" in text:
        raise invalid("This is one line of text.", pointer)


def begin(
    actor: Actor, owner: Application, kind: CredentialKind, prefix: Kind, digest: str, told: str
) -> Credential:
    """The credential of what is trusted from now on; `told` is its name in messages.

    Raises:
        Problem: ALREADY_EXISTS: it speaks for an application; CONFLICT: too many.
    """
    live = Credential.objects.filter(application=owner, kind=kind, revoked_at=None)
    if live.count() >= TRUSTED_MAX:
        raise refused(
            phrase("The application trusts {most} of these already.", most=TRUSTED_MAX),
            "End the trust in one first.",
        )
    row = Credential.objects.filter(sha256=digest).first()
    if row is not None and row.revoked_at is None:
        raise already_exists("an application for", told)
    row = row or Credential(id=new_id(prefix), kind=kind.value, created_at=actor.at, sha256=digest)
    row.application, row.revoked_at, row.changed = owner, None, feed.next_sequence()
    row.save()
    return row


def end(actor: Actor, credential: Credential) -> bool:
    """Trust it no longer; false when that was so already."""
    if credential.revoked_at is not None:
        return False
    credential.revoked_at = actor.at
    credential.changed = feed.next_sequence()
    credential.save()
    return True


def visible(model: type[T], actor: Actor) -> QuerySet[T]:
    """The rows beside credentials (`model.credential`) that the actor may know of."""
    rows = model._default_manager.select_related("credential__application__organization")  # noqa: SLF001  # Django documents it
    return reach.within(actor, rows, "credential__application")


def find(model: type[T], actor: Actor, credential_id: str, told: str) -> T:
    """One visible row by its credential's id.

    Raises:
        Problem: NOT_FOUND.
    """
    row = visible(model, actor).filter(credential__id=credential_id).first()
    if row is None:
        raise not_found(told, credential_id)
    return row
