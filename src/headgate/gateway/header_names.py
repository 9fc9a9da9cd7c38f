"""Which headers may settings write, and which of them hold secrets?"""

import re

from headgate.core.phrases import phrase

RESERVED = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
        "forwarded",
        "ratelimit",
        "ratelimit-policy",
    }
)
RESERVED_STARTS = ("x-envoy-", "x-forwarded-")
CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""Headers whose values are secrets: they take theirs from the store, at least in part."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")


def header_error(name: str) -> str | None:
    """Why settings cannot write the header `name`; None if they can. Source: RFC 9110 §5.1."""
    lower = name.lower()
    if _NAME.fullmatch(lower) is None:
        return phrase("{name!r} is not the name of a header", name=name)
    if lower in RESERVED or lower.startswith(RESERVED_STARTS):
        return phrase("{name!r} is reserved: the gateway itself depends on it", name=name)
    return None
