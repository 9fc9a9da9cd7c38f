"""Files are merged, aged, erased and removed while every record stays countable."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from headgate.core.clock import FixedClock
from headgate.store.models import (
    API,
    APIVersion,
    Operation,
    Organization,
    TrafficEvent,
    TrafficFile,
    TrafficSegment,
    TrafficSummary,
)
from headgate.store.services.actor import Actor
from headgate.store.services.traffic.compaction import GRACE, Compaction
from headgate.store.services.traffic.erasure import erase, preview
from headgate.store.services.traffic.ingest import Ingest
from headgate.store.services.traffic.retention import Retention
from headgate.traffic.compaction import PART_FILES_MIN, Tier
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.retention import Keeping
from tests.support.lines import DEFAULT_START, Shape, example_id, lines

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
SECRET = "?page="


@pytest.fixture
def compaction(folders: TrafficFolders, engine: Engine, clock: FixedClock) -> Compaction:
    return Compaction(folders, engine, clock=clock, holder="test")


@pytest.fixture
def stored(folders: TrafficFolders, ingest: Ingest) -> int:
    """As many files as make a part, ten records each."""
    for number in range(PART_FILES_MIN):
        start = DEFAULT_START + timedelta(seconds=number)
        text = lines(10, start=start, shape=Shape(seed=number))
        (folders.inbox / f"nod_a-00000001-{number:08d}.jsonl").write_bytes(text)
        ingest.tick()
    return PART_FILES_MIN * 10


def column(folders: TrafficFolders, name: str) -> Counter[object]:
    paths = TrafficFile.objects.filter(replaced_at=None).values_list("path", flat=True)
    files = [str(folders.files / path) for path in paths]
    rows = duckdb.execute(f"SELECT {name} FROM read_parquet(?)", [files]).fetchall()
    return Counter(row[0] for row in rows)


def on_disk(folders: TrafficFolders) -> set[Path]:
    return set(folders.files.rglob("*.parquet"))


def compact_days(compaction: Compaction, clock: FixedClock) -> None:
    """Until nothing is due: hours first, then days, which wait until the hours are quiet."""
    for _ in range(4):
        compaction.tick()
        clock.set(clock.now() + timedelta(hours=2))


def test_merged_files_hold_the_same_records_in_order_of_time(
    folders: TrafficFolders, compaction: Compaction, clock: FixedClock, stored: int
) -> None:
    before = column(folders, "request_id")
    clock.set(DEFAULT_START + timedelta(minutes=2))
    result = compaction.tick()
    assert result is not None
    assert (result.merges, result.files_merged) == (1, PART_FILES_MIN)
    file = TrafficFile.objects.get(replaced_at=None)
    assert (file.tier, file.records) == (Tier.PART, stored)
    assert (file.batch_first, file.batch_last) == (1, PART_FILES_MIN)
    assert column(folders, "request_id") == before
    rows = duckdb.execute(
        "SELECT started_at FROM read_parquet(?, file_row_number = true) ORDER BY file_row_number",
        [str(folders.files / file.path)],
    ).fetchall()
    assert rows == sorted(rows)


def test_replaced_files_are_unlinked_after_the_grace_period_and_not_before(
    folders: TrafficFolders, compaction: Compaction, clock: FixedClock, stored: int
) -> None:
    clock.set(DEFAULT_START + timedelta(minutes=2))
    compaction.tick()
    assert len(on_disk(folders)) == PART_FILES_MIN + 1
    clock.set(clock.now() + GRACE + timedelta(seconds=1))
    compaction.tick()
    assert len(on_disk(folders)) == 1
    assert TrafficFile.objects.count() == 1


def test_values_are_replaced_within_a_day_and_counts_stay(
    folders: TrafficFolders, compaction: Compaction, clock: FixedClock, stored: int
) -> None:
    api = API.objects.create(id=example_id("api", 1), name="api-1", created_at=DEFAULT_START)
    version = APIVersion.objects.create(
        id=example_id("api", 2),
        created_at=DEFAULT_START,
        api=api,
        name="v1",
        base_path="/api-1",
        upstream_data={},
        key_sources_data=[],
        changed=1,
    )
    Operation.objects.create(
        version=version,
        id="getThing1",
        method="POST",
        path="/things1/{item}",
        created_at=DEFAULT_START,
    )
    before = column(folders, "api || version || operation")
    clock.set(DEFAULT_START + timedelta(hours=23, minutes=1))
    compaction.tick()
    assert TrafficFile.objects.get(replaced_at=None).is_final
    assert set(column(folders, "query")) == {"", "page=*&sort=*"}
    assert column(folders, "api || version || operation") == before
    paths = column(folders, "path")
    assert "/api-1/things1/{item}" in paths
    assert not any(str(path).startswith("/api-1/things1/1") for path in paths)
    assert any(str(path).startswith("/api-2/things1/") for path in paths)


def test_a_file_that_somebody_removed_is_reported_and_the_rest_goes_on(
    folders: TrafficFolders, compaction: Compaction, clock: FixedClock, stored: int
) -> None:
    first = TrafficFile.objects.order_by("pk").first()
    assert first is not None
    (folders.files / first.path).unlink()
    clock.set(DEFAULT_START + timedelta(hours=2))
    compaction.tick()
    compaction.tick()
    assert TrafficEvent.objects.get(kind="file_missing").count == 1
    assert column(folders, "request_id").total() == stored - 10


def test_an_orphan_of_an_earlier_writer_is_swept_up_and_listed_files_stay(
    folders: TrafficFolders, ingest: Ingest, stored: int
) -> None:
    day = folders.files / "2026-11-20"
    orphan = day / "batch-99999999-t0.parquet"
    orphan.write_bytes(b"left behind")
    cleaned = folders.scratch / "clean-batch-99999999-t0-nod_a-00000001-00000001.jsonl"
    cleaned.write_bytes(b"left behind")
    ingest.release()
    ingest.tick()
    assert not orphan.exists()
    assert not cleaned.exists()
    assert len(on_disk(folders)) == PART_FILES_MIN


def test_retention_removes_old_records_and_their_summaries_stay(
    folders: TrafficFolders, compaction: Compaction, clock: FixedClock, stored: int
) -> None:
    keeping = Keeping(records=timedelta(days=4), segments=timedelta(days=500))
    retention = Retention(folders, clock=clock, holder="test", keeping=keeping)
    clock.set(DEFAULT_START + timedelta(days=3))
    compact_days(compaction, clock)
    result = retention.tick()
    assert result is not None
    assert result.files == 0
    clock.set(DEFAULT_START + timedelta(days=5))
    result = retention.tick()
    assert result is not None
    assert result.files == 1
    assert TrafficEvent.objects.get(kind="records_removed").count == stored
    clock.set(clock.now() + 2 * GRACE)
    compaction.tick()
    assert not TrafficFile.objects.exists()
    summary = TrafficSummary.objects.get()
    assert (summary.file, summary.records) == (None, stored)
    assert on_disk(folders) == {folders.files / summary.path}


def test_retention_forgets_summaries_segments_and_copies_of_their_age(
    folders: TrafficFolders, compaction: Compaction, clock: FixedClock, stored: int
) -> None:
    assert len(list(folders.archive.iterdir())) == PART_FILES_MIN
    clock.set(DEFAULT_START + timedelta(days=3))
    compact_days(compaction, clock)
    assert TrafficSummary.objects.filter(replaced_at=None).exists()
    clock.set(datetime.now(UTC) + timedelta(days=900))
    Retention(folders, clock=clock, holder="test").tick()
    assert not TrafficSegment.objects.exists()
    assert not list(folders.archive.iterdir())
    clock.set(clock.now() + 2 * GRACE)
    compaction.tick()
    assert not TrafficSummary.objects.exists()
    assert not on_disk(folders)


def test_a_summary_follows_its_file_through_a_late_merge_and_an_erasure(
    folders: TrafficFolders,
    ingest: Ingest,
    compaction: Compaction,
    clock: FixedClock,
    stored: int,
    settings: object,
) -> None:
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]
    clock.set(DEFAULT_START + timedelta(days=3))
    compact_days(compaction, clock)
    first = TrafficSummary.objects.get(replaced_at=None)
    assert first.file == TrafficFile.objects.get(replaced_at=None)
    late = folders.inbox / "nod_a-00000001-00000099.jsonl"
    late.write_bytes(lines(7, start=DEFAULT_START, shape=Shape(seed=99)))
    ingest.tick()
    clock.set(clock.now() + timedelta(hours=2))
    compact_days(compaction, clock)
    second = TrafficSummary.objects.get(replaced_at=None)
    assert (second.records, second.file) == (stored + 7, TrafficFile.objects.get(replaced_at=None))
    Organization.objects.create(id=example_id("org", 3), name="acme", created_at=DEFAULT_START)
    actor = Actor.system("test", clock.now())
    assert erase(actor, clock=clock, organization="acme").records
    third = TrafficSummary.objects.get(replaced_at=None)
    assert (third.pk, third.file) == (second.pk, TrafficFile.objects.get(replaced_at=None))


def test_an_orphan_summary_is_swept_up_and_listed_ones_stay(
    folders: TrafficFolders, engine: Engine, clock: FixedClock, compaction: Compaction, stored: int
) -> None:
    clock.set(DEFAULT_START + timedelta(days=3))
    compact_days(compaction, clock)
    listed = folders.files / TrafficSummary.objects.get(replaced_at=None).path
    orphan = listed.with_name("summary-merge-0000000099-t0.parquet")
    orphan.write_bytes(b"left behind")
    Compaction(folders, engine, clock=clock, holder="next").tick()
    assert listed.exists()
    assert not orphan.exists()


def test_an_erased_organization_is_nowhere_and_the_counts_stay(
    folders: TrafficFolders, clock: FixedClock, stored: int, settings: object
) -> None:
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]
    gone, other = example_id("org", 3), example_id("org", 4)
    Organization.objects.create(id=gone, name="acme", created_at=DEFAULT_START)
    before = column(folders, "organization")
    operations = column(folders, "api || version || operation || status")
    actor = Actor.system("test", DEFAULT_START)
    foretold = preview(actor, organization="acme")
    assert column(folders, "organization") == before  # it was only counted
    result = erase(actor, clock=clock, organization="acme")
    assert result == foretold
    assert result.records == before[gone] > 0
    after = column(folders, "organization")
    assert gone not in after
    assert after[other] == before[other]
    assert column(folders, "api || version || operation || status") == operations
    addresses = column(folders, "client_ip || user_agent || path || query || request_id")
    assert addresses[""] == result.records
    assert not any(gone in path.read_text() for path in folders.archive.iterdir())
    assert erase(actor, clock=clock, organization="acme").records == 0
