"""Which segments wait, how much room do they take, which must go first?"""

import os
from pathlib import Path

import pytest

from headgate.node.spool import list_sealed, measure, overflow


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        path = tmp_path / f"nod1-0123abcd-{number:08d}.jsonl"
        path.write_bytes(b"x" * 100 * number)
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    return tmp_path


def test_segments_are_listed_oldest_first_with_their_size(spool: Path) -> None:
    found = list_sealed(spool)
    assert [item.name.sequence for item in found] == [1, 2, 3]
    size = measure(found)
    assert (size.segments, size.bytes) == (3, 600)
    assert size.oldest_at is not None
    assert size.oldest_at.timestamp() == 1_000_001


def test_the_one_that_envoy_still_writes_and_foreign_files_are_left_out(spool: Path) -> None:
    (spool / "notes.jsonl").touch()
    (spool / ".nod1-0123abcd-00000009.jsonl.tmp").touch()
    pending = spool / "nod1-0123abcd-00000003.jsonl"
    assert [item.name.sequence for item in list_sealed(spool, besides={pending})] == [1, 2]


def test_the_oldest_go_until_the_rest_fits(spool: Path) -> None:
    assert [item.name.sequence for item in overflow(list_sealed(spool), 500)] == [1]
    assert [item.name.sequence for item in overflow(list_sealed(spool), 300)] == [1, 2]


def test_nothing_goes_while_all_fits_and_the_newest_never(spool: Path) -> None:
    assert overflow(list_sealed(spool), 600) == []
    assert [item.name.sequence for item in overflow(list_sealed(spool), 1)] == [1, 2]


def test_an_empty_spool_has_no_oldest(tmp_path: Path) -> None:
    size = measure(list_sealed(tmp_path))
    assert (size.segments, size.bytes, size.oldest_at) == (0, 0, None)
