"""Is the access table exact, idempotent, bounded and safe against a full disk?"""

import errno
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headgate.access.keys import new_key
from headgate.core.clock import FixedClock
from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.gateway import table_layout as layout
from headgate.gateway.table import AccessTable
from headgate.gateway.table_blocks import block_key
from headgate.gateway.table_index import pair_hash
from headgate.model.access import (
    AccessDelta,
    APIRow,
    APISettingsRow,
    ApplicationRow,
    BlockKind,
    BlockRow,
    CredentialRow,
    LimitSubject,
    OperationRow,
    PlanRow,
    PublishedRows,
    RowState,
    ScopedLimit,
    SubscriptionRow,
)
from headgate.model.limits import Limit, LimitKind, Window
from headgate.model.node import CounterKind, CounterReading
from headgate.model.snapshot import KeyLocation, KeySource
from headgate.model.tokens import token_block_key

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
QUOTA = Limit(LimitKind.QUOTA, 1000, Window.MONTH)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[AccessTable]:
    opened = _open(tmp_path)
    yield opened
    opened.close()


def _open(folder: Path, generation: str = "g") -> AccessTable:
    return AccessTable.open(folder / "access.tbl", generation=generation, clock=FixedClock(NOW))


def _delta(after: int = 0, **rows: tuple[object, ...]) -> AccessDelta:
    return AccessDelta("g", after, after + 1, is_complete=True, **rows)


def _credential(row: int, state: RowState = RowState.ACTIVE) -> CredentialRow:
    return CredentialRow(row, 1, f"key_{row:012d}", 1, new_key().sha256, state)


def _subscription(row: int, state: RowState = RowState.ACTIVE) -> SubscriptionRow:
    return SubscriptionRow(row, 1, f"sub_{row:012d}", 7, 9, 3, state)


def _row_of_digest(table: AccessTable, sha256: str) -> int | None:
    """The row that the filter would find."""
    digest = bytes.fromhex(sha256)
    fingerprint = int.from_bytes(digest[:4], "little")
    for _, row in table._credentials.rows(fingerprint):
        at = layout.SECTIONS["credential"].at(row, "sha256")
        if table._file.bytes[at : at + 32] == digest:
            return row
    return None


