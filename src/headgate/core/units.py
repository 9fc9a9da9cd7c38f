"""What do `10/second`, `1h` and `10MB` mean? Quantities as people write them."""

import re
from datetime import timedelta

from headgate.core.phrases import phrase

_DURATION = re.compile(r"(\d+)\s*(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2}


def parse_duration(text: str) -> timedelta:
    """`1h`, `30m`, `7d`, `1h30m` as a time span.

    Raises:
        ValueError: not a duration; the message shows valid ones.
    """
    compact = text.strip().lower()
    parts = _DURATION.findall(compact)
    if not parts or "".join(n + u for n, u in parts) != compact.replace(" ", ""):
        raise ValueError(
            phrase("{text!r} is not a duration; write 90s, 30m, 1h, 7d or 1h30m", text=text)
        )
    return timedelta(seconds=sum(int(n) * _SECONDS[u] for n, u in parts))


def parse_bytes(text: str) -> int:
    """`512kB`, `10MB`, `1MiB` or a bare number as bytes.

    Raises:
        ValueError: not a size.
    """
    match = re.fullmatch(r"(\d+)\s*([a-zA-Z]*)", text.strip())
    if match is None or match[2].lower() not in _BYTES:
        raise ValueError(phrase("{text!r} is not a size; write 512kB, 10MB or 1MiB", text=text))
    return int(match[1]) * _BYTES[match[2].lower()]


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 operation`, `2 operations`, `1,000 operations`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
