"""Which certificate does the gateway show, and whose does it take? The operator's, once whole.

Envoy reads a certificate again only when a rename puts it there, and reads chain and key apart, so
a file written in place, or the moment between two renames, would leave it with the old one or
with a pair that does not fit. So the agent reads the operator's two files every few seconds,
however they were written, checks them, and puts both as one file into its own folder by one
rename. What does not pass is told and left out: the last good certificate stays in service.
The file of authorities that verify callers' certificates is kept in the same way.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from headgate.core.clock import Clock
from headgate.core.problems import Problem, ProblemType
from headgate.node.durable import write_file
from headgate.node.settings import AgentSettings
from headgate.node.troubles import Topic, Troubles

LOOK_SECONDS = 2.0  # how long a new certificate may lie there unnoticed
FILE_BYTES_MAX = 1024 * 1024
RSA_BITS_MIN = 2048  # Envoy takes no shorter key
EXPIRY_WARNED = timedelta(days=7)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain with its key, checked. `pem` is both as one file."""

    pem: bytes
    ends_at: datetime


class Unfit(Exception):  # noqa: N818  # a finding about a file, not a failure of ours
    """A certificate that must not be put into service; the message says why."""


def read_pair(certificate: bytes, key: bytes, at: datetime) -> Pair:
    """The chain and its key, fit to be shown at the instant `at`.

    Raises:
        Unfit: they are damaged, do not belong together, or are out of their time.
    """
    try:
        chain = x509.load_pem_x509_certificates(certificate)
    except ValueError as error:
        raise Unfit("the certificate file holds no whole certificate in PEM form") from error
    try:
        secret = load_pem_private_key(key, password=None)
    except TypeError as error:
        raise Unfit("the key is encrypted; the gateway needs it without a password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unfit("the key file holds no private key in PEM form") from error
    first = chain[0]
    if _bytes(first.public_key()) != _bytes(secret.public_key()):
        raise Unfit("the key does not belong to the certificate")
    if first.not_valid_after_utc <= at:
        raise Unfit(f"the certificate ended on {first.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if first.not_valid_before_utc > at:
        begin = f"{first.not_valid_before_utc:%Y-%m-%d %H:%M}"
        raise Unfit(f"the certificate is not valid before {begin} UTC")
    if isinstance(secret, rsa.RSAPrivateKey) and secret.key_size < RSA_BITS_MIN:
        raise Unfit(f"the key has {secret.key_size} bits; at least {RSA_BITS_MIN} are needed")
    parts = [one.public_bytes(Encoding.PEM) for one in chain]
    return Pair(b"".join([*parts, key.strip(), b"\n"]), first.not_valid_after_utc)


def read_authorities(text: bytes, at: datetime) -> Pair:
    """Authorities that may verify callers' certificates; one at least is in its time.

    Raises:
        Unfit: there is none, or a certificate among them is no authority's.
    """
    try:
        found = x509.load_pem_x509_certificates(text)
    except ValueError as error:
        raise Unfit("the file holds no whole certificate in PEM form") from error
    for one in found:
        if not _is_authority(one):
            raise Unfit(f"{one.subject.rfc4514_string()!r} is no certificate authority")
    ends = max(one.not_valid_after_utc for one in found)
    if ends <= at:
        raise Unfit(f"the last of its authorities ended on {ends:%Y-%m-%d %H:%M} UTC")
    return Pair(b"".join(one.public_bytes(Encoding.PEM) for one in found), ends)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca


def _bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certificate_keeper(
    settings: AgentSettings, troubles: Troubles, clock: Clock
) -> "CertificateKeeper | None":
    """The keeper of a node that speaks TLS, its first copy made.

    Raises:
        Problem, OSError: as `CertificateKeeper.start`.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    kept = settings.paths.certificate
    made = CertificateKeeper(settings.tls_certificate, settings.tls_key, kept, troubles, clock)
    made.start()
    return made


def authorities_keeper(
    settings: AgentSettings, troubles: Troubles, clock: Clock
) -> "AuthoritiesKeeper | None":
    """The keeper of a node that takes client certificates, its first copy made.

    Raises:
        Problem, OSError: as `CertificateKeeper.start`.
    """
    if settings.client_authorities is None:
        return None
    kept = settings.paths.client_authorities
    made = AuthoritiesKeeper(settings.client_authorities, kept, troubles, clock)
    made.start()
    return made


class CertificateKeeper:
    """Keeps `kept` a whole copy of what the operator's two files last held.

    Fails to the old: while the operator's files are missing or unfit, `kept` stays as it is.
    """

    topic = Topic.CERTIFICATE
    topic_of_copy = Topic.CERTIFICATE_COPY
    told = "The gateway's certificate"
    remedy = "Both are PEM files that belong together; put a valid pair there."

    def __init__(
        self,
        certificate: Path,
        key: Path,
        kept: Path,
        troubles: Troubles,
        clock: Clock,
    ) -> None:
        self._sources: tuple[Path, ...] = certificate, key
        self._kept = kept
        self._troubles = troubles
        self._clock = clock
        self._judged = b""
        self._is_unfit_for: bytes | None = None

    def start(self) -> None:
        """The first look, before Envoy starts.

        Raises:
            Problem: the files are unfit and there is no earlier copy to go on with.
            OSError: the copy could not be written.
        """
        try:
            self._take()
        except Unfit as unfit:
            if not self._kept.exists():
                raise Problem(
                    ProblemType.UNAVAILABLE,
                    f"{self.told} at {self._places} cannot be used: {unfit}.",
                    self.remedy,
                ) from unfit
            self._say(unfit)

    async def step(self) -> None:
        """Wait a moment, then `look`.

        Raises:
            OSError: as `look`.
        """
        await asyncio.sleep(LOOK_SECONDS)
        self.look()

    def look(self) -> None:
        """Take a new pair into service, if there is one.

        Raises:
            OSError: the copy could not be written; to be called again.
        """
        try:
            self._take()
        except Unfit as unfit:
            if self._is_unfit_for == self._judged:  # not just half-written
                self._say(unfit)
            self._is_unfit_for = self._judged
        else:
            self._is_unfit_for = None

    def _take(self) -> None:
        texts = [_read(path) for path in self._sources]
        self._judged = hashlib.sha256(b"\0".join(texts)).digest()
        pair = self._checked(texts, self._clock.now())
        if not self._kept.exists() or self._kept.read_bytes() != pair.pem:
            write_file(self._kept, pair.pem)
            _log.info(
                "certificate taken into service",
                file=self._kept.name,
                ends_at=f"{pair.ends_at:%Y-%m-%d %H:%MZ}",
            )
        if pair.ends_at - self._clock.now() < EXPIRY_WARNED:
            self._troubles.set(
                self.topic,
                f"{self.told} ends on {pair.ends_at:%Y-%m-%d %H:%M} UTC. Put a new"
                f" one at {self._sources[0]}; it is taken into service within seconds.",
            )
        else:
            self._troubles.clear(self.topic)

    def _say(self, unfit: Unfit) -> None:
        self._troubles.set(
            self.topic,
            f"{self.told} at {self._places} is not taken into service: {unfit}. The one before"
            f" stays in service. {self.remedy}",
        )

    @property
    def _places(self) -> str:
        return " with the key ".join(str(path) for path in self._sources)

    def _checked(self, texts: list[bytes], at: datetime) -> Pair:
        certificate, key = texts
        return read_pair(certificate, key, at)


class AuthoritiesKeeper(CertificateKeeper):
    """The same for the one file of authorities that verify callers' certificates."""

    topic = Topic.CLIENT_AUTHORITIES
    topic_of_copy = Topic.CLIENT_AUTHORITIES_COPY
    told = "The file of client authorities"
    remedy = "It holds certificates of authorities in PEM form; put valid ones there."

    def __init__(self, authorities: Path, kept: Path, troubles: Troubles, clock: Clock) -> None:
        super().__init__(authorities, authorities, kept, troubles, clock)
        self._sources = (authorities,)

    def _checked(self, texts: list[bytes], at: datetime) -> Pair:
        return read_authorities(texts[0], at)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Unfit(f"{path} cannot be read: {error.strerror}") from error
    if len(found) > FILE_BYTES_MAX:
        raise Unfit(f"{path} is larger than {FILE_BYTES_MAX // 1024} KiB")
    return found
