"""Is a segment handed over once, whole, and never over somebody else's file?"""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.core.problems import DependencyError
from headgate.model.node import parse_segment_name
from headgate.node.ship import InboxTransport, ship
from headgate.node.spool import Sealed

pytestmark = pytest.mark.anyio
NAME = "nod1-0123abcd-00000001"


@pytest.fixture
def segment(tmp_path: Path) -> Sealed:
    path = tmp_path / "spool" / f"{NAME}.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"1\n")
    return Sealed(parse_segment_name(NAME), path, 2, datetime(2026, 1, 1, tzinfo=UTC))


async def test_a_segment_moves_to_the_inbox(tmp_path: Path, segment: Sealed) -> None:
    await ship(segment, InboxTransport(tmp_path / "inbox"))
    assert (tmp_path / "inbox" / f"{NAME}.jsonl").read_bytes() == b"1\n"
    assert not segment.path.exists()


async def test_one_that_was_linked_before_a_kill_is_finished(
    tmp_path: Path, segment: Sealed
) -> None:
    (tmp_path / "inbox").mkdir()
    os.link(segment.path, tmp_path / "inbox" / f"{NAME}.jsonl")
    await ship(segment, InboxTransport(tmp_path / "inbox"))
    assert not segment.path.exists()


async def test_other_content_under_the_same_name_is_never_replaced(
    tmp_path: Path, segment: Sealed
) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / f"{NAME}.jsonl").write_bytes(b"other\n")
    with pytest.raises(DependencyError, match="other content") as caught:
        await ship(segment, InboxTransport(tmp_path / "inbox"))
    assert not caught.value.is_retryable
    assert segment.path.exists()
    assert (tmp_path / "inbox" / f"{NAME}.jsonl").read_bytes() == b"other\n"


async def test_an_inbox_on_another_file_system_gets_a_whole_copy(
    tmp_path: Path, segment: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    def link_within_one_folder(source: Path, target: Path) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "another file system")
        real_link(source, target)

    monkeypatch.setattr(os, "link", link_within_one_folder)
    await ship(segment, InboxTransport(tmp_path / "inbox"))
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == [f"{NAME}.jsonl"]
    assert not segment.path.exists()
