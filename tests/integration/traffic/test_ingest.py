"""A segment becomes stored exactly once, whatever is wrong with it."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from headgate.core.clock import FixedClock
from headgate.store.models import (
    TrafficEvent,
    TrafficFile,
    TrafficSegment,
    TrafficTotal,
)
from headgate.store.services.traffic import ingest as storing
from headgate.store.services.traffic.ingest import Ingest
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.io.parquet import Batch, SegmentFile
from tests.support.lines import line, lines

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def put(folders: TrafficFolders, text: bytes, sequence: int = 1, node: str = "nod_a") -> Path:
    path = folders.inbox / f"{node}-00000001-{sequence:08d}.jsonl"
    path.write_bytes(text)
    return path


def counted_by_the_filter(folders: TrafficFolders) -> int:
    """Records of operations that the filter has seen, read back from the files."""
    files = [
        str(folders.files / path) for path in TrafficFile.objects.values_list("path", flat=True)
    ]
    rows = duckdb.execute(
        "SELECT count(*) FROM read_parquet(?) WHERE filter_verdict <> '' AND operation <> ''",
        [files],
    ).fetchall()
    return int(rows[0][0])


def test_a_segment_is_stored_counted_and_archived(folders: TrafficFolders, ingest: Ingest) -> None:
    path = put(folders, lines(1000))
    result = ingest.tick()
    assert result is not None
    assert (result.segments, result.records, result.rejected) == (1, 1000, 0)
    segment = TrafficSegment.objects.get()
    assert (segment.lines, segment.records, segment.rejected) == (1000, 1000, 0)
    file = TrafficFile.objects.get()
    assert (folders.files / file.path).stat().st_size == file.size_bytes
    assert file.records == 1000
    totals = TrafficTotal.objects.filter(kind="operation").values_list("records", flat=True)
    assert sum(totals) == counted_by_the_filter(folders)
    assert not path.exists()
    assert (folders.archive / path.name).exists()


def test_a_stored_segment_that_comes_again_changes_nothing(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    text = lines(100)
    put(folders, text)
    ingest.tick()
    path = put(folders, text)
    result = ingest.tick()
    assert result is not None
    assert (result.known, result.records) == (1, 0)
    assert not path.exists()
    assert sum(TrafficFile.objects.values_list("records", flat=True)) == 100
    totals = TrafficTotal.objects.filter(kind="operation").values_list("records", flat=True)
    assert sum(totals) == counted_by_the_filter(folders)


def test_the_name_of_a_stored_segment_with_other_content_is_put_aside(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    put(folders, lines(100))
    ingest.tick()
    put(folders, lines(101))
    result = ingest.tick()
    assert result is not None
    assert result.aside == 1
    assert TrafficEvent.objects.get(kind="segment_conflict").count == 1
    assert len(list(folders.rejects.glob("*.aside"))) == 1


def test_segments_of_several_nodes_are_stored_in_one_pass(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    for node in ("nod_a", "edge-1"):
        for sequence in range(5):
            put(folders, lines(10), sequence, node)
    result = ingest.tick()
    assert result is not None
    assert (result.batches, result.segments, result.records) == (2, 10, 100)
    assert set(TrafficSegment.objects.values_list("node", flat=True)) == {"nod_a", "edge-1"}


GOOD = json.dumps(line()).encode()


@pytest.mark.parametrize(
    ("text", "records", "rejected"),
    [
        (b"", 0, 0),
        (GOOD, 1, 0),
        (GOOD + b"\n" + GOOD, 2, 0),
        (GOOD + b"\n" + GOOD[:100], 1, 1),
        (GOOD + b"\nnonsense\n" + GOOD + b"\n", 2, 1),
        (b"\n\n" + GOOD + b"\n", 1, 2),
        (b"[1]\nnull\n3\n" + GOOD, 1, 3),
        (GOOD + GOOD + b"\n" + GOOD + b"\n", 1, 1),
        (GOOD.replace(b"api-", b"\xff\xfe") + b"\n" + GOOD, 1, 1),
        (b'{"a":"' + b"x" * 5_000_000 + b'"}\n' + GOOD + b"\n", 1, 1),
        (json.dumps(line(status="ok")).encode() + b"\n" + GOOD, 1, 1),
        (json.dumps(line(started_us=None)).encode() + b"\n" + GOOD, 1, 1),
        (json.dumps(line(started_us=9 * 10**18)).encode() + b"\n" + GOOD, 1, 1),
        (json.dumps(line(started_us=-5)).encode() + b"\n" + GOOD, 1, 1),
        (json.dumps(line(upstream_us="-", attempts="-")).encode() + b"\n" + GOOD, 2, 0),
        (b"\x00" * 4096, 0, 1),
        (b"{}\n" * 250 + GOOD, 1, 250),
    ],
)
def test_records_and_rejected_lines_are_all_lines(
    folders: TrafficFolders, ingest: Ingest, text: bytes, records: int, rejected: int
) -> None:
    put(folders, text)
    put(folders, GOOD + b"\n", sequence=2)
    result = ingest.tick()
    assert result is not None
    assert (result.records, result.rejected) == (records + 1, rejected)
    segment = TrafficSegment.objects.get(name__endswith="1-00000001")
    assert (segment.records, segment.rejected) == (records, rejected)
    assert segment.lines == records + rejected
    assert not list(folders.inbox.iterdir())
    kept = list(folders.rejects.iterdir())
    assert len(kept) == bool(rejected)
    events = TrafficEvent.objects.filter(kind="lines_rejected")
    assert [event.count for event in events] == ([rejected] if rejected else [])


def test_a_file_that_is_no_segment_is_put_aside_and_said(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    (folders.inbox / "holiday.txt").write_bytes(b"hello")
    (folders.inbox / "nod_a-00000001-00000009.part").write_bytes(b"half")
    result = ingest.tick()
    assert result is not None
    assert result.aside == 1
    assert [path.name for path in folders.inbox.iterdir()] == ["nod_a-00000001-00000009.part"]


def test_only_one_holder_ingests_until_the_lease_expires(
    folders: TrafficFolders, ingest: Ingest, clock: FixedClock
) -> None:
    other = Ingest(folders, ingest._engine, clock=clock, holder="other")
    put(folders, lines(10))
    assert ingest.tick() is not None
    assert other.tick() is None
    ingest.release()
    assert other.tick() is not None


def test_a_segment_that_can_never_be_stored_is_put_aside_and_the_others_are_stored(
    folders: TrafficFolders, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for a failure of DuckDB that one segment's content causes."""
    real = storing.write_batch

    def failing(engine: Engine, segments: list[SegmentFile], *rest: Any, **named: Any) -> Batch:
        if any(segment.name.endswith("2") for segment in segments):
            raise duckdb.InternalException("it cannot be")
        return real(engine, segments, *rest, **named)

    monkeypatch.setattr(storing, "write_batch", failing)
    for sequence in range(1, 4):
        put(folders, lines(10), sequence)
    failures = 0
    for _ in range(10):
        try:
            ingest.tick()
        except duckdb.InternalException:
            failures += 1
    assert 1 < failures < 10
    assert TrafficSegment.objects.count() == 2
    assert not list(folders.inbox.iterdir())
    assert TrafficEvent.objects.get(kind="segment_refused").count == 1
    assert len(list(folders.rejects.glob("*2.jsonl.*.aside"))) == 1


def test_numbers_out_of_all_proportion_are_stored_without_breaking_the_sums(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    huge = {
        "duration_us": 2**62,
        "request_bytes": 2**62,
        "response_bytes": 2**62,
        "route": "1 a\0b v1 x",
    }
    text = json.dumps(line(**huge)).encode() + b"\n"
    put(folders, text * 50)
    result = ingest.tick()
    assert result is not None
    assert result.records == 50
    assert TrafficTotal.objects.get(kind="operation").api == "ab"
