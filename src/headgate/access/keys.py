"""How is a secret written, recognised and remembered? `hg_`, 32 base62 characters, a checksum.

The text is shown once. What is kept is its SHA-256 (190 random bits need no salt and no slow
hash) and the first characters, by which people recognise it. The checksum lets scanners and the
gateway refuse a mistyped key without a look-up.
"""

import base64
import hashlib
import hmac
import secrets
import zlib
from dataclasses import dataclass, replace

from headgate.core.ids import RandomBytes

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_PREFIX = "hg_"
TOKEN_PREFIX = "hgt_"  # noqa: S105  # what a token starts with
PASSWORD_PREFIX = "hgb_"  # noqa: S105  # what a password of HTTP Basic starts with
CLIENT_SECRET_PREFIX = "hgs_"  # noqa: S105  # what an OAuth client's secret starts with
REFRESH_TOKEN_PREFIX = "hgr_"  # noqa: S105  # what a refresh token starts with
RANDOM_CHARACTERS = 32
CHECKSUM_CHARACTERS = 6
SHOWN_CHARACTERS = 6  # of the random part, beside the prefix


@dataclass(frozen=True, slots=True)
class Secret:
    """A new secret: `text` is for its owner's eyes, `sha256` and `shown` are for the store."""

    text: str
    sha256: str
    shown: str

    def __repr__(self) -> str:
        return f"Secret({self.shown}…)"


def new_key(random_bytes: RandomBytes = secrets.token_bytes) -> Secret:
    """A new API key."""
    return _new(KEY_PREFIX, random_bytes)


def new_password(user_name: str, random_bytes: RandomBytes = secrets.token_bytes) -> Secret:
    """A new password for HTTP Basic. Its digest is of what a caller sends, user name included.

    Source: RFC 7617 §2. One pass of SHA-256 is enough for 190 random bits.
    """
    made = _new(PASSWORD_PREFIX, random_bytes)
    return replace(made, sha256=basic_digest(user_name, made.text))


def basic_digest(user_name: str, password: str) -> str:
    """The SHA-256 under which the access table knows a user name with its password."""
    sent = base64.b64encode(f"{user_name}:{password}".encode()).decode()
    return digest(f"basic\n{sent}")


def new_token(random_bytes: RandomBytes = secrets.token_bytes) -> Secret:
    """A new token of the REST API."""
    return _new(TOKEN_PREFIX, random_bytes)


def new_client_secret(random_bytes: RandomBytes = secrets.token_bytes) -> Secret:
    """A new secret of an OAuth client."""
    return _new(CLIENT_SECRET_PREFIX, random_bytes)


def new_refresh_token(random_bytes: RandomBytes = secrets.token_bytes) -> Secret:
    """A new refresh token."""
    return _new(REFRESH_TOKEN_PREFIX, random_bytes)


def is_key(text: str) -> bool:
    """Whether `text` is written like an API key, checksum included."""
    return _is_well_formed(text, KEY_PREFIX)


def is_token(text: str) -> bool:
    """Whether `text` is written like a token, checksum included."""
    return _is_well_formed(text, TOKEN_PREFIX)


def secret_of(text: str) -> Secret:
    """The secret whose text is known already, well-formed."""
    prefix_characters = text.index("_") + 1
    return Secret(text, digest(text), text[: prefix_characters + SHOWN_CHARACTERS])


def digest(text: str) -> str:
    """SHA-256 of a secret's text, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_same(left: str, right: str) -> bool:
    """Whether two digests are equal, in a time that says nothing about where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def checksum(body: str) -> str:
    """CRC-32 of the random part, in base62, padded with zeros."""
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def _new(prefix: str, random_bytes: RandomBytes) -> Secret:
    body = _random_text(random_bytes)
    return secret_of(prefix + body + checksum(body))


def _random_text(random_bytes: RandomBytes) -> str:
    """Unbiased: bytes of 248 and above are thrown away (248 = 4 x 62)."""
    found = ""
    while len(found) < RANDOM_CHARACTERS:
        found += "".join(BASE62[byte % 62] for byte in random_bytes(48) if byte < 248)
    return found[:RANDOM_CHARACTERS]


def _is_well_formed(text: str, prefix: str) -> bool:
    body = text.removeprefix(prefix)
    if len(body) != RANDOM_CHARACTERS + CHECKSUM_CHARACTERS or not text.startswith(prefix):
        return False
    if any(character not in BASE62 for character in body):
        return False
    return checksum(body[:RANDOM_CHARACTERS]) == body[RANDOM_CHARACTERS:]
