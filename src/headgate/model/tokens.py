"""Whose tokens does a gateway believe, and how does it find the caller behind one?

The contract between the authorization server and the gateway. An access token is a JWT
(RFC 9068) signed with RS256. Its claims: `iss`, `sub`, `aud`, `client_id`, `scope` (words between
spaces), `exp`, `iat`, `jti`.
"""

import hashlib
import re
from dataclasses import dataclass

ALGORITHM = "RS256"
"""Whoever checks our tokens takes this one alone. RFC 9068 §4 names it as the one that all know,
and a gateway checks it in less than half of the time of an elliptic curve's signature."""

TOKEN_TYPE = "at+jwt"  # noqa: S105  # `typ` of an access token's header (RFC 9068 §2.1)
CLOCK_SKEW_SECONDS = 60  # how much longer than `exp` a gateway may believe a token
BLOCK_KEY_BYTES = 16
ISSUER_CHARACTERS_MAX = 200
_ORIGIN = re.compile(
    r"https?://(?:[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
)


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """An authorization server whose keys a gateway holds itself.

    `jwks` is a JWK Set as JSON text: public keys alone, those to come and those of tokens that
    still live included.
    """

    issuer: str
    audience: str
    jwks: str


def client_sha256(issuer: str, client_id: str) -> str:
    """The SHA-256 (hexadecimal) under which the access table knows a client of an issuer.

    A credential of this kind is found as a key is; no key's text has a line break in it.
    """
    return hashlib.sha256(f"jwt\n{issuer}\n{client_id}".encode()).hexdigest()


def token_block_key(jti: str) -> bytes:
    """The 16 bytes by which a revoked token stands among the blocks."""
    return hashlib.sha256(jti.encode()).digest()[:BLOCK_KEY_BYTES]


def is_public_url(text: str) -> bool:
    """Whether `text` is an origin: `https://apis.example.com`, with a port perhaps, no path."""
    found = _ORIGIN.fullmatch(text)
    is_port = found is not None and 0 < int(found["port"] or 1) < 65_536
    return is_port and len(text) <= ISSUER_CHARACTERS_MAX
