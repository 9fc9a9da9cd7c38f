"""Who may call what, as the filter reads it? The one writer of the node's access table.

A row is live in every worker of Envoy as soon as it is stored. Every change is written body
first and published by one aligned store, and applying the same rows twice changes nothing: a
writer that is killed at any point is followed by one that goes on from the stored sequence.
"""

import secrets
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headgate.core.clock import Clock, SystemClock
from headgate.core.ids import RandomBytes
from headgate.core.problems import Problem, ProblemType
from headgate.gateway import table_layout as layout
from headgate.gateway.table_blocks import BlockTable
from headgate.gateway.table_counters import CounterReader
from headgate.gateway.table_file import TableFile, fence, open_file
from headgate.gateway.table_grants import GrantTable
from headgate.gateway.table_index import HashIndex, pair_hash
from headgate.gateway.table_leases import LeaseTable
from headgate.gateway.table_quotas import QuotaReader
from headgate.gateway.table_scopes import ScopeSets
from headgate.gateway.table_settings import SettingsWriter, limit_word
from headgate.model.access import (
    AccessDelta,
    ApplicationRow,
    CredentialRow,
    GrantRow,
    PlanRow,
    PublishedRows,
    RowState,
    SubscriptionRow,
)
from headgate.model.node import CounterKind, CounterReading

STATE_CODES = {
    RowState.ACTIVE: layout.ACTIVE,
    RowState.SUSPENDED: layout.SUSPENDED,
    RowState.REVOKED: layout.REVOKED,
    RowState.REMOVED: layout.REMOVED,
}
COUNTERS_MAX = 10_000  # readings at one time: a second of Python for a million would be felt
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CREDENTIAL = layout.SECTIONS["credential"]
_SUBSCRIPTION = layout.SECTIONS["subscription"]
_APPLICATION = layout.SECTIONS["application"]
_PLAN = layout.SECTIONS["plan"]
_CREDENTIAL_BODY = struct.Struct("@32s16s")
_SUBSCRIPTION_BODY = struct.Struct("@16sII")


@dataclass(frozen=True, slots=True)
class TableHealth:
    """What the filter could not do, and how full the table is.

    `dropped`: calls refused because no counter was free; `damaged`: calls refused because a row
    led nowhere; `clock_steps`: how often the clock went back by more than a second.
    `last_call_at` is when a worker last decided a call.
    """

    dropped: int
    clock_steps: int
    damaged: int
    rows: dict[str, int]
    last_call_at: datetime | None


