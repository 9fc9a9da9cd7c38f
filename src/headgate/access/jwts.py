"""How is an access token signed, and is one ours? RSA keys and JWTs; PyJWT does the cryptography.

Source: RFC 7515 (JWS), RFC 7517 (JWK), RFC 7638 (thumbprints), RFC 8725 (how JWTs are attacked),
RFC 9068 (access tokens).
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from headgate.model.tokens import ALGORITHM, TOKEN_TYPE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEY_BITS = 2048
EXPONENT = 65537
PARSED_KEYS_MAX = 8  # reading a private key checks its primes: milliseconds
TOKEN_CHARACTERS_MAX = 8192
REQUIRED = ("iss", "sub", "aud", "client_id", "exp", "iat", "jti")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair: the private one as PEM for sealing, the public one as a JWK."""

    key_id: str
    pem: bytes
    public: dict[str, str]

    def __repr__(self) -> str:
        return f"NewKey({self.key_id})"


def new_key() -> NewKey:
    """A fresh RSA key pair; takes a tenth of a second."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(EXPONENT, KEY_BITS)
    numbers = private.public_key().public_numbers()
    members = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    # RFC 7638: the required members in the order of the alphabet, without spaces
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    key_id = _base64url(hashlib.sha256(text.encode()).digest())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return NewKey(key_id, pem, members | {"alg": ALGORITHM, "kid": key_id, "use": "sig"})


def sign(claims: Mapping[str, Any], *, pem: bytes, key_id: str) -> str:
    """An access token with these claims."""
    import jwt  # a fifth of a second: only who uses tokens pays for it

    header = {"kid": key_id, "typ": TOKEN_TYPE}
    return jwt.encode(dict(claims), _private(pem), algorithm=ALGORITHM, headers=header)


def verified(
    text: str,
    keys: Sequence[Mapping[str, str]],
    *,
    issuer: str,
    audience: str,
    now: datetime,
) -> dict[str, Any] | None:
    """The claims of an access token of ours that has not ended; None for everything else.

    The algorithm is ours to say, not the token's; the key is looked up among ours by its id, and
    nothing that the token carries or points at (`jwk`, `jku`, `x5u`) is looked at.
    """
    import jwt

    if len(text) > TOKEN_CHARACTERS_MAX:
        return None
    try:
        header = jwt.get_unverified_header(text)
        public = next((key for key in keys if key["kid"] == header.get("kid")), None)
        if public is None or header.get("typ") != TOKEN_TYPE or "crit" in header:
            return None
        claims: dict[str, Any] = jwt.decode(
            text,
            jwt.PyJWK(dict(public)).key,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=issuer,
            # the clock is handed in, and compared below
            options={"require": list(REQUIRED), "verify_exp": False, "verify_iat": False},
        )
    except (jwt.PyJWTError, ValueError):
        return None
    is_whole = isinstance(claims["exp"], int) and all(
        isinstance(claims[name], str) for name in ("sub", "client_id", "jti")
    )
    return claims if is_whole and claims["exp"] > now.timestamp() else None


@lru_cache(maxsize=PARSED_KEYS_MAX)
def _private(pem: bytes) -> "RSAPrivateKey":
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    found = serialization.load_pem_private_key(pem, None)
    if not isinstance(found, RSAPrivateKey):
        raise TypeError("a signing key that is not RSA")
    return found


def _number(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