def _word(table: AccessTable, section: str, row: int, field: str) -> int:
    return table._file.words[layout.SECTIONS[section].at(row, field) // 8]


def test_a_new_table_is_private_sparse_and_empty(tmp_path: Path) -> None:
    table = _open(tmp_path)
    found = (tmp_path / "access.tbl").stat()
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_size == layout.FILE_BYTES
    assert found.st_blocks * 512 < 20 * 1024 * 1024
    assert (table.sequence, table.is_complete) == (0, False)
    table.close()


def test_what_was_applied_is_there_after_opening_again(tmp_path: Path) -> None:
    table = _open(tmp_path)
    epoch = table.epoch
    row = _credential(5)
    assert table.apply(_delta(credentials=(row,))) == 1
    table.close()
    again = _open(tmp_path)
    assert (again.sequence, again.epoch, again.is_complete) == (1, epoch, True)
    assert _row_of_digest(again, row.sha256) == 5
    again.close()


def test_another_generation_starts_afresh_and_retires_the_old_file(tmp_path: Path) -> None:
    table = _open(tmp_path)
    table.apply(_delta(credentials=(_credential(5),)))
    epoch = table.epoch
    old = os.open(tmp_path / "access.tbl", os.O_RDONLY)
    table.close()
    again = _open(tmp_path, "another")
    assert again.sequence == 0
    assert again.epoch != epoch
    at = layout.SECTIONS["header"].at(0, "state")
    assert struct.unpack("Q", os.pread(old, 8, at)) == (layout.STATE_RETIRED,)
    os.close(old)
    again.close()


def test_another_layout_starts_afresh_and_another_kind_of_file_is_left_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "access.tbl"
    path.write_bytes(b"HGTBL000" + bytes(5000))
    _open(tmp_path).close()
    assert path.stat().st_size == layout.FILE_BYTES
    path.write_bytes(b"something else")
    with pytest.raises(Problem, match="no access table"):
        _open(tmp_path)
    assert path.read_bytes() == b"something else"


def test_a_file_cut_short_is_a_problem(tmp_path: Path) -> None:
    _open(tmp_path).close()
    with (tmp_path / "access.tbl").open("r+b") as file:
        file.truncate(1 << 20)
    with pytest.raises(Problem, match="damaged"):
        _open(tmp_path)


def test_a_second_writer_is_refused_until_the_first_has_closed(tmp_path: Path) -> None:
    first = _open(tmp_path)
    with pytest.raises(Problem) as caught:
        _open(tmp_path)
    assert caught.value.type is ProblemType.CONFLICT
    first.close()
    _open(tmp_path).close()


def test_applying_a_page_twice_changes_nothing(table: AccessTable) -> None:
    page = _delta(
        credentials=(_credential(1), _credential(2)),
        subscriptions=(_subscription(1),),
        applications=(ApplicationRow(7, 1, "app_" + "0" * 12, "org_" + "0" * 12, RowState.ACTIVE),),
        plans=(PlanRow(3, 1, "pln_" + "0" * 12, (QUOTA, None)),),
        apis=(APIRow(4, 1, (9,)),),
        blocks=(BlockRow(1, 1, BlockKind.ADDRESS, "10.0.0.1", NOW + timedelta(hours=1)),),
    )
    table.apply(page)
    used = layout.SECTIONS["credential"].offset + 4096
    before = bytes(table._file.bytes[: layout.SECTIONS["block"].offset + (1 << 20)])
    rows = bytes(table._file.bytes[used - 4096 : used])
    table.apply(page)
    assert bytes(table._file.bytes[: len(before)]) == before
    assert bytes(table._file.bytes[used - 4096 : used]) == rows
    assert table._file.header("credential_entries") == 2


def test_a_gap_and_another_store_are_refused(table: AccessTable) -> None:
    with pytest.raises(Problem, match="table ends at 0"):
        table.apply(_delta(after=5))
    with pytest.raises(Problem, match="another store"):
        table.apply(replace(_delta(), generation="x"))
    assert table.sequence == 0


def test_the_index_grows_and_finds_everything(table: AccessTable) -> None:
    rows = tuple(_credential(row) for row in range(1, 10_001))
    table.apply(_delta(credentials=rows[:3000]))
    assert table._file.header("credential_region") == 13
    table.apply(_delta(after=1, credentials=rows[3000:]))
    assert table._file.header("credential_region") == 15
    assert all(_row_of_digest(table, row.sha256) == row.row for row in rows)
    assert _row_of_digest(table, new_key().sha256) is None


def test_a_pair_leads_to_its_active_subscription(table: AccessTable) -> None:
    def found() -> list[int]:
        return [row for _, row in table._subscriptions.rows(pair_hash(7, 9))]

    table.apply(_delta(subscriptions=(_subscription(1),)))
    table.apply(_delta(after=1, subscriptions=(_subscription(1, RowState.REMOVED),)))
    table.apply(_delta(after=2, subscriptions=(_subscription(2),)))
    assert found() == [2]
    table.apply(_delta(after=3, subscriptions=(_subscription(1, RowState.REMOVED),)))
    assert found() == [2]


def test_rows_beyond_the_table_are_refused_before_anything_is_written(table: AccessTable) -> None:
    good = _credential(1)
    with pytest.raises(Problem) as caught:
        table.apply(_delta(credentials=(good, _credential(layout.CREDENTIALS_MAX))))
    assert caught.value.type is ProblemType.TOO_MANY
    assert _row_of_digest(table, good.sha256) is None
    assert table.sequence == 0


def test_too_many_products_sources_or_limits_are_refused(table: AccessTable) -> None:
    with pytest.raises(Problem, match="at most 16 products"):
        table.apply(_delta(apis=(APIRow(1, 1, tuple(range(1, 18))),)))
    source = KeySource(KeyLocation.HEADER, "x")
    limit = ScopedLimit(QUOTA, LimitSubject.ADDRESS)
    for row, words in (
        (APISettingsRow(1, (source,) * 4), "at most 3 key sources"),
        (APISettingsRow(1, (KeySource(KeyLocation.QUERY, "n" * 35),)), "at most 34 bytes"),
        (APISettingsRow(1, (), (limit,) * 5), "at most 4 limits"),
    ):
        with pytest.raises(Problem, match=words):
            table.publish(PublishedRows((row,), ()))


def test_a_full_disk_is_told_and_nothing_is_half_applied(
    table: AccessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = _credential(100_000)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", _no_space)
        with pytest.raises(DependencyError, match=r"access\.tbl is full") as caught:
            table.apply(_delta(credentials=(row,)))
    assert caught.value.is_retryable
    assert (table.sequence, _row_of_digest(table, row.sha256)) == (0, None)
    table.apply(_delta(credentials=(row,)))
    assert _row_of_digest(table, row.sha256) == 100_000


def test_no_table_is_left_behind_where_there_is_no_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", _no_space)
        with pytest.raises(DependencyError):
            _open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["access.tbl.lock"]
    _open(tmp_path).close()


def _no_space(descriptor: int, offset: int, size: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_feed_and_snapshot_each_keep_what_the_other_wrote(table: AccessTable) -> None:
    table.apply(_delta(apis=(APIRow(4, 1, (9, 8), is_open=True),)))
    bearer = KeySource(KeyLocation.BEARER)
    table.publish(PublishedRows((APISettingsRow(4, (bearer,)),), (OperationRow(6, 4),)))
    version = _word(table, "api", 4, "version")
    settings = table._settings._settings(4)
    assert struct.unpack_from("BBBB2I", settings) == (1, 1, 2, 1, 9, 8)
    table.publish(PublishedRows((APISettingsRow(4, (bearer,)),), ()))
    assert _word(table, "api", 4, "version") == version
    table.apply(_delta(after=1, apis=(APIRow(4, 2, (8,)),)))
    assert struct.unpack_from("BBBB2I", table._settings._settings(4)) == (1, 0, 1, 1, 8, 0)
    assert _word(table, "operation", 6, "api") == 4


def test_limits_are_one_number_each(table: AccessTable) -> None:
    rate = Limit(LimitKind.RATE, 10, Window.SECOND, 50)
    table.apply(_delta(plans=(PlanRow(3, 1, "pln_" + "0" * 12, (rate, None, QUOTA)),)))
    first = _word(table, "plan", 3, "limits")
    assert first == 10 | 50 << 32 | 0 << 56 | 1 << 59
    at = layout.SECTIONS["plan"].at(3, "limits") // 8
    assert table._file.words[at + 1] == 0
    assert table._file.words[at + 2] == 1000 | 4 << 56 | 2 << 59


@pytest.mark.parametrize(
    ("subject", "prefix"),
    [("10.1.2.3", 128), ("10.1.2.3/8", 104), ("2001:db8::/32", 32), ("::/0", 0)],
)
def test_addresses_become_sixteen_bytes(subject: str, prefix: int) -> None:
    key, found = block_key(BlockRow(1, 1, BlockKind.ADDRESS, subject, NOW))
    assert (len(key), found) == (16, prefix)


def test_a_token_is_blocked_by_the_digest_of_its_id_and_not_as_an_application() -> None:
    digest = token_block_key("a token's id")
    block = BlockRow(1, 1, BlockKind.TOKEN, digest.hex(), NOW)
    assert block_key(block) == (digest, 131)
    assert (
        block_key(replace(block, kind=BlockKind.APPLICATION, subject="app_000000000001"))[1] == 130
    )


def test_a_block_that_names_nothing_is_refused(table: AccessTable) -> None:
    for kind, subject in (
        (BlockKind.ADDRESS, "10.0.0"),
        (BlockKind.APPLICATION, "short"),
        (BlockKind.TOKEN, "no digest"),
        (BlockKind.TOKEN, "abcd"),
    ):
        block = BlockRow(1, 1, kind, subject, NOW + timedelta(hours=1))
        with pytest.raises(Problem, match="A block is wrong"):
            table.apply(_delta(blocks=(block,)))


def test_places_of_ended_blocks_are_used_again(table: AccessTable) -> None:
    for page in range(3):
        blocks = tuple(
            BlockRow(row, 1, BlockKind.ADDRESS, "10.0.0.1", NOW + timedelta(seconds=1))
            for row in range(page * 50 + 1, page * 50 + 51)
        )
        table.apply(_delta(after=page, blocks=blocks))
        table._clock.set(NOW + timedelta(seconds=2 * page + 2))  # type: ignore[attr-defined]
        later = tuple(replace(block, state=RowState.REMOVED) for block in blocks)
        table.apply(_delta(after=page, blocks=later))
    first = layout.SECTIONS["block"].offset // 8
    words = table._file.words[first : first + layout.BLOCK_SLOTS * 6 : 6]
    assert sum(tag != 0 for tag in words.tolist()) == 50


def test_counters_are_offered_until_they_are_accepted(tmp_path: Path) -> None:
    table = _open(tmp_path)
    applications = tuple(
        ApplicationRow(row, 1, f"app_{row:012d}", "org_" + "0" * 12, RowState.ACTIVE)
        for row in range(1, 200)
    )
    table.apply(_delta(applications=applications))
    assert table.counters() == []
    _count(table, 150, 3)
    reading = CounterReading(CounterKind.APPLICATION, 150, 3, 0, table.epoch)
    assert table.counters() == [reading]
    assert table.counters() == [reading]
    table.accept([reading])
    assert table.counters() == []
    _count(table, 150, 4)
    _count(table, 1, 1)
    assert [(r.row, r.allowed) for r in table.counters()] == [(1, 1), (150, 4)]
    table.close()
    again = _open(tmp_path)
    assert [(r.row, r.allowed) for r in again.counters()] == [(1, 1), (150, 4)]
    again.close()


def test_counters_come_in_portions_when_there_are_many(table: AccessTable) -> None:
    applications = tuple(
        ApplicationRow(row, 1, f"app_{row:012d}", "org_" + "0" * 12, RowState.ACTIVE)
        for row in range(1, 301)
    )
    table.apply(_delta(applications=applications))
    for row in range(1, 301):
        _count(table, row, 1)
    seen: list[int] = []
    while portion := table.counters(most=100):
        assert len(portion) <= 100
        seen += [reading.row for reading in portion]
        table.accept(portion)
    assert seen == list(range(1, 301))


def _count(table: AccessTable, row: int, allowed: int) -> None:
    """What the filter does."""
    table._file.words[layout.SECTIONS["application"].at(row, "allowed") // 8] = allowed
    dirty = layout.SECTIONS["application_dirty"].offset + row // layout.DIRTY_ROWS
    table._file.bytes[dirty] = 1


def test_last_use_is_known_of_used_keys_only(table: AccessTable) -> None:
    table.apply(_delta(credentials=(_credential(1), _credential(2))))
    place = layout.SECTIONS["credential"].at(2, "last_used_s") // 8
    table._file.words[place] = int(NOW.timestamp())
    assert table.last_used([1, 2, 3_000_000]) == {2: NOW}


def test_health_tells_the_filters_misfortunes(table: AccessTable) -> None:
    table._file.set_header("dropped", 2)
    table._file.set_header("clock_steps", 1)
    table.apply(_delta(credentials=(_credential(8),)))
    health = table.health()
    assert (health.dropped, health.clock_steps, health.damaged) == (2, 1, 0)
    assert health.rows["credential"] == 9
    assert health.last_call_at is None
