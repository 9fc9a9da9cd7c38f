"""How is a segment that is too large to upload at once cut, so that cutting again gives the same?

A segment is large when the agent was away for hours while Envoy wrote on. Its parts end at line
ends and their names follow from its name: an upload that was broken off is repeated under the
same names, and the ingest takes each once.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from headgate.model.node import SegmentName

PART_BYTES_MAX = 128 * 1024**2  # half of what the control plane takes in one request
PARTS_MAX = 10_000
PARTS_BASE = 10**12  # sequence numbers of parts begin here, far above those of segments
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes of a file from `offset` on, under a name of their own."""

    name: SegmentName
    path: Path
    offset: int
    length: int

    def sha256(self) -> bytes:
        """The digest of these bytes."""
        found = hashlib.sha256()
        with self.path.open("rb") as file:
            file.seek(self.offset)
            left = self.length
            while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                found.update(chunk)
                left -= len(chunk)
        return found.digest()

    async def chunks(self) -> AsyncIterator[bytes]:
        """These bytes, piece by piece."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            left = self.length
            while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                yield chunk
                left -= len(chunk)


def cut(name: SegmentName, path: Path, *, bytes_max: int = PART_BYTES_MAX) -> list[Part]:
    """The parts of a sealed segment; itself, under its own name, when it is small enough.

    A part ends with the line that reaches `bytes_max`, so it is longer by less than a line.

    Raises:
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size <= bytes_max:
        return [Part(name, path, 0, size)]
    found: list[Part] = []
    offset = 0
    with path.open("rb") as file:
        while offset < size:
            file.seek(min(offset + bytes_max, size) - 1)
            file.readline()
            end = file.tell()
            number = PARTS_BASE + name.sequence * PARTS_MAX + len(found)
            part = SegmentName(name.node, name.boot, number)
            found.append(Part(part, path, offset, end - offset))
            offset = end
    return found
