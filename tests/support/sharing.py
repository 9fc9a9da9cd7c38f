"""How do tests run a node's side of a shared quota without Envoy? Its real table and agent's steps,
and a caller that counts as the filter does.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from headgate.core.clock import Clock
from headgate.gateway import table_layout as layout
from headgate.gateway.table import AccessTable
from headgate.model.access import AccessDelta, PlanRow, RowState, SubscriptionRow
from headgate.model.leases import LEASES_PER_CALL_MAX, Held, LeaseAnswer, LeaseRequest
from headgate.model.limits import Limit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import nodes, quota_leases
from tests.support.store import AT, REPORT

SUBSCRIPTION = layout.SECTIONS["subscription"]
DIRTY = layout.SECTIONS["subscription_dirty"]
USED = layout.SECTIONS["quota_dirty"]
LEASE = layout.SECTIONS["lease"]


class SetClock(Clock):
    """A clock that stands where it was set."""

    def __init__(self, at: datetime = AT) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class SharingNode:
    """One node with one subscription of one plan: a quota per month in slot 0.

    A call costs `cost` units, which is the highest cost of all operations.
    """

    def __init__(self, name: str, gateway: str, folder: Path, row: int, quota: Limit) -> None:
        self.clock = SetClock()
        self.row, self.amount, self.quota = row, quota.amount, quota
        self.cost = 1
        self.table = AccessTable.open(folder / f"{name}.tbl", generation="g", clock=self.clock)
        self.table.leases.close_until_told()
        plan = PlanRow(1, 1, "pln_0000000000001", (quota,))
        of = SubscriptionRow(row, 1, "sub_0000000000001", 1, 1, 1, RowState.ACTIVE)
        self.table.apply(AccessDelta("g", 0, 1, True, plans=(plan,), subscriptions=(of,)))
        scopes = frozenset({Scope.NODE})
        self._actor = Actor(name, scopes, AT, node=name, gateway=gateway)
        self.is_told = False
        self.sent: list[LeaseRequest] = []

    def close(self) -> None:
        """Let the table go."""
        self.table.close()

    @property
    def actor(self) -> Actor:
        """The node's token, now."""
        return self._actor.later(self.clock.at)

    @property
    def count(self) -> int:
        """What has passed in the present window."""
        word = self._words[self._at]
        return word & 0xFFFF_FFFF if word >> 32 == self._code else 0

    @property
    def granted(self) -> int:
        """What the filter compares with."""
        word = self._words[LEASE.at(self.row, "words") // 8]
        divisor = self.table.leases.divisor
        if divisor == 0:
            return self.amount
        if word >> 32 & 0x7FFF_FFFF == self._code:
            return word & 0xFFFF_FFFF
        since_s = self.table._file.header("quota_since_s")  # the filter's eye
        start = self.quota.window_start(self.quota.window_index(self.clock.at)).timestamp()
        is_late = start < since_s
        return 0 if is_late or divisor == layout.SHARE_NOTHING else self.amount // divisor

    def call(self, times: int = 1) -> int:
        """How many of so many calls pass; counts and marks as `filter/limits.zig` does."""
        passed = 0
        for _ in range(times):
            is_passing = self.count + self.cost <= self.granted
            if is_passing:
                self._words[self._at] = self._code << 32 | self.count + self.cost
                passed += 1
            if not is_passing or self.granted - self.count <= self.granted // 4:
                place = DIRTY.offset + self.row // layout.DIRTY_ROWS
                self.table._file.bytes[place] = 1  # the filter's hand
            self.table._file.bytes[USED.offset + self.row // layout.DIRTY_ROWS] = 1
            if not is_passing and (self.is_final or self.table.leases.divisor == 0):
                mark = 0x80 | self.quota.window_index(self.clock.at) & 0x7F
                self.table._file.bytes[SUBSCRIPTION.at(self.row, "refused")] = mark
        return passed

    def report(self, *, is_lost: bool = False) -> int:
        """As `node/report.py` does; how many quotas were told of."""
        told = tuple(self.table.quotas.readings(1000))
        said = replace(REPORT, node=self.actor.node or "", reported_at=self.clock.at, quotas=told)
        nodes.report(self.actor, said)
        if not is_lost:
            self.table.quotas.accept(told)
        return len(told)

    @property
    def is_final(self) -> bool:
        """Whether there is no more than this part."""
        word = self._words[LEASE.at(self.row, "words") // 8]
        return word >> 63 == 1 and word >> 32 & 0x7FFF_FFFF == self._code

    def step(self, *, is_lost: bool = False) -> None:
        """As `node/lease_sync.py` does: tell, hear, give back, ask; no answer when `is_lost`."""
        self._tell(is_lost=is_lost)
        if not self.is_told:
            return
        leases = self.table.leases
        request = LeaseRequest(self.table.epoch, leases.divisor, leases.rate_nodes)
        answer = self._say(request, is_lost)
        if answer is not None:
            leases.share_rates(answer.rate_nodes)
            if answer.divisor != self.table.leases.divisor:
                self.is_told = False
                self.table.leases.adopt(answer.divisor, answer.since_s)
                self._tell(is_lost=is_lost)
            self._give_back(answer, is_lost=is_lost)
        wants = tuple(self.table.leases.wants(LEASES_PER_CALL_MAX))
        if wants and self.is_told:
            divisor = self.table.leases.divisor
            answer = self._say(LeaseRequest(self.table.epoch, divisor, wants=wants), is_lost)
            if answer is not None:
                self.table.leases.put(answer.leases)
                self._give_back(answer, is_lost=is_lost)

    def replay(self, number: int) -> None:
        """A request of earlier arrives once more, late; nobody waits for its answer."""
        if self.sent:
            quota_leases.exchange(self.actor, self.sent[number % len(self.sent)])

    def _tell(self, *, is_lost: bool) -> None:
        if not self.is_told:
            held = tuple(self.table.leases.held())
            self.is_told = not held or self._hold(held, is_lost=is_lost)

    def _give_back(self, answer: LeaseAnswer, *, is_lost: bool) -> None:
        found = [self.table.leases.give_back(recall) for recall in answer.recalls]
        self._hold(tuple(held for held in found if held is not None), is_lost=is_lost)

    def _hold(self, held: tuple[Held, ...], *, is_lost: bool) -> bool:
        return self._say(LeaseRequest(self.table.epoch, None, held=held), is_lost) is not None

    def _say(self, request: LeaseRequest, is_lost: bool) -> LeaseAnswer | None:
        self.sent.append(request)
        answer = quota_leases.exchange(self.actor, request)
        return None if is_lost else answer

    @property
    def _words(self) -> memoryview:
        return self.table._file.words  # the filter's hand

    @property
    def _at(self) -> int:
        return SUBSCRIPTION.at(self.row, "counters") // 8

    @property
    def _code(self) -> int:
        code = 5 if self.quota.anchor_day == 1 else 6
        return code << 28 | self.quota.window_index(self.clock.at) & 0xFFF_FFFF


NEXT_MONTH = timedelta(days=31)
