"""What has been used of quotas, in steps that are worth telling? Read without a million rows.

The filter marks one byte for every 64 subscriptions after one of their quotas was used; the reader
clears the mark before it reads, so that nothing is ever missed. A reading is due when what was
used has come to another hundredth of the quota (over several nodes: of the node's part), when the
node's part is spent, and when a call was refused.
"""

from array import array
from collections.abc import Iterable, Iterator

from headgate.gateway import table_layout as layout
from headgate.gateway.table_file import TableFile, barrier
from headgate.gateway.table_leases import LeaseTable, Use
from headgate.model.limits import WINDOWS_TOLD
from headgate.model.node import QuotaReading

STEPS = 100
STEPS_MAX = 0x3FFE  # of one quota on one node
_DIRTY = layout.SECTIONS["quota_dirty"]


class QuotaReader:
    """The used quotas of a table. `readings` offers what `accept` has not yet been given."""

    def __init__(self, file: TableFile, leases: LeaseTable, epoch: str) -> None:
        self._file = file
        self._leases = leases
        self._epoch = epoch
        self._accepted = array("I")  # by row and slot: window 16 bits, refused 1, spent 1, step 14
        self._offered: dict[QuotaReading, int] = {}
        self._pending = set(range(-(-file.rows("subscription") // layout.DIRTY_ROWS)))

    def readings(self, most: int) -> list[QuotaReading]:
        """Uses that have come to another step, by row; at most `most`."""
        self._collect()
        self._offered = {}
        for block in sorted(self._pending):
            before = len(self._offered)
            self._offer(self._rows(block))
            if len(self._offered) == before:
                self._pending.discard(block)
            if len(self._offered) >= most:
                break
        return list(self._offered)[:most]

    def accept(self, readings: Iterable[QuotaReading]) -> None:
        """The control plane has these: offer them again when they have come further."""
        for reading in readings:
            mark = self._offered.pop(reading, None)
            if mark is not None:
                self._accepted[_place(reading.row, reading.slot)] = mark

    def _offer(self, rows: Iterable[int]) -> None:
        for use in self._leases.uses(rows):
            mark, at = self._mark(use), use.place
            is_news = mark & 0xFFFF and mark != self._accepted[_place(at.row, at.slot)]
            if is_news and use.window in WINDOWS_TOLD:
                found = QuotaReading(
                    at.row, at.slot, at.index, use.used, use.is_refused, self._epoch
                )
                self._offered[found] = mark

    def _mark(self, use: Use) -> int:
        steps = min(STEPS * max(1, self._leases.divisor), STEPS_MAX)
        step = min(use.used * steps // max(1, use.amount), STEPS_MAX + 1)
        return (use.place.index & 0xFFFF) << 16 | use.is_refused << 15 | use.is_spent << 14 | step

    def _rows(self, block: int) -> Iterator[int]:
        first = block * layout.DIRTY_ROWS
        end = min(first + layout.DIRTY_ROWS, self._file.rows("subscription"))
        missing = _place(end, 0) - len(self._accepted)
        if missing > 0:
            self._accepted.extend([0] * missing)
        yield from range(max(1, first), end)

    def _collect(self) -> None:
        data, end = self._file.bytes, _DIRTY.offset + _DIRTY.count
        at = data.find(b"\x01", _DIRTY.offset, end)
        while at >= 0:
            data[at] = 0
            self._pending.add(at - _DIRTY.offset)
            at = data.find(b"\x01", at + 1, end)
        barrier()


def _place(row: int, slot: int) -> int:
    return row * layout.PLAN_LIMITS + slot
