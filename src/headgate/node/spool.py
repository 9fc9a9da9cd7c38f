"""Which sealed segments wait to be shipped, and how much room do they take?"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headgate.model.node import SegmentName, parse_segment_name

SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Sealed:
    """One file of the spool. `sealed_at` is when Envoy last wrote to it."""

    name: SegmentName
    path: Path
    bytes: int
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class SpoolSize:
    """How full the spool is."""

    segments: int
    bytes: int
    oldest_at: datetime | None


def segment_path(spool: Path, name: SegmentName) -> Path:
    """The file of the segment `name`."""
    return spool / f"{name}{SUFFIX}"


def list_sealed(spool: Path, *, besides: Container[Path] = ()) -> list[Sealed]:
    """The files of the spool, oldest first, without those in `besides`.

    Files with other names are left out: they are not ours.
    """
    found = []
    for path in spool.glob(f"*{SUFFIX}"):
        if path in besides:
            continue
        try:
            name = parse_segment_name(path.stem)
            stat = path.stat()
        except (ValueError, FileNotFoundError):
            continue
        sealed_at = datetime.fromtimestamp(stat.st_mtime, UTC)
        found.append(Sealed(name, path, stat.st_size, sealed_at))
    return sorted(found, key=lambda item: (item.sealed_at, item.name.boot, item.name.sequence))


def measure(sealed: list[Sealed]) -> SpoolSize:
    """The size of what `list_sealed` found."""
    oldest_at = sealed[0].sealed_at if sealed else None
    return SpoolSize(len(sealed), sum(item.bytes for item in sealed), oldest_at)


def overflow(sealed: list[Sealed], bytes_max: int) -> list[Sealed]:
    """The oldest segments that must go so that the rest fits into `bytes_max`.

    The newest one stays even when it alone is larger.
    """
    excess = sum(item.bytes for item in sealed) - bytes_max
    gone: list[Sealed] = []
    for item in sealed[:-1]:
        if excess <= 0:
            break
        gone.append(item)
        excess -= item.bytes
    return gone
