"""Django's settings of a web process that writes down each password that it hashes.

The hashing itself is Django's own: it is what takes the time by which a stranger might tell one
address from another.
"""

from pathlib import Path

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.support.web_settings import *  # noqa: F403  # all of them, and one more
from tests.support.web_settings import HEADGATE_DATA

PASSWORD_HASHERS = ["tests.support.counted_hashing.CountedHasher"]


class CountedHasher(PBKDF2PasswordHasher):
    """One character in the file for each."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with counted(HEADGATE_DATA).open("a") as file:
            file.write(".")
        return super().encode(password, salt, iterations)


def counted(data: Path) -> Path:
    """Where the hashes of a data folder are counted."""
    return data / "hashed"
