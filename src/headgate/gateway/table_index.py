"""Which row has this hash? Open-addressing indexes that grow while they are read.

An entry is 64 bits: the row above, 32 bits of the hash below. An index of 2^n entries stands in
region n. To grow, the single writer fills the next region and then publishes its number with
one store; readers load the number once per request. Old regions keep their disk space: together
no more than the present one. Entries are never removed, only pointed at another row.
"""

from array import array
from collections.abc import Iterator

from headgate.core.problems import Problem, ProblemType
from headgate.gateway import table_layout as layout
from headgate.gateway.table_file import TableFile, fence

_MASK_32 = 0xFFFF_FFFF
_MASK_64 = 0xFFFF_FFFF_FFFF_FFFF


def pair_hash(application: int, other: int) -> int:
    """32 bits of an application and a product or mark; the filter computes the same."""
    return ((((application << 32) | other) * layout.MIX) & _MASK_64) >> 32


class HashIndex:
    """The index `<name>_index` of a table, as its writer sees it."""

    def __init__(self, file: TableFile, name: str) -> None:
        self._file = file
        self._name = name
        self._start = layout.SECTIONS[f"{name}_index"].offset // 8
        self._region = file.header(f"{name}_region")
        self._count = file.header(f"{name}_entries")

    def reserve(self, more: int) -> None:
        """Make room for `more` entries, at most half full.

        Raises:
            Problem: more than the largest region holds.
            DependencyError: no space on the disk.
        """
        region = self._region
        while (self._count + more) * 2 > 1 << region:
            region += 1
        if region == self._region:
            return
        if region > layout.REGION_MAX:
            raise Problem(
                ProblemType.TOO_MANY,
                f"The access table holds {1 << (layout.REGION_MAX - 1):,} {self._name} rows.",
                "Export the configuration into a new store, which leaves out removed rows.",
            )
        self._grow(region)

    def put(self, fingerprint: int, row: int) -> None:
        """Enter the row, unless it is there. Room must have been reserved."""
        words = self._file.words
        size = 1 << self._region
        first, mask = self._start + size, size - 1
        at = fingerprint & mask
        entry = row << 32 | fingerprint
        while (found := words[first + at]) != 0:
            if found == entry:
                return
            at = (at + 1) & mask
        self._count += 1
        self._file.set_header(f"{self._name}_entries", self._count)
        fence()
        words[first + at] = entry

    def rows(self, fingerprint: int) -> Iterator[tuple[int, int]]:
        """(place, row) of every entry with this fingerprint."""
        size = 1 << self._region
        at = fingerprint & (size - 1)
        while (found := self._file.words[self._start + size + at]) != 0:
            if found & _MASK_32 == fingerprint:
                yield self._start + size + at, found >> 32
            at = (at + 1) & (size - 1)

    def point(self, place: int, fingerprint: int, row: int) -> None:
        """Let the entry at `place` name another row."""
        fence()
        self._file.words[place] = row << 32 | fingerprint

    def _grow(self, region: int) -> None:
        words = self._file.words
        size = 1 << self._region
        new_size = 1 << region
        self._file.reserve((self._start + new_size) * 8, new_size * 8)
        entries = array("Q", bytes(8 * new_size))
        mask = new_size - 1
        for entry in words[self._start + size : self._start + 2 * size]:
            if entry:
                at = entry & mask & _MASK_32
                while entries[at]:
                    at = (at + 1) & mask
                entries[at] = entry
        words[self._start + new_size : self._start + 2 * new_size] = memoryview(entries)
        fence()
        self._file.set_header(f"{self._name}_region", region)
        self._region = region
