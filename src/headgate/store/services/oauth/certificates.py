"""Which client certificates speak for an application? By their authority and one of their names."""

from typing import Any

from headgate.access.certificates import CertificateName, NameKind, read_name
from headgate.core.phrases import phrase
from headgate.model.access import CredentialKind
from headgate.store.models import ClientCertificate
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.consumers import applications
from headgate.store.services.oauth import trust
from headgate.store.services.transactions import change
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, Page, as_fields, invalid, page_of


def page(
    actor: Actor,
    *,
    application: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[ClientCertificate]:
    """Names on certificates in the order in which they were first trusted.

    Raises:
        Problem: NOT_FOUND: the application.
    """
    actor.require(Scope.READ)
    rows = trust.visible(ClientCertificate, actor)
    if application is not None:
        rows = rows.filter(credential__application=applications.find(actor, application))
    return page_of(rows, cursor, limit)


def named(certificate: str, kind: NameKind, *, issuer: str = "", name: str = "") -> CertificateName:
    """The name that is meant: that of a certificate in PEM form, or what is written without one.

    Raises:
        Problem: INVALID_INPUT: it cannot be read of the certificate.
    """
    if not certificate:
        return CertificateName(issuer, kind, name)
    try:
        return read_name(certificate, kind)
    except ValueError as error:
        raise invalid(
            phrase("The certificate cannot be used: {error}.", error=error), "/certificate"
        ) from error


@change()
def add(actor: Actor, *, application: str, name: CertificateName) -> ClientCertificate:
    """Let certificates of this name speak for an application.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: the application; INVALID_INPUT;
            ALREADY_EXISTS: the name speaks for an application; CONFLICT: too many.
    """
    actor.require(Scope.KEYS)
    owner = applications.find(actor, application)
    trust.check_line(name.issuer, "/issuer")
    trust.check_line(name.name, "/name")
    told = f"the certificate name {name.name}"
    row = trust.begin(actor, owner, CredentialKind.CERTIFICATE, "crt", name.sha256, told)
    found, _ = ClientCertificate.objects.update_or_create(
        credential=row,
        defaults={"issuer": name.issuer, "kind": name.kind.value, "name": name.name},
    )
    _record(actor, Action.CERTIFICATE_TRUSTED, found)
    return found


@change()
def end(actor: Actor, certificate_id: str) -> ClientCertificate:
    """Let certificates of the name speak for the application no longer; again changes nothing.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND.
    """
    actor.require(Scope.KEYS)
    found = find(actor, certificate_id)
    if trust.end(actor, found.credential):
        _record(actor, Action.CERTIFICATE_TRUST_ENDED, found)
    return found


def find(actor: Actor, certificate_id: str) -> ClientCertificate:
    """One visible name by its credential's id.

    Raises:
        Problem: NOT_FOUND.
    """
    return trust.find(ClientCertificate, actor, certificate_id, "certificate")


def _record(actor: Actor, action: Action, found: ClientCertificate) -> None:
    fields: dict[str, Any] = as_fields(found.credential, "id", "revoked_at")
    audit.record(
        actor,
        action,
        found.credential.id,
        after=fields
        | as_fields(found, "issuer", "kind", "name")
        | {"application": found.credential.application.path},
        organization=found.credential.application.organization,
    )
