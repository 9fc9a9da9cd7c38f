"""Which counters of the filter have changed? Read without looking at a million rows.

The filter marks one byte for every 64 rows after it has counted; the reader clears the mark
before it reads, so that no count is ever missed.
"""

from array import array
from collections.abc import Iterable

from headgate.gateway import table_layout as layout
from headgate.gateway.table_file import TableFile, barrier
from headgate.model.node import CounterKind, CounterReading


class CounterReader:
    """The counters of the applications or the operations of a table."""

    def __init__(self, file: TableFile, kind: CounterKind, epoch: str) -> None:
        self._file = file
        self._kind = kind
        self._epoch = epoch
        section = layout.SECTIONS[kind.value]
        self._first = section.offset // 8
        self._stride = section.record.size // 8
        self._allowed = section.record["allowed"] // 8
        self._rejected = section.record["rejected"] // 8
        dirty = layout.SECTIONS[f"{kind.value}_dirty"]
        self._dirty = range(dirty.offset, dirty.offset + dirty.count)
        self._accepted = array("Q")
        self._pending = set(range(-(-file.rows(kind.value) // layout.DIRTY_ROWS)))

    def readings(self, most: int) -> list[CounterReading]:
        """Rows whose counters differ from those accepted, by row; `most` or a few more."""
        self._collect()
        words = self._file.words
        rows = self._file.rows(self._kind.value)
        if len(self._accepted) < 2 * rows:
            self._accepted.extend([0] * (2 * rows - len(self._accepted)))
        found: list[CounterReading] = []
        for block in sorted(self._pending):
            if len(found) >= most:
                break
            before = len(found)
            first = block * layout.DIRTY_ROWS
            for row in range(first, min(first + layout.DIRTY_ROWS, rows)):
                at = self._first + row * self._stride
                allowed, rejected = words[at + self._allowed], words[at + self._rejected]
                if allowed != self._accepted[2 * row] or rejected != self._accepted[2 * row + 1]:
                    found.append(CounterReading(self._kind, row, allowed, rejected, self._epoch))
            if len(found) == before:
                self._pending.discard(block)
        return found

    def accept(self, readings: Iterable[CounterReading]) -> None:
        """Do not offer these values again; those of other kinds are passed over."""
        for reading in readings:
            if reading.kind is self._kind and reading.epoch == self._epoch:
                self._accepted[2 * reading.row] = reading.allowed
                self._accepted[2 * reading.row + 1] = reading.rejected

    def _collect(self) -> None:
        data = self._file.bytes
        at = data.find(b"\x01", self._dirty.start, self._dirty.stop)
        while at >= 0:
            data[at] = 0
            self._pending.add(at - self._dirty.start)
            at = data.find(b"\x01", at + 1, self._dirty.stop)
        barrier()
