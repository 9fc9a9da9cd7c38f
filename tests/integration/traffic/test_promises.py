"""What else the traffic store promises: rebuilding, failed merges, readers, values, clocks."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from headgate.core.clock import FixedClock
from headgate.core.problems import Problem, ProblemType
from headgate.store.models import (
    Organization,
    TrafficFile,
    TrafficSegment,
    TrafficSummary,
    TrafficTotal,
)
from headgate.store.services import leases
from headgate.store.services.actor import Actor
from headgate.store.services.leases import LeaseLostError
from headgate.store.services.traffic import questions, reading
from headgate.store.services.traffic.compaction import LEASE, LEASE_LENGTH, Compaction
from headgate.store.services.traffic.erasure import erase
from headgate.store.services.traffic.ingest import Ingest
from headgate.store.services.traffic.retention import Retention
from headgate.traffic import summaries
from headgate.traffic.compaction import PART_FILES_MIN, Tier
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.queries import GroupBy, RequestFilter
from tests.support.lines import DEFAULT_START, Shape, example_id, line, lines

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
ALL = RequestFilter()
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
ACTOR = Actor.system("test", NOW)


@pytest.fixture(autouse=True)
def here(folders: TrafficFolders, settings: object) -> Iterator[None]:
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]  # Django's settings
    yield
    reading.reader().engine.close()


def put(folders: TrafficFolders, text: bytes, sequence: int = 1) -> Path:
    path = folders.inbox / f"nod_a-00000001-{sequence:08d}.jsonl"
    path.write_bytes(text)
    return path


def seen(count: int = 1000) -> list[object]:
    return [item.record for item in questions.requests(ACTOR, ALL, limit=count).items]


def totals() -> Counter[tuple[object, ...]]:
    rows = TrafficTotal.objects.values_list(
        "kind", "application", "api", "operation", "verdict", "records"
    )
    return Counter({row[:-1]: row[-1] for row in rows})


def test_the_store_is_rebuilt_from_the_archived_segments(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    for number in range(3):
        put(folders, lines(100, shape=Shape(seed=number)), number)
    ingest.tick()
    records, counted = seen(), totals()
    for path in folders.files.rglob("*.parquet"):
        path.unlink()
    for rows in (TrafficFile.objects, TrafficSegment.objects, TrafficTotal.objects):
        rows.all().delete()
    assert seen() == []
    for path in folders.archive.iterdir():
        path.rename(folders.inbox / path.name)
    ingest.tick()
    assert (seen(), totals()) == (records, counted)


class Overtaken(FixedClock):
    """A clock that shows, the second time it is asked, that another process took the lease."""

    asked = 0

    def now(self) -> datetime:
        self.asked += 1
        at = super().now()
        if self.asked == 2:
            later = at + 2 * LEASE_LENGTH
            assert leases.take(LEASE, holder="other", now=later, length=LEASE_LENGTH)
        return at


def test_a_merge_that_was_overtaken_changes_nothing_and_is_swept_up(
    folders: TrafficFolders, engine: Engine, ingest: Ingest
) -> None:
    for number in range(PART_FILES_MIN):
        put(folders, lines(5, shape=Shape(seed=number)), number)
        ingest.tick()
    before, listed = seen(), set(TrafficFile.objects.values_list("path", flat=True))
    due = DEFAULT_START + timedelta(minutes=2)
    with pytest.raises(LeaseLostError):
        Compaction(folders, engine, clock=Overtaken(due), holder="slow").tick()
    assert (
        set(TrafficFile.objects.filter(replaced_at=None).values_list("path", flat=True)) == listed
    )
    orphans = list(folders.files.glob("2*/merge-*.parquet"))
    assert len(orphans) == 1
    clock = FixedClock(due + 5 * LEASE_LENGTH)
    Compaction(folders, engine, clock=clock, holder="next").tick()
    assert not orphans[0].exists()
    assert TrafficFile.objects.get(replaced_at=None).tier == Tier.PART
    assert seen() == before


def test_a_reader_whose_file_is_unlinked_reads_the_one_that_took_its_place(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    put(folders, lines(20))
    ingest.tick()
    place = reading.reader()
    (listed,) = reading.listed(place, ALL)
    gone = reading.Listed(0, listed.path.with_name("gone.parquet"), *(NOW, NOW), 20)
    listings = [[gone], [listed]]
    rows = reading.with_files(
        lambda: listings.pop(0),
        lambda files: reading.run(place, "SELECT count(*) FROM read_parquet(?)", files, []),
    )
    assert rows == [(20,)]
    assert not listings


def test_a_damaged_file_is_said_and_not_passed_over(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    put(folders, lines(20))
    ingest.tick()
    file = TrafficFile.objects.get()
    (folders.files / file.path).write_bytes(b"PAR1 not any more PAR1")
    with pytest.raises(Exception, match="cannot be read"):
        questions.stats(ACTOR, GroupBy.API, ALL)


def test_what_callers_sent_leaves_copies_and_rejects_within_a_day(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    text = json.dumps(line(access="allowed - /pets?card=4111111111111111&page=2")).encode()
    put(folders, text + b"\n" + text[:-20] + b"\n")
    strange = folders.inbox / "no segment"
    strange.write_bytes(text)
    ingest.tick()
    copy = folders.archive / "nod_a-00000001-00000001.jsonl"
    (aside,) = folders.rejects.glob("*.aside")
    (rejects,) = folders.rejects.glob("*.rejects.jsonl")
    assert b"4111" in copy.read_bytes()
    assert b"4111" in aside.read_bytes()
    assert b"4111" not in rejects.read_bytes()
    assert b"card=*&page=*" in rejects.read_bytes()
    sealed_at = datetime.fromtimestamp(copy.stat().st_mtime, UTC)
    retention = Retention(folders, clock=FixedClock(sealed_at + timedelta(hours=22)), holder="t")
    retention.tick()
    assert copy.exists()
    assert aside.exists()
    clock = FixedClock(sealed_at + timedelta(hours=23, minutes=30))
    Retention(folders, clock=clock, holder="t").tick()
    assert not copy.exists()
    kept = b"".join(path.read_bytes() for path in folders.rejects.iterdir())
    assert b"4111" not in kept
    assert kept.count(b"card=*&page=*") == 2


def test_a_consumer_whose_records_are_on_their_way_is_not_erased_halfway(
    folders: TrafficFolders, ingest: Ingest, clock: FixedClock
) -> None:
    Organization.objects.create(id=example_id("org", 3), name="acme", created_at=DEFAULT_START)
    Organization.objects.create(id=example_id("org", 900), name="quiet", created_at=DEFAULT_START)
    put(folders, lines(300))
    with pytest.raises(Problem) as refused:
        erase(ACTOR, clock=clock, organization="acme")
    assert refused.value.type is ProblemType.CONFLICT
    assert erase(ACTOR, clock=clock, organization="quiet").records == 0
    ingest.tick()
    assert erase(ACTOR, clock=clock, organization="acme").records > 0


def test_records_of_a_clock_that_is_ahead_are_found_and_hold_up_no_others(
    folders: TrafficFolders, engine: Engine, ingest: Ingest
) -> None:
    put(folders, lines(30), 1)
    put(folders, lines(7, start=NOW + timedelta(days=30), shape=Shape(seed=2)), 2)
    ingest.tick()
    assert len(seen()) == 37
    put(folders, lines(5, start=NOW - timedelta(days=1), shape=Shape(seed=3)), 3)
    ingest.tick()
    clock = FixedClock(NOW + timedelta(hours=2))
    Compaction(folders, engine, clock=clock, holder="test").tick()
    assert len(seen()) == 42
    rows = questions.stats(ACTOR, GroupBy.API, RequestFilter(until=NOW))
    assert sum(row.requests for row in rows) == 35
    with duckdb.connect() as database:
        (file,) = TrafficFile.objects.filter(replaced_at=None, tier__gte=Tier.HOUR, records=5)
        path = str(folders.files / file.path)
        assert database.execute("SELECT count(*) FROM read_parquet(?)", [path]).fetchall() == [(5,)]


@pytest.mark.parametrize("by", list(GroupBy))
def test_a_large_hour_has_a_summary_that_stays_when_its_values_go(
    folders: TrafficFolders,
    engine: Engine,
    ingest: Ingest,
    monkeypatch: pytest.MonkeyPatch,
    by: GroupBy,
) -> None:
    monkeypatch.setattr(summaries, "HOUR_RECORDS_MIN", 500)
    put(folders, lines(600, shape=Shape(gap_us=1000)), 1)
    ingest.tick()
    put(folders, lines(400, start=NOW + timedelta(hours=1), shape=Shape(seed=2)), 2)
    ingest.tick()
    filters = [ALL, RequestFilter(status=429), RequestFilter(application=example_id("app", 3))]
    before = [questions.stats(ACTOR, by, some) for some in filters]
    clock = FixedClock(NOW + timedelta(hours=3))
    compaction = Compaction(folders, engine, clock=clock, holder="test")
    compaction.tick()
    summary = TrafficSummary.objects.get()
    assert (summary.records, summary.families) == (600, summaries.HOUR_FAMILIES)
    assert [questions.stats(ACTOR, by, some) for some in filters] == before
    clock.set(NOW + timedelta(hours=25))
    compaction.tick()
    assert TrafficFile.objects.get(replaced_at=None, records=600).is_final
    same = TrafficSummary.objects.get(replaced_at=None)
    assert same.pk == summary.pk
    assert same.file == TrafficFile.objects.get(replaced_at=None, records=600)
    assert [questions.stats(ACTOR, by, some) for some in filters] == before
