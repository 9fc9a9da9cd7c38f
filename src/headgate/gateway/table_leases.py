"""Which part of a shared quota may this node let pass? Leases beside the counters of the filter.

The filter counts in a subscription's row and compares with the lease in the same row and slot; it
marks rows whose lease runs low. A part is made smaller by storing the smaller part first and
reading the count afterwards: the filter, which counts first and reads the part afterwards, either
sees the smaller part or is seen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from headgate.core.clock import Clock
from headgate.gateway import table_layout as layout
from headgate.gateway.table_file import TableFile, barrier, fence
from headgate.model.leases import DIVISOR_ALL, DIVISOR_NOTHING, Held, Lease, Place, Recall, Want
from headgate.model.limits import BURST_MAX, Window, window_index, window_start

_LEASE = layout.SECTIONS["lease"]
_SUBSCRIPTION = layout.SECTIONS["subscription"]
_PLAN = layout.SECTIONS["plan"]
_DIRTY = layout.SECTIONS["subscription_dirty"]
_WINDOWS = tuple(Window)
_QUOTA = 2  # the kind in a limit's word
_COUNT_MASK = 0xFFFF_FFFF
_FINAL = 1 << 63
_CODE_ANCHORED = 6  # of a month that begins on another day than the first; `filter/limits.zig`


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a quota was used on this node. `is_spent`: all that it may let pass."""

    place: Place
    window: Window
    used: int
    amount: int
    is_refused: bool
    is_spent: bool


