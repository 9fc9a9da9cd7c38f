"""Is a large segment cut at line ends, and cut the same way each time?"""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.node import SegmentName
from headgate.node.parts import Part, cut

pytestmark = pytest.mark.anyio
NAME = SegmentName("nod1", "0123abcd", 7)


def content(part: Part) -> bytes:
    return part.path.read_bytes()[part.offset : part.offset + part.length]


@given(
    lines=st.lists(st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"")), max_size=50),
    bytes_max=st.integers(1, 200),
)
def test_parts_are_the_whole_and_end_at_line_ends(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], bytes_max: int
) -> None:
    path = tmp_path_factory.mktemp("parts") / "segment.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    found = cut(NAME, path, bytes_max=bytes_max)
    assert b"".join(content(part) for part in found) == path.read_bytes()
    assert all(content(part).endswith(b"\n") for part in found if part.length)
    assert all(part.length < bytes_max + 32 for part in found)
    assert len({part.name for part in found}) == len(found)
    assert cut(NAME, path, bytes_max=bytes_max) == found


def test_a_small_segment_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "segment.jsonl"
    path.write_bytes(b"1\n2\n")
    assert cut(NAME, path, bytes_max=4) == [Part(NAME, path, 0, 4)]


async def test_a_part_is_read_and_digested_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "segment.jsonl"
    path.write_bytes(b"11\n22\n33\n")
    second = cut(NAME, path, bytes_max=3)[1]
    assert [chunk async for chunk in second.chunks()] == [b"22\n"]
    assert second.sha256() == hashlib.sha256(b"22\n").digest()
    assert second.name != NAME
