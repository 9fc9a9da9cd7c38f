"""Does a credential's row name exactly the scopes that it is restricted to?"""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.gateway import table_layout as layout
from headgate.gateway.table import AccessTable
from headgate.model.access import AccessDelta, CredentialRow, RowState

SETS, CREDENTIALS = layout.SECTIONS["scope_set"], layout.SECTIONS["credential"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.tbl"


@pytest.fixture
def table(path: Path) -> Iterator[AccessTable]:
    opened = AccessTable.open(path, generation="g")
    yield opened
    opened.close()


def put(table: AccessTable, *scopes: str, row: int = 1, application: int = 1) -> None:
    made = CredentialRow(
        row, 1, f"key_{row:012}", application, f"{row:064x}", RowState.ACTIVE, scopes=scopes
    )
    after = table.sequence
    table.apply(AccessDelta("g", after, after + 1, is_complete=True, credentials=(made,)))


def granted(path: Path, row: int = 1) -> tuple[int, int, str | None]:
    """Application, number of the set, and its words as the filter reads them."""
    with path.open("rb") as file:
        file.seek(CREDENTIALS.at(row, "application"))
        application, number = struct.unpack("@II", file.read(8))
        file.seek(SETS.at(number, "published"))
        length = struct.unpack("@Q", file.read(8))[0]
        return application, number, file.read(length - 1).decode() if length else None


def test_a_key_without_scopes_names_no_set(table: AccessTable, path: Path) -> None:
    put(table)
    assert granted(path) == (1, 0, None)


def test_scopes_come_change_and_go_with_the_row(table: AccessTable, path: Path) -> None:
    put(table, "read", "write")
    assert granted(path)[2] == "read write"
    put(table, "read")
    assert granted(path)[2] == "read"
    put(table, application=7)
    assert granted(path) == (7, 0, None)


def test_equal_sets_are_one_also_after_the_next_start(path: Path) -> None:
    table = AccessTable.open(path, generation="g")
    put(table, "read")
    put(table, "read", row=2)
    first = granted(path)[1]
    table.close()
    again = AccessTable.open(path, generation="g")
    put(again, "read", row=3)
    put(again, "write", row=4)
    again.close()
    assert [granted(path, row)[1] for row in (1, 2, 3)] == [first] * 3
    assert granted(path, 4)[1:] == (first + 1, "write")


def test_what_has_no_room_grants_nothing(table: AccessTable, path: Path) -> None:
    put(table, *(f"{number:063}" for number in range(9)))
    assert granted(path)[1:] == (1, "")
