"""How is it written down who speaks for an application without a secret of ours?

Names on client certificates and clients of other issuers are no secrets. The lists of a document
are exact: what they do not name speaks for the application no longer.
"""

from collections.abc import Iterator

from headgate.access.certificates import CertificateName, NameKind
from headgate.store.models import ClientCertificate, Credential, ForeignClient
from headgate.store.services.actor import Actor
from headgate.store.services.configuration.documents import in_lasting_order
from headgate.store.services.configuration.sources import Fields
from headgate.store.services.oauth import certificates, foreign_clients

Item = dict[str, str]


def trusted() -> dict[int, Fields]:
    """What speaks for each application that has any, by the application's row."""
    found: dict[int, Fields] = {}
    for credential, item in _certificates():
        found.setdefault(credential.application_id, nothing())["certificates"].append(item)
    for credential, item in _clients():
        found.setdefault(credential.application_id, nothing())["foreign_clients"].append(item)
    return {
        row: {name: in_lasting_order(items) for name, items in fields.items()}
        for row, fields in found.items()
    }


def nothing() -> Fields:
    """Of an application for which nothing speaks."""
    return {"certificates": [], "foreign_clients": []}


def change(actor: Actor, application: str, row: int, fields: Fields) -> None:
    """Make exactly those of the lists that are given speak for the application.

    Raises:
        Problem: INVALID_INPUT; ALREADY_EXISTS: one speaks for another; CONFLICT: too many.
    """
    if "certificates" in fields:
        _change_certificates(actor, application, row, fields["certificates"])
    if "foreign_clients" in fields:
        _change_clients(actor, application, row, fields["foreign_clients"])


def _change_certificates(actor: Actor, application: str, row: int, wanted: list[Item]) -> None:
    present = [(credential, item) for credential, item in _certificates(row)]
    for credential, item in present:
        if item not in wanted:
            certificates.end(actor, credential.id)
    known = [item for _, item in present]
    for item in (item for item in wanted if item not in known):
        name = CertificateName(item["issuer"], NameKind(item["kind"]), item["name"])
        certificates.add(actor, application=application, name=name)


def _change_clients(actor: Actor, application: str, row: int, wanted: list[Item]) -> None:
    present = [(credential, item) for credential, item in _clients(row)]
    for credential, item in present:
        if item not in wanted:
            foreign_clients.end(actor, credential.id)
    known = [item for _, item in present]
    for item in (item for item in wanted if item not in known):
        foreign_clients.trust(
            actor, application=application, issuer=item["issuer"], client=item["client_id"]
        )


def _certificates(application: int | None = None) -> Iterator[tuple[Credential, Item]]:
    rows = ClientCertificate.objects.filter(credential__revoked_at=None)
    if application is not None:
        rows = rows.filter(credential__application=application)
    for one in rows.select_related("credential"):
        yield one.credential, {"issuer": one.issuer, "kind": one.kind, "name": one.name}


def _clients(application: int | None = None) -> Iterator[tuple[Credential, Item]]:
    rows = ForeignClient.objects.filter(credential__revoked_at=None)
    if application is not None:
        rows = rows.filter(credential__application=application)
    for one in rows.select_related("credential"):
        yield one.credential, {"issuer": one.issuer, "client_id": one.client}