class LeaseTable:
    """The leases of one access table. Not for use by several threads at once."""

    def __init__(self, file: TableFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    @property
    def divisor(self) -> int:
        """What the node's part is divided by where it has no lease."""
        return self._file.header("quota_divisor")

    @property
    def rate_nodes(self) -> int:
        """Among how many nodes shared rates are divided; 0 before anybody has said so: one."""
        return self._file.header("rate_nodes")

    def share_rates(self, nodes: int) -> None:
        """Divide shared rates among so many nodes from the next call on.

        What a call has taken is a span of time, which stays right: a node's part of the burst takes
        as long to grow back as the whole.
        """
        self._file.set_header("rate_nodes", nodes)

    def close_until_told(self) -> None:
        """Let nothing of a quota pass before the control plane has said which part is ours."""
        self._reserve()
        self._file.set_header("quota_divisor", DIVISOR_NOTHING)

    def reserve(self, rows: int) -> None:
        """Give the leases of the subscriptions below `rows` disk space.

        Raises:
            DependencyError: the disk is full.
        """
        if self.divisor != DIVISOR_ALL and rows:
            self._file.reserve(_LEASE.offset, rows * _LEASE.record.size)

    def adopt(self, divisor: int, since_s: int) -> list[Held]:
        """Take another divisor, never one that gives more than a smaller one did before.

        What was let pass already beyond the new part is fixed as a lease: those are answered,
        and to be told before the divisor is.
        """
        before = self.divisor
        if divisor == before or (before not in {DIVISOR_ALL, DIVISOR_NOTHING} and divisor < before):
            return []
        if before == DIVISOR_ALL:
            self._reserve()
        is_widening = before == DIVISOR_NOTHING
        if divisor == DIVISOR_NOTHING or (divisor == DIVISOR_ALL and not is_widening):
            return []
        if is_widening:
            self._file.set_header("quota_since_s", since_s)
            fence()
        self._file.set_header("quota_divisor", divisor)
        if divisor == DIVISOR_ALL:
            return []
        barrier()
        return [] if is_widening else list(self._beyond(divisor))

    def uses(self, rows: Iterable[int]) -> Iterator[Use]:
        """What subscriptions have used of each quota in the window that its counter speaks of:
        the present one, or the last while no call has come in the present one.
        """
        words, known = self._file.words, dict[int, list[tuple[int, int, int]]]()
        for row in rows:
            plan = words[_SUBSCRIPTION.at(row, "plan_state") // 8] & _COUNT_MASK
            if plan not in known:
                known[plan] = [(slot, it, self._index(it)) for slot, it in self._quotas(row)]
            first = _SUBSCRIPTION.at(row, "counters") // 8
            for slot, limit, present in known[plan]:
                word = words[first + slot]
                for index in (present, present - 1):
                    place = Place(row, slot, index)
                    if word & _COUNT_MASK and word >> 32 == self._code(place, limit):
                        yield self._use(place, limit, word & _COUNT_MASK)
                        break

    def _use(self, place: Place, limit: int, used: int) -> Use:
        mark = self._file.bytes[_SUBSCRIPTION.at(place.row, "refused") + place.slot]
        return Use(
            place,
            _WINDOWS[limit >> 56 & 7],
            used,
            limit & _COUNT_MASK,
            is_refused=mark == 0x80 | place.index & 0x7F,
            is_spent=used >= self._granted(place, limit),
        )

    def held(self) -> list[Held]:
        """Every part of a running window that is fixed by a lease."""
        found = []
        for row in range(1, self._file.rows("subscription")):
            for slot, limit in self._quotas(row):
                place = Place(row, slot, self._index(limit))
                lease = self._lease(place, limit)
                if lease is not None:
                    count = self._count(place, limit)
                    found.append(Held(place, lease, count >= lease))
        return found

    def wants(self, most: int) -> list[Want]:
        """Parts that run low, of the rows that the filter has marked since the last time; `most`
        or a few more.
        """
        found: list[Want] = []
        rows = self._file.rows("subscription")
        for block in self._marked():
            if len(found) >= most:
                self._file.bytes[_DIRTY.offset + block] = 1  # comes the next time
                continue
            first = block * layout.DIRTY_ROWS
            for row in range(first, min(first + layout.DIRTY_ROWS, rows)):
                found += self._wants_of(row)
        return found

    def put(self, leases: Iterable[Lease]) -> None:
        """Have the filter compare with these from now on; one that is smaller is left alone."""
        for lease in leases:
            limit = self._limit(lease.place)
            if limit is None:
                continue
            present = self._granted(lease.place, limit)
            if lease.granted > present or (lease.is_final and lease.granted == present):
                self._store(lease.place, limit, lease.granted, is_final=lease.is_final)

    def give_back(self, recall: Recall) -> Held | None:
        """Make a part smaller by half of what is left of it, rounded up.

        None: there is no such quota, or its window is over.
        """
        limit = self._limit(recall.place)
        if limit is None:
            return None
        granted, count = self._granted(recall.place, limit), self._count(recall.place, limit)
        kept = max(count, granted - (max(0, granted - count) + 1) // 2)
        self._store(recall.place, limit, kept, is_final=False)
        barrier()
        kept = max(kept, self._count(recall.place, limit))
        self._store(recall.place, limit, kept, is_final=False)
        is_spent = self._count(recall.place, limit) >= kept
        return Held(recall.place, kept, is_spent, recall.version)

    def _reserve(self) -> None:
        rows = self._file.rows("subscription")
        if rows:
            self._file.reserve(_LEASE.offset, rows * _LEASE.record.size)

    def _beyond(self, divisor: int) -> Iterator[Held]:
        """Fixes what has passed beyond a part that has just become smaller."""
        for row in range(1, self._file.rows("subscription")):
            for slot, limit in self._quotas(row):
                place = Place(row, slot, self._index(limit))
                count = self._count(place, limit)
                if self._lease(place, limit) is None and count > (limit & _COUNT_MASK) // divisor:
                    self._store(place, limit, count, is_final=False)
                    yield Held(place, count, is_spent=True)

    def _wants_of(self, row: int) -> Iterator[Want]:
        for slot, limit in self._quotas(row):
            place = Place(row, slot, self._index(limit))
            if self._is_final(place, limit):
                continue
            granted = self._granted(place, limit)
            heaviest = self._file.header("units_max")  # a call may not fit into what is left
            if granted - self._count(place, limit) <= max(granted // 4, heaviest - 1):
                yield Want(place, granted)

    def _marked(self) -> list[int]:
        """Takes the marks away before anything is read, so that none is missed."""
        data, found = self._file.bytes, []
        end = _DIRTY.offset + -(-self._file.rows("subscription") // layout.DIRTY_ROWS)
        at = data.find(b"\x01", _DIRTY.offset, end)
        while at >= 0:
            data[at] = 0
            found.append(at - _DIRTY.offset)
            at = data.find(b"\x01", at + 1, end)
        barrier()
        return found

    def _quotas(self, row: int) -> Iterator[tuple[int, int]]:
        """Slot and word of each quota of the plan that a subscription has now."""
        plan = self._file.words[_SUBSCRIPTION.at(row, "plan_state") // 8] & _COUNT_MASK
        if not 0 < plan < self._file.rows("plan"):
            return
        first = _PLAN.at(plan, "limits") // 8
        for slot in range(layout.PLAN_LIMITS):
            word = self._file.words[first + slot]
            if word >> 59 & 3 == _QUOTA:
                yield slot, word

    def _limit(self, place: Place) -> int | None:
        """The quota at a place, if its window is the present one: the word may hold no other."""
        if not 0 < place.row < self._file.rows("subscription"):
            return None
        limit = dict(self._quotas(place.row)).get(place.slot)
        return limit if limit is not None and self._index(limit) == place.index else None

    def _index(self, limit: int) -> int:
        return window_index(_WINDOWS[limit >> 56 & 7], self._clock.now() - _shift(limit))

    def _code(self, place: Place, limit: int) -> int:
        """The upper half of a word that speaks of this window."""
        code = _CODE_ANCHORED if _shift(limit) else (limit >> 56 & 7) + 1
        return code << 28 | place.index & 0xFFF_FFFF

    def _count(self, place: Place, limit: int) -> int:
        """What has passed in the window."""
        word = self._file.words[_SUBSCRIPTION.at(place.row, "counters") // 8 + place.slot]
        return word & _COUNT_MASK if word >> 32 == self._code(place, limit) else 0

    def _lease(self, place: Place, limit: int) -> int | None:
        word = self._file.words[_LEASE.at(place.row, "words") // 8 + place.slot]
        is_of_window = word >> 32 & 0x7FFF_FFFF == self._code(place, limit)
        return word & _COUNT_MASK if is_of_window else None

    def _is_final(self, place: Place, limit: int) -> bool:
        word = self._file.words[_LEASE.at(place.row, "words") // 8 + place.slot]
        return self._lease(place, limit) is not None and bool(word & _FINAL)

    def _granted(self, place: Place, limit: int) -> int:
        lease = self._lease(place, limit)
        if lease is not None:
            return lease
        amount, divisor = limit & _COUNT_MASK, self.divisor
        if divisor == DIVISOR_ALL:
            return amount
        begins = window_start(_WINDOWS[limit >> 56 & 7], place.index) + _shift(limit)
        start = begins.timestamp()
        is_late = start < self._file.header("quota_since_s")
        return 0 if is_late or divisor == DIVISOR_NOTHING else amount // divisor

    def _store(self, place: Place, limit: int, granted: int, *, is_final: bool) -> None:
        word = self._code(place, limit) << 32 | granted | (_FINAL if is_final else 0)
        self._file.words[_LEASE.at(place.row, "words") // 8 + place.slot] = word


def _shift(limit: int) -> timedelta:
    """By how much a quota's window begins after the calendar's: the day stands where a rate has
    its burst.
    """
    return timedelta(days=max(0, (limit >> 32 & BURST_MAX) - 1))
