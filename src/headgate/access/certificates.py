"""By which name is a client certificate known? Its authority, and its subject or another name."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

PEM_CHARACTERS_MAX = 100_000
NAME_CHARACTERS_MAX = 500


class NameKind(StrEnum):
    """Which name of a certificate counts. Of several of a kind it is the first.

    The gateway tries them in this order.
    """

    URI = "uri"  # the first URI among the alternative names, e.g. a SPIFFE id
    DNS = "dns"  # the first DNS name among them
    SUBJECT = "subject"  # the distinguished name, as RFC 2253 writes it


@dataclass(frozen=True, slots=True)
class CertificateName:
    """The authority that signed, by its distinguished name, and a name that it vouches for."""

    issuer: str
    kind: NameKind
    name: str

    @property
    def sha256(self) -> str:
        """The SHA-256 (hexadecimal) under which the access table knows it."""
        return hashlib.sha256(f"mtls\n{self.issuer}\n{self.kind}:{self.name}".encode()).hexdigest()


def read_name(pem: str, kind: NameKind) -> CertificateName:
    """The name of a kind that a certificate has.

    Raises:
        ValueError: no certificate, no such name, or one with parts that cannot be written.
    """
    try:
        certificate = x509.load_pem_x509_certificates(pem.encode())[0]
    except ValueError as error:
        raise ValueError("this is no certificate in PEM form") from error
    issuer = distinguished_name(certificate.issuer)
    if kind is NameKind.SUBJECT:
        return CertificateName(issuer, kind, distinguished_name(certificate.subject))
    found = _alternative(certificate, kind)
    if found is None:
        raise ValueError(f"the certificate has no {kind} name")
    return CertificateName(issuer, kind, found)


def _alternative(certificate: x509.Certificate, kind: NameKind) -> str | None:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return None
    wanted = x509.UniformResourceIdentifier if kind is NameKind.URI else x509.DNSName
    names: list[str] = extension.value.get_values_for_type(wanted)
    return names[0] if names else None


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """What a handshake tells of a caller's certificate; empty where it has no such name."""

    ends_at: datetime
    issuer: str
    subject: str
    uri: str
    dns: str


def shown(pem: str, authorities: str, at: datetime) -> ShownCertificate:
    """What the handshake of a gateway with these authorities tells of a certificate.

    `pem` holds it first, then those between it and an authority.

    Raises:
        ValueError: the handshake would end, and why.
    """
    try:
        first, *between = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise ValueError("this is no certificate in PEM form") from error
    if not first.not_valid_before_utc <= at <= first.not_valid_after_utc:
        raise ValueError("the certificate is out of its time")
    trusted = x509.load_pem_x509_certificates(authorities.encode())
    if not _leads_to(trusted, first, between):
        raise ValueError("the certificate is signed by none of the gateway's authorities")
    return ShownCertificate(
        first.not_valid_after_utc,
        distinguished_name(first.issuer),
        distinguished_name(first.subject),
        _alternative(first, NameKind.URI) or "",
        _alternative(first, NameKind.DNS) or "",
    )


def _leads_to(
    trusted: Sequence[x509.Certificate], one: x509.Certificate, between: list[x509.Certificate]
) -> bool:
    """Whether each is signed by the next, and the last by one that is trusted."""
    if any(_is_signed_by(one, authority) for authority in trusted):
        return True
    following = [other for other in between if _is_signed_by(one, other)]
    left = [other for other in between if other not in following]
    return any(_leads_to(trusted, other, left) for other in following)


def _is_signed_by(one: x509.Certificate, other: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(other)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


_TYPES = {
    NameOID.COMMON_NAME: "CN",
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.USER_ID: "UID",
}


def distinguished_name(name: x509.Name) -> str:
    """As Envoy writes it: the last part first, bytes beyond ASCII escaped.

    Raises:
        ValueError: it has a part of a type that is not in common use.

    Source: RFC 2253 §2; BoringSSL, `X509_NAME_print_ex` with `XN_FLAG_RFC2253`.
    """
    return ",".join("+".join(_parts(rdn)) for rdn in reversed(list(name.rdns)))


def _parts(rdn: x509.RelativeDistinguishedName) -> Iterator[str]:
    for part in reversed(list(rdn)):
        if part.oid not in _TYPES or not isinstance(part.value, str):
            raise ValueError(f"a name with a part of the type {part.oid.dotted_string}")
        yield f"{_TYPES[part.oid]}={_escaped(part.value)}"


def _escaped(value: str) -> str:
    encoded, last = value.encode(), len(value.encode()) - 1
    found = ""
    for index, byte in enumerate(encoded):
        character = chr(byte)
        is_edge = (character in " #" and index == 0) or (character == " " and index == last)
        if byte < 0x20 or byte > 0x7E:
            found += f"\\{byte:02X}"
        elif character in ',+"\\<>;' or is_edge:
            found += "\\" + character
        else:
            found += character
    return found
