"""Does the access table hold one grant for each application and mark: the newest?"""

import ctypes
import mmap
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.core.problems import Problem
from headgate.gateway import table_layout as layout
from headgate.gateway.filter import FOLDER
from headgate.gateway.table import AccessTable
from headgate.gateway.table_index import pair_hash
from headgate.model.access import AccessDelta, GrantRow, RowState

ENDS = datetime(2030, 1, 1, tzinfo=UTC)
SECTION = layout.SECTIONS["grant"]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[AccessTable]:
    made = AccessTable.open(tmp_path / "access.tbl", generation="g")
    yield made
    made.close()


def apply(table: AccessTable, *grants: GrantRow) -> None:
    after = table.sequence
    table.apply(AccessDelta("g", after, after + 1, is_complete=True, grants=grants))


def grant(row: int, state: RowState = RowState.ACTIVE, mark: int = 9) -> GrantRow:
    return GrantRow(row, 1, 7, mark, state, ENDS + timedelta(days=row))


def found(table: AccessTable, mark: int = 9) -> list[int]:
    return [row for _, row in table._grants._index.rows(pair_hash(7, mark))]


def test_a_row_holds_whose_it_is_for_what_and_until_when(table: AccessTable) -> None:
    apply(table, grant(3))
    words = table._file.words
    assert words[SECTION.at(3, "application") // 8] == 9 << 32 | 7
    assert words[SECTION.at(3, "state") // 8] == layout.ACTIVE
    ends = (ENDS + timedelta(days=3)).timestamp()
    assert words[SECTION.at(3, "expires_us") // 8] == int(ends * 1_000_000)
    apply(table, grant(3, RowState.REVOKED))
    assert words[SECTION.at(3, "state") // 8] == layout.REVOKED


def test_the_newest_grant_of_a_pair_is_the_one_that_counts(table: AccessTable) -> None:
    apply(table, grant(1))
    apply(table, grant(1, RowState.REVOKED), grant(2))
    assert found(table) == [2]
    apply(table, grant(1, RowState.REVOKED))  # told again, and late
    assert found(table) == [2]
    apply(table, grant(5, mark=8))
    assert (found(table), found(table, 8)) == ([2], [5])


def test_a_table_that_is_opened_again_knows_its_grants(tmp_path: Path) -> None:
    path = tmp_path / "access.tbl"
    first = AccessTable.open(path, generation="g")
    apply(first, grant(4))
    first.close()
    again = AccessTable.open(path, generation="g")
    try:
        assert found(again) == [4]
    finally:
        again.close()


def test_grants_beyond_the_table_are_refused_before_anything_is_written(
    table: AccessTable,
) -> None:
    with pytest.raises(Problem):
        apply(table, grant(1), grant(layout.GRANTS_MAX))
    assert (found(table), table.sequence) == ([], 0)


DOOR = """
const t = @import("table.zig");
const decide = @import("decide.zig");
const Base = [*]align(t.layout.PAGE_BYTES) u8;
export fn isGranted(base: Base, application: u32, mark: u32, now_us: u64) bool {
    var application_row: t.layout.Application = undefined;
    var decision: decide.Decision = undefined;
    decision.now_ns = now_us * 1000;
    var call: decide.Call = undefined;
    call.table = .{ .base = base };
    call.mark = mark;
    call.application = &application_row;
    call.application_row = application;
    call.d = &decision;
    return @import("grants.zig").isGranted(&call);
}
"""
Question = Callable[[int, int, datetime], bool]
APPLICATIONS, MARKS = range(3), range(1, 4)
_turns = count()


class Shared:
    """A table that is written here and read by the filter's own code, and the rows so far."""

    def __init__(self, table: AccessTable, is_granted: Question) -> None:
        self.table = table
        self.is_granted = is_granted
        self.rows: dict[int, GrantRow] = {}

    def tell(self, *rows: GrantRow) -> None:
        apply(self.table, *rows)
        self.rows.update({row.row: row for row in rows})

    def expected(self, application: int, mark: int, now: datetime) -> bool:
        """The newest grant of the pair is active and has not ended."""
        of_pair = [r for r in self.rows.values() if (r.application, r.mark) == (application, mark)]
        newest = max(of_pair, key=lambda row: row.row, default=None)
        return newest is not None and newest.state is RowState.ACTIVE and now < newest.expires_at


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The index is nearly as full as it may be: the tests let it grow."""
    folder = tmp_path_factory.mktemp("grants")
    library = ctypes.CDLL(str(_compiled(folder)))
    table = AccessTable.open(folder / "access.tbl", generation="g")
    apply(table, *(GrantRow(row, 1, row, 1000, RowState.ACTIVE, ENDS) for row in range(1, 2041)))
    with (folder / "access.tbl").open("r+b") as file:
        seen = mmap.mmap(file.fileno(), layout.FILE_BYTES)  # as an Envoy maps it
    start = ctypes.c_char.from_buffer(seen)
    address = ctypes.c_void_p(ctypes.addressof(start))
    library.isGranted.restype = ctypes.c_bool

    def is_granted(application: int, mark: int, now: datetime) -> bool:
        now_us = ctypes.c_uint64(int(now.timestamp()) * 1_000_000)
        found: bool = library.isGranted(address, application, mark, now_us)
        return found

    yield Shared(table, is_granted)
    del start
    seen.close()
    table.close()


def _compiled(folder: Path) -> Path:
    """A library of the filter's sources that answers one question."""
    for source in FOLDER.glob("*.zig"):
        shutil.copy(source, folder)
    (folder / "door.zig").write_text(DOOR)
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(folder), "ZIG_LOCAL_CACHE_DIR": str(folder)}
    made = folder / "libdoor.so"
    command = [sys.executable, "-m", "ziglang", "build-lib", "door.zig", "-dynamic", "-lc"]
    command += ["-O", "ReleaseSafe", "-fstrip", f"-femit-bin={made}"]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | caches, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return made


told = st.tuples(
    st.sampled_from(APPLICATIONS),
    st.sampled_from(MARKS),
    st.integers(-2, 2),  # seconds from `ENDS` to the grant's end
    st.sampled_from(RowState),
    st.one_of(st.none(), st.integers(0, 20)),  # an earlier grant that is told anew
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(told, max_size=12))
def test_the_filter_grants_what_the_rows_say_whatever_their_order(
    shared: Shared, steps: list[tuple[int, int, int, RowState, int | None]]
) -> None:
    """After each change, for each pair, before, at and after the ends."""
    first = 10_000 + next(_turns) * len(APPLICATIONS)  # applications that no other turn has
    mine: list[GrantRow] = []
    for application, mark, seconds, state, again in steps:
        ends = ENDS + timedelta(seconds=seconds)
        if again is not None and mine:
            old = mine[again % len(mine)]
            row = GrantRow(old.row, 1, old.application, old.mark, state, ends)
        else:
            number = max(shared.rows, default=5000) + 1
            row = GrantRow(number, 1, first + application, mark, state, ends)
            mine.append(row)
        shared.tell(row)
        for one, other, at in product(APPLICATIONS, MARKS, range(-2, 3)):
            asked = (first + one, other, ENDS + timedelta(seconds=at))
            assert shared.is_granted(*asked) == shared.expected(*asked), asked


def test_nothing_is_granted_where_no_row_says_so(shared: Shared) -> None:
    application, now = 9_000, ENDS - timedelta(days=1)
    assert not shared.is_granted(application, 1, now)
    number = max(shared.rows, default=5000) + 1
    shared.tell(GrantRow(number, 1, application, 1, RowState.ACTIVE, ENDS))
    assert shared.is_granted(application, 1, now)
    assert not shared.is_granted(application, 2, now)
    assert not shared.is_granted(application, 0, now)
    assert not shared.is_granted(application + 1, 1, now)


def test_pairs_of_one_fingerprint_are_told_apart(shared: Shared) -> None:
    pair, twin = (8_000, 1), _twin(8_000, 1)
    assert pair_hash(*pair) == pair_hash(*twin)
    now = ENDS - timedelta(days=1)
    number = max(shared.rows, default=5000) + 1
    shared.tell(GrantRow(number, 1, *pair, RowState.ACTIVE, ENDS))
    assert (shared.is_granted(*pair, now), shared.is_granted(*twin, now)) == (True, False)
    shared.tell(GrantRow(number, 1, *pair, RowState.REVOKED, ENDS))
    shared.tell(GrantRow(number + 1, 1, *twin, RowState.ACTIVE, ENDS))
    assert (shared.is_granted(*pair, now), shared.is_granted(*twin, now)) == (False, True)


def _twin(application: int, mark: int) -> tuple[int, int]:
    """Another application and mark whose product with `MIX` differs in the last bit alone."""
    mixed = (application << 32 | mark) * layout.MIX ^ 1
    other = mixed * pow(layout.MIX, -1, 1 << 64) % (1 << 64)
    return other >> 32, other & 0xFFFF_FFFF
