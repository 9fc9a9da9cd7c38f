"""What may an OAuth client ask for, and what does a person type to let a device in?"""

import re
import secrets
from collections.abc import Collection, Iterable
from enum import StrEnum

from headgate.core.ids import RandomBytes

SCOPES_MAX = 50  # of one client
SCOPE_CHARACTERS_MAX = 64
SCOPES_CHARACTERS_MAX = 512  # of all of them, with the spaces between: as long as a table's row
TOKEN_SECONDS_MIN = 60
TOKEN_SECONDS_MAX = 86_400
TOKEN_SECONDS_DEFAULT = 3600
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, no words; Source: RFC 8628 §6.1
USER_CODE_CHARACTERS = 8
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3


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


def scopes_error(scopes: Collection[str]) -> str | None:
    """What is wrong with the scopes of a client; None if nothing is."""
    if len(scopes) > SCOPES_MAX:
        return f"A client has at most {SCOPES_MAX} scopes"
    for scope in scopes:
        if len(scope) > SCOPE_CHARACTERS_MAX:
            return f"A scope has at most {SCOPE_CHARACTERS_MAX} characters"
        if _SCOPE.fullmatch(scope) is None:
            return 'A scope is visible ASCII, without spaces, " and \\'
    if len(" ".join(scopes)) > SCOPES_CHARACTERS_MAX:
        return f"All scopes together have at most {SCOPES_CHARACTERS_MAX} characters"
    return None


def in_order(scopes: Iterable[str]) -> list[str]:
    """Each scope once, in the order of the alphabet."""
    return sorted(set(scopes))


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
