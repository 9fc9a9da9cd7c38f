"""An authority of the tests' own, and certificates that it signs."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """Signs certificates for names; `pem` is its own certificate."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        made = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        self._path = folder / "ca.pem"
        self._path.write_text(self.pem)

    def context(self) -> ssl.SSLContext:
        """A caller's settings that trust only this authority."""
        return ssl.create_default_context(cafile=str(self._path))

    def signed(
        self,
        name: str,
        *,
        begins_days: float = -1,
        ends_days: float = 1,
        key: Key | None = None,
        subject: x509.Name | None = None,
        uris: tuple[str, ...] = (),
    ) -> tuple[bytes, bytes]:
        """A certificate and its key for a DNS name, as PEM, valid between these days from now.

        By default its subject is the name, too; `uris` are further names.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = subject or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        others = [x509.UniformResourceIdentifier(uri) for uri in uris]
        names = x509.SubjectAlternativeName([x509.DNSName(name), *others])
        made = self._builder(subject, key, begins_days, ends_days).add_extension(
            names, critical=False
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificate = made.sign(self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM), secret

    def issue(self, folder: Path, name: str) -> tuple[Path, Path]:
        """A new certificate and key for a DNS name, renamed into place over older ones."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / "tls.crt", folder / "tls.key"
        texts = self.signed(name)
        fresh = [path.with_suffix(".new" + path.suffix) for path in paths]
        for path, text in zip(fresh, texts, strict=True):
            path.write_bytes(text)
        for new, path in zip(fresh, paths, strict=True):
            os.replace(new, path)  # noqa: PTH105  # says that it replaces
        return paths

    def _builder(
        self,
        subject: x509.Name,
        key: Key,
        begins_days: float = -1,
        ends_days: float = 1,
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins_days))
            .not_valid_after(now + timedelta(days=ends_days))
        )
