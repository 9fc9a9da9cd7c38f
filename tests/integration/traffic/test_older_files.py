"""Files of an older release lie beside new ones: are they read, merged, summed and erased alike?"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headgate.core.clock import FixedClock
from headgate.model.record import RequestRecord, Verdict
from headgate.store.models import Organization, TrafficFile, TrafficSummary
from headgate.store.services.actor import Actor
from headgate.store.services.traffic import questions, reading
from headgate.store.services.traffic.compaction import Compaction
from headgate.store.services.traffic.erasure import erase
from headgate.store.services.traffic.ingest import Ingest
from headgate.store.services.traffic.reconcile import reconcile
from headgate.store.services.traffic.statistics import totals_by_day
from headgate.traffic.columns import ADDED, RECORD_TYPES, SUMMARY_TYPES
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.queries import GroupBy, RequestFilter
from headgate.traffic.record import record_from
from tests.support.lines import DEFAULT_START, Shape, example_id, lines
from tests.support.older_files import columns, make_older, take_away

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ACTOR = Actor.system("test", datetime(2026, 11, 20, 12, 30, tzinfo=UTC))
ALL = RequestFilter()
HOUR = RequestFilter(since=DEFAULT_START, until=DEFAULT_START + timedelta(hours=1))


@pytest.fixture
def stored(
    folders: TrafficFolders, ingest: Ingest, settings: object
) -> Iterator[list[RequestRecord]]:
    """Records of the oldest schema, and as many of the present one at the same times."""
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]
    old = _put(folders, ingest, seed=1)
    for path in _listed(folders):
        make_older(path)
    known = {name: neutral for name, neutral in ADDED.items() if name in {"observed", "limits"}}
    new = _put(folders, ingest, seed=2)
    assert any(record.limits for record in new)
    yield [*(replace(record, **known) for record in old), *new]
    reading.reader().engine.close()


@pytest.fixture
def compaction(folders: TrafficFolders, engine: Engine, clock: FixedClock) -> Compaction:
    return Compaction(folders, engine, clock=clock, holder="test")


def compact(compaction: Compaction, clock: FixedClock) -> None:
    """Until hours are days: those wait until the hours are quiet."""
    clock.set(clock.now() + timedelta(days=3))
    for _ in range(4):
        compaction.tick()
        clock.set(clock.now() + timedelta(hours=2))


def answers() -> dict[str, Any]:
    """What every question says."""
    found: dict[str, Any] = {by.value: questions.stats(ACTOR, by, HOUR) for by in GroupBy}
    found["total"] = questions.total(ACTOR, HOUR)
    found["series"] = questions.series(ACTOR, HOUR)
    found["daily"] = questions.daily(ACTOR, HOUR)
    found["totals"] = totals_by_day(reading.reader(), HOUR)
    found["narrow"] = questions.stats(ACTOR, GroupBy.API, RequestFilter(status=429, api="api-2"))
    return found


def _put(folders: TrafficFolders, ingest: Ingest, *, seed: int) -> list[RequestRecord]:
    text = lines(400, shape=Shape(gap_us=4_000_000, seed=seed))
    (folders.inbox / f"nod_a-00000001-{seed:08d}.jsonl").write_bytes(text)
    ingest.tick()
    return [record_from(json.loads(one), node="nod_a", gateway="") for one in text.splitlines()]


def _listed(folders: TrafficFolders) -> list[Path]:
    paths = TrafficFile.objects.filter(replaced_at=None).values_list("path", flat=True)
    return [folders.files / path for path in paths]


def test_every_column_that_is_written_is_declared_with_its_type(
    folders: TrafficFolders, ingest: Ingest, compaction: Compaction, clock: FixedClock
) -> None:
    _put(folders, ingest, seed=1)
    (path,) = _listed(folders)
    assert columns(path) == RECORD_TYPES
    compact(compaction, clock)
    (path,) = _listed(folders)
    assert columns(path) == RECORD_TYPES
    summary = TrafficSummary.objects.get(replaced_at=None)
    assert columns(folders.files / summary.path) == SUMMARY_TYPES


def test_records_of_both_are_read_and_what_was_not_known_is_empty(
    folders: TrafficFolders, stored: list[RequestRecord]
) -> None:
    assert len({tuple(columns(path)) for path in _listed(folders)}) == 2
    newest = sorted(stored, key=lambda r: (r.started_at, r.request_id), reverse=True)
    page = questions.requests(ACTOR, ALL, limit=1000)
    assert [item.record for item in page.items] == newest
    followed = questions.follow(ACTOR, ALL, after="0.0.")
    assert {item.record.request_id for item in followed.items} == {r.request_id for r in stored}
    wanted = [r for r in newest if r.limits][:1][0]
    (one,) = questions.requests(ACTOR, RequestFilter(request_id=wanted.request_id)).items
    assert one.record == wanted


def test_questions_have_the_same_answers_before_and_after_a_merge(
    folders: TrafficFolders,
    stored: list[RequestRecord],
    compaction: Compaction,
    clock: FixedClock,
) -> None:
    before = answers()
    assert before["total"].requests == len(stored)
    assert sum(point.requests for point in before["series"]) == len(stored)
    compact(compaction, clock)
    (path,) = _listed(folders)
    assert columns(path) == RECORD_TYPES
    assert answers() == before
    make_older(folders.files / TrafficSummary.objects.get(replaced_at=None).path)
    assert answers() == before


def test_reconciliation_counts_the_records_of_both_before_and_after_a_merge(
    stored: list[RequestRecord], compaction: Compaction, clock: FixedClock
) -> None:
    """Those that the filter decided on: it counts no others."""
    operations = Counter(
        f"{record.api} {record.version} {record.operation}"
        for record in stored
        if record.operation and record.verdict is not Verdict.NO_ROUTE
    )
    found = {item.name: item.stored.total for item in reconcile(ACTOR).items}
    known = {name: found[name] for name in operations}
    assert sum(known.values()) > len(stored) * 0.9
    assert all(known[name] <= total for name, total in operations.items())
    before = reconcile(ACTOR)
    compact(compaction, clock)
    assert reconcile(ACTOR) == before


def test_a_consumer_is_erased_from_both(
    folders: TrafficFolders, stored: list[RequestRecord], clock: FixedClock
) -> None:
    gone = example_id("org", 3)
    Organization.objects.create(id=gone, name="acme", created_at=DEFAULT_START)
    done = erase(ACTOR, clock=clock, organization="acme")
    assert (done.records, done.files) == (sum(r.organization == gone for r in stored), 2)
    rows = questions.stats(ACTOR, GroupBy.ORGANIZATION, ALL)
    assert sum(row.requests for row in rows) == len(stored)
    assert ("acme",) not in {row.key for row in rows}


def test_a_column_that_was_there_from_the_start_has_nothing_in_its_place(
    folders: TrafficFolders, ingest: Ingest, settings: object
) -> None:
    """What lacks it is no file of ours, and is not counted as requests at an unknown time."""
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]
    _put(folders, ingest, seed=1)
    (path,) = _listed(folders)
    take_away(path, ["started_at"])
    assert questions.requests(ACTOR, HOUR).items == ()
    assert questions.stats(ACTOR, GroupBy.API, HOUR) == []
    reading.reader().engine.close()
