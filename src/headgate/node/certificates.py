"""Which certificate does the gateway show? The operator's, once it is known to be whole.

Envoy reads a certificate again only when a rename puts it there, and reads chain and key apart, so
a file written in place, or the moment between two renames, would leave it with the old one or
with a pair that does not fit. So the agent reads the operator's two files every few seconds,
however they were written, checks them, and puts both as one file into its own folder by one
rename. What does not pass is told and left out: the last good certificate stays in service.
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


class CertificateKeeper:
    """Keeps `kept` a whole copy of what the operator's two files last held.

    Fails to the old: while the operator's files are missing or unfit, `kept` stays as it is.
    """

    def __init__(
        self,
        certificate: Path,
        key: Path,
        kept: Path,
        troubles: Troubles,
        clock: Clock,
    ) -> None:
        self._sources = certificate, key
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
                    f"The certificate {self._sources[0]} with the key {self._sources[1]} cannot"
                    f" be used: {unfit}.",
                    "Both are PEM files that belong together; put a valid pair there.",
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
        certificate, key = (_read(path) for path in self._sources)
        self._judged = hashlib.sha256(certificate + b"\0" + key).digest()
        pair = read_pair(certificate, key, self._clock.now())
        if not self._kept.exists() or self._kept.read_bytes() != pair.pem:
            write_file(self._kept, pair.pem)
            _log.info("certificate taken into service", ends_at=f"{pair.ends_at:%Y-%m-%d %H:%MZ}")
        if pair.ends_at - self._clock.now() < EXPIRY_WARNED:
            self._troubles.set(
                Topic.CERTIFICATE,
                f"The gateway's certificate ends on {pair.ends_at:%Y-%m-%d %H:%M} UTC. Put a new"
                f" one at {self._sources[0]}; it is taken into service within seconds.",
            )
        else:
            self._troubles.clear(Topic.CERTIFICATE)

    def _say(self, unfit: Unfit) -> None:
        self._troubles.set(
            Topic.CERTIFICATE,
            f"The certificate at {self._sources[0]} with the key {self._sources[1]} is not taken"
            f" into service: {unfit}. The one before stays in service; put a valid pair there.",
        )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Unfit(f"{path} cannot be read: {error.strerror}") from error
    if len(found) > FILE_BYTES_MAX:
        raise Unfit(f"{path} is larger than {FILE_BYTES_MAX // 1024} KiB")
    return found
