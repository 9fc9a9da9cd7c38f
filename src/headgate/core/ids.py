"""How are things named for good? Sixteen bytes: a three-letter kind, `_`, sixty random bits."""

import secrets
from typing import Literal, Protocol

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
ID_BYTES = 16  # every id has this length: the access table and the log store it without a length

Kind = Literal[
    "org",
    "app",
    "key",
    "usr",
    "crt",
    "cli",
    "sub",
    "pln",
    "prd",
    "api",
    "ver",
    "tok",
    "rft",
    "aud",
    "nod",
    "req",
    "blk",
    "gtw",
    "rel",
    "sec",
    "usr",
    "mem",
    "inv",
    "mai",
    "pag",
    "evt",
    "whk",
    "dlv",
    "srq",
    "mrk",
    "dar",
    "tea",
    "pla",
    "chg",
    "fdb",
]


class RandomBytes(Protocol):
    """Source of randomness: `secrets.token_bytes` in service, a seeded one in tests."""

    def __call__(self, count: int, /) -> bytes: ...


def new_id(kind: Kind, random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """A new identifier such as `app_7k3v9q2m4x0z`: 16 ASCII bytes, sortable by nothing.

    60 random bits: among a million ids a collision has a chance of one in two million;
    the store's unique constraint catches it.
    """
    number = int.from_bytes(random_bytes(8), "big") >> 4
    return f"{kind}_{''.join(ALPHABET[(number >> shift) & 31] for shift in range(0, 60, 5))}"
