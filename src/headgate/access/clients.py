"""What may an OAuth client ask for, and what does a person type to let a device in?"""

import secrets
from enum import StrEnum

from headgate.core.ids import RandomBytes

TOKEN_SECONDS_MIN = 60
TOKEN_SECONDS_MAX = 86_400
TOKEN_SECONDS_DEFAULT = 3600
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, no words; Source: RFC 8628 §6.1
USER_CODE_CHARACTERS = 8


class Grant(StrEnum):
    """A way to a token, by the name that RFC 6749 and RFC 8628 give it."""

    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  # a grant's name


class Decision(StrEnum):
    """What the person in front of a device has said."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


def granted(*, is_public: bool, has_device_flow: bool) -> tuple[Grant, ...]:
    """The ways that are open to a client.

    Only who holds a secret can be itself (client credentials); a device goes on by refreshing.
    """
    own = () if is_public else (Grant.CLIENT_CREDENTIALS,)
    return own + ((Grant.DEVICE_CODE, Grant.REFRESH_TOKEN) if has_device_flow else ())


def new_user_code(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """A code such as `WDJB-MJHT`: 34 random bits, enough for minutes behind a rate limit.

    Unbiased: bytes of 240 and above are thrown away (240 = 12 × 20).
    """
    found = ""
    while len(found) < USER_CODE_CHARACTERS:
        chosen = (byte for byte in random_bytes(16) if byte < 240)
        found += "".join(USER_CODE_ALPHABET[byte % 20] for byte in chosen)
    return f"{found[:4]}-{found[4:USER_CODE_CHARACTERS]}"


def plain_user_code(text: str) -> str:
    """A code as a person typed it, without what does not count: case, dashes, spaces."""
    return "".join(character for character in text.upper() if character in USER_CODE_ALPHABET)
