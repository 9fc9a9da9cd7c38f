"""How does the store keep what must be read again but not by whoever has the database?

Sealed by a key that is made of `secret.key` of the data folder, one for each purpose.
"""

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from headgate.core.problems import DependencyError


def seal(purpose: str, content: bytes) -> bytes:
    """`content`, encrypted and authenticated."""
    return _fernet(purpose).encrypt(content)


def unseal(purpose: str, sealed: bytes) -> bytes:
    """What was sealed for this purpose.

    Raises:
        DependencyError: by another `secret.key`, or damaged.
    """
    try:
        return _fernet(purpose).decrypt(sealed)
    except InvalidToken as error:
        raise DependencyError(
            f"The {purpose} in the store was sealed with another secret.key", is_retryable=False
        ) from error


def keyed_digest(purpose: str, text: str) -> str:
    """HMAC-SHA-256 of a text that is too short for a plain digest, 64 hexadecimal digits."""
    return hmac.digest(_key(purpose), text.encode(), "sha256").hex()


def _fernet(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(purpose)))


def _key(purpose: str) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), f"sealing\0{purpose}".encode(), "sha256")