class AccessTable:
    """The access table of one node, open for writing. Not for use by several threads at once."""

    def __init__(self, file: TableFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self.generation: str = file.header_text("generation", layout.GENERATION_BYTES_MAX)
        self.epoch: str = file.header_text("epoch", 32)
        self._credentials = HashIndex(file, "credential")
        self._subscriptions = HashIndex(file, "subscription")
        self._grants = GrantTable(file)
        self._blocks = BlockTable(file, self._now_us())
        self._settings = SettingsWriter(file)
        self.leases = LeaseTable(file, clock)
        self.quotas = QuotaReader(file, self.leases, self.epoch)
        self._scope_sets = ScopeSets(file)
        kinds = (CounterKind.OPERATION, CounterKind.APPLICATION)
        self._counters = [CounterReader(file, kind, self.epoch) for kind in kinds]

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        generation: str,
        clock: Clock | None = None,
        random_bytes: RandomBytes = secrets.token_bytes,
        before: "AccessTable | None" = None,
    ) -> "AccessTable":
        """The table at `path`, made anew where it is missing or of another generation or layout.

        `before` is the one whose place it takes, and goes on until it is closed.

        Until a complete set of rows has been applied to a new table, the filter lets nobody in.

        Raises:
            Problem: another process writes the table, or its file is damaged.
            DependencyError: the disk is full or cannot be written.
        """
        file = open_file(
            Path(path),
            generation=generation,
            random_bytes=random_bytes,
            before=before._file if before else None,  # noqa: SLF001  # of its own class
        )
        return cls(file, clock or SystemClock())

    @property
    def sequence(self) -> int:
        """Access sequence number up to which every row is in the table."""
        return self._file.header("sequence")

    @property
    def is_complete(self) -> bool:
        """Whether the table ever had a complete set of rows; before, the filter answers 503."""
        return self._file.header("is_filled") == 1

    def apply(self, delta: AccessDelta) -> int:
        """Write the rows of one page of the access feed; how many they were.

        Either every row fits, or nothing is written.

        Raises:
            Problem: another generation, a gap before the page, or more rows than the table holds.
            DependencyError: the disk is full.
        """
        self._check(delta)
        self._reserve(delta)
        for plan in delta.plans:
            self._put_plan(plan)
        for api in delta.apis:
            self._settings.put_api(api, STATE_CODES[api.state])
        for application in delta.applications:
            self._put_application(application)
        for subscription in delta.subscriptions:
            self._put_subscription(subscription)
        self._put_credentials(delta.credentials)
        for grant in delta.grants:
            self._grants.put(grant, STATE_CODES[grant.state], _microseconds(grant.expires_at))
        now_us = self._now_us()
        for block in delta.blocks:
            self._blocks.put(block, _microseconds(block.expires_at), now_us)
        fence()
        if delta.is_complete:
            self._file.set_header("is_filled", 1)
        self._file.set_header("sequence", max(delta.upto, self.sequence))
        return sum(len(rows) for rows in _parts(delta).values()) + len(delta.blocks)

    def publish(self, rows: PublishedRows) -> None:
        """Write what the filter needs of a snapshot, before Envoy's routes name it.

        Raises:
            Problem: more rows, key sources or limits than the table holds.
            DependencyError: the disk is full.
        """
        self._settings.check(rows)
        self._file.reserve_rows("api", _beyond(row.row for row in rows.apis))
        self._file.reserve_rows("operation", _beyond(row.row for row in rows.operations))
        self._settings.publish(rows)

    def counters(self, most: int = COUNTERS_MAX) -> list[CounterReading]:
        """Counters that differ from what `accept` was given, at most `most` rows.

        What does not fit comes once these are accepted. The first calls after `open` give every
        row that ever counted. Operations come first: they are few.
        """
        found: list[CounterReading] = []
        for reader in self._counters:
            found += reader.readings(most - len(found))
        return found[:most]

    def accept(self, readings: Sequence[CounterReading]) -> None:
        """The control plane has these readings: offer only what changes from here on."""
        for reader in self._counters:
            reader.accept(readings)

    def last_used(self, rows: Iterable[int]) -> dict[int, datetime]:
        """When each credential last authenticated a call, to the second; unused ones are absent."""
        found: dict[int, datetime] = {}
        for row in rows:
            if 0 < row < self._file.rows("credential"):
                seconds = self._file.words[_CREDENTIAL.at(row, "last_used_s") // 8]
                if seconds:
                    found[row] = datetime.fromtimestamp(seconds, UTC)
        return found

    def health(self) -> TableHealth:
        """What the node reports of the table."""
        seen_ns = self._file.header("clock_ns")
        return TableHealth(
            dropped=self._file.header("dropped"),
            clock_steps=self._file.header("clock_steps"),
            damaged=self._file.header("damaged"),
            rows={name: self._file.rows(name) for name in layout.ROW_SECTIONS},
            last_call_at=datetime.fromtimestamp(seen_ns / 1e9, UTC) if seen_ns else None,
        )

    def flush(self) -> None:
        """Have the disk hold what the memory holds; needed only against a crash of the machine."""
        self._file.flush()

    def close(self) -> None:
        """Let another writer open the table. Envoy goes on reading it."""
        self._file.close()

    def _now_us(self) -> int:
        return _microseconds(self._clock.now())

    def _check(self, delta: AccessDelta) -> None:
        if delta.generation != self.generation:
            raise Problem(
                ProblemType.CONFLICT,
                "These access rows are of another store than the access table.",
                "Open the table under the generation of the rows.",
            )
        if delta.after > self.sequence:
            raise Problem(
                ProblemType.CONFLICT,
                f"The rows follow {delta.after:,} and the table ends at {self.sequence:,}.",
                f"Ask for the rows after {self.sequence:,}.",
            )
        try:
            self._blocks.check(delta.blocks, self._now_us())
        except ValueError as error:
            raise Problem(
                ProblemType.INVALID_INPUT, f"A block is wrong: {error}.", "Remove the block."
            ) from error
        self._settings.check_products(delta.apis)

    def _reserve(self, delta: AccessDelta) -> None:
        for name, rows in _parts(delta).items():
            self._file.reserve_rows(name, _beyond(row.row for row in rows))
        self.leases.reserve(_beyond(row.row for row in delta.subscriptions))
        self._credentials.reserve(len(delta.credentials))
        self._subscriptions.reserve(len(delta.subscriptions))
        self._grants.reserve(len(delta.grants))

    def _put_plan(self, row: PlanRow) -> None:
        words = self._file.words
        self._put_id(_PLAN.at(row.row, "id"), row.id)
        first = _PLAN.at(row.row, "limits") // 8
        for slot in range(layout.PLAN_LIMITS):
            limit = row.limits[slot] if slot < len(row.limits) else None
            words[first + slot] = 0 if limit is None else limit_word(limit)
        fence()
        words[_PLAN.at(row.row, "state") // 8] = STATE_CODES[row.state]

    def _put_application(self, row: ApplicationRow) -> None:
        self._put_id(_APPLICATION.at(row.row, "id"), row.id)
        self._put_id(_APPLICATION.at(row.row, "organization"), row.organization)
        fence()
        self._file.words[_APPLICATION.at(row.row, "state") // 8] = STATE_CODES[row.state]

    def _put_subscription(self, row: SubscriptionRow) -> None:
        words = self._file.words
        place = _SUBSCRIPTION.at(row.row, "plan_state") // 8
        if words[place] == 0:
            _SUBSCRIPTION_BODY.pack_into(
                self._file.bytes,
                _SUBSCRIPTION.at(row.row, "id"),
                row.id.encode(),
                row.application,
                row.product,
            )
        words[_SUBSCRIPTION.at(row.row, "expires_us") // 8] = _microseconds(row.expires_at)
        fence()
        words[place] = STATE_CODES[row.state] << 32 | row.plan
        self._point_to(row)

    def _point_to(self, row: SubscriptionRow) -> None:
        """Let the pair's entry name this row, unless another row of the pair is the active one."""
        words = self._file.words
        fingerprint = pair_hash(row.application, row.product)
        pair = row.product << 32 | row.application
        for place, other in self._subscriptions.rows(fingerprint):
            if other == row.row:
                return
            if words[_SUBSCRIPTION.at(other, "application") // 8] != pair:
                continue
            if words[_SUBSCRIPTION.at(other, "plan_state") // 8] >> 32 != 1 or (
                row.state is RowState.ACTIVE and row.row > other
            ):
                self._subscriptions.point(place, fingerprint, row.row)
            return
        self._subscriptions.put(fingerprint, row.row)

    def _put_credentials(self, rows: Sequence[CredentialRow]) -> None:
        words, data, put = self._file.words, self._file.bytes, self._credentials.put
        size, start = _CREDENTIAL.record.size, _CREDENTIAL.offset
        state, expires = _CREDENTIAL.record["state"], _CREDENTIAL.record["expires_us"]
        application = _CREDENTIAL.record["application"]
        for row in rows:
            at = start + row.row * size
            digest = bytes.fromhex(row.sha256)
            if words[(at + state) // 8] == 0:
                _CREDENTIAL_BODY.pack_into(data, at, digest, row.id.encode())
            owner = row.application | self._scope_sets.number_of(row.scopes) << 32
            if words[(at + application) // 8] != owner:
                words[(at + application) // 8] = owner
            if row.expires_at is not None or words[(at + expires) // 8]:
                words[(at + expires) // 8] = _microseconds(row.expires_at)
            fence()
            words[(at + state) // 8] = STATE_CODES[row.state]
            put(int.from_bytes(digest[:4], "little"), row.row)

    def _put_id(self, at: int, text: str) -> None:
        """Write an id where it is not yet; it never changes once a row is published."""
        data = text.encode().ljust(16, b"-")[:16]
        if self._file.bytes[at : at + 16] != data:
            self._file.bytes[at : at + 16] = data


def _parts(
    delta: AccessDelta,
) -> dict[str, Sequence[ApplicationRow | PlanRow | SubscriptionRow | CredentialRow | GrantRow]]:
    return {
        "plan": delta.plans,
        "application": delta.applications,
        "subscription": delta.subscriptions,
        "credential": delta.credentials,
        "grant": delta.grants,
    }


def _beyond(rows: Iterable[int]) -> int:
    return max(rows, default=-1) + 1


def _microseconds(at: datetime | None) -> int:
    """Microseconds since 1970; 0 for never."""
    return 0 if at is None else max(1, (at - _EPOCH) // _MICROSECOND)
