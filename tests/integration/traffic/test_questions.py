"""What was stored can be asked for: pages, following, statistics, series."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate.core.clock import FixedClock
from headgate.core.problems import Problem
from headgate.model.record import RequestRecord, Verdict
from headgate.store.models import Organization, TrafficFile, TrafficSummary
from headgate.store.services import traffic
from headgate.store.services import traffic_reading as reading
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.traffic_compaction import Compaction
from headgate.store.services.traffic_ingest import Ingest
from headgate.store.services.traffic_retention import Retention
from headgate.traffic.histogram import bucket, middle_us
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.queries import GroupBy, RequestFilter
from headgate.traffic.record import record_from
from headgate.traffic.sums import is_allowed, is_error
from tests.support.lines import DEFAULT_START, Shape, example_id, lines

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
ACTOR = Actor.system("test", NOW)
COUNT = 1500
ALL = RequestFilter()


@pytest.fixture
def stored(
    folders: TrafficFolders, ingest: Ingest, settings: object
) -> Iterator[list[RequestRecord]]:
    """Fifteen hundred requests over half an hour, in six segments of two passes."""
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]
    text = lines(COUNT, shape=Shape(gap_us=1_200_000)).splitlines(keepends=True)
    for number in range(6):
        part = b"".join(text[number * 250 : number * 250 + 250])
        (folders.inbox / f"nod_a-00000001-{number:08d}.jsonl").write_bytes(part)
        if number % 3 == 2:
            ingest.tick()
    yield [record_from(json.loads(one), node="nod_a", gateway="") for one in text]
    traffic.reading.reader().engine.close()


@pytest.fixture
def compacted(folders: TrafficFolders, engine: Engine, clock: FixedClock) -> Callable[[], None]:
    """Merges all there is into the file of its day, which has a summary."""
    compaction = Compaction(folders, engine, clock=clock, holder="test")

    def compact() -> None:
        clock.set(clock.now() + timedelta(days=3))
        for _ in range(4):
            compaction.tick()
            clock.set(clock.now() + timedelta(hours=2))

    return compact


def test_pages_of_requests_hold_every_request_once_newest_first(
    stored: list[RequestRecord],
) -> None:
    seen: list[RequestRecord] = []
    cursor = None
    while True:
        page = traffic.requests(ACTOR, ALL, cursor=cursor, limit=400)
        seen += [item.record for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == sorted(stored, key=lambda r: (r.started_at, r.request_id), reverse=True)


def test_filters_leave_only_what_was_asked_for(stored: list[RequestRecord]) -> None:
    since = DEFAULT_START + timedelta(minutes=5)
    filters = RequestFilter(since=since, api="api-2", status=429)
    page = traffic.requests(ACTOR, filters, limit=1000)
    wanted = [r for r in stored if r.started_at >= since and r.api == "api-2" and r.status == 429]
    assert wanted
    assert sorted(i.record.request_id for i in page.items) == sorted(r.request_id for r in wanted)


def test_following_gives_later_stored_requests_once_even_if_they_started_earlier(
    stored: list[RequestRecord], folders: TrafficFolders, ingest: Ingest
) -> None:
    place = traffic.requests(ACTOR, ALL, limit=10).after
    assert traffic.follow(ACTOR, ALL, after=place).items == ()
    early = lines(25, start=DEFAULT_START - timedelta(hours=3), shape=Shape(seed=5))
    (folders.inbox / "nod_a-00000001-00000099.jsonl").write_bytes(early)
    ingest.tick()
    seen = []
    for _ in range(4):
        page = traffic.follow(ACTOR, ALL, after=place, limit=10)
        place = page.after
        seen += [item.record.request_id for item in page.items]
    assert sorted(seen) == sorted(json.loads(one)["request_id"] for one in early.splitlines())


def test_following_without_a_place_starts_now(stored: list[RequestRecord]) -> None:
    page = traffic.follow(ACTOR, ALL)
    assert page.items == ()
    assert traffic.follow(ACTOR, ALL, after=page.after).items == ()


@pytest.mark.parametrize("by", list(GroupBy))
@pytest.mark.parametrize(
    ("since_seconds", "until_seconds"), [(None, None), (61.5, None), (600.25, 1200.75), (0, 3600)]
)
@pytest.mark.parametrize("has_summary", [True, False])
def test_statistics_equal_a_count_by_hand(
    stored: list[RequestRecord],
    compacted: Callable[[], None],
    by: GroupBy,
    since_seconds: float | None,
    until_seconds: float | None,
    has_summary: bool,
) -> None:
    if has_summary:
        compacted()
        assert TrafficSummary.objects.get(replaced_at=None).records == COUNT
    since = None if since_seconds is None else DEFAULT_START + timedelta(seconds=since_seconds)
    until = None if until_seconds is None else DEFAULT_START + timedelta(seconds=until_seconds)
    rows = traffic.stats(ACTOR, by, RequestFilter(since=since, until=until))
    wanted = [
        r
        for r in stored
        if (not since or r.started_at >= since) and (not until or r.started_at < until)
    ]
    columns = (by.value,) if by is not GroupBy.OPERATION else ("api", "version", "operation")
    expected = Counter(tuple(str(getattr(r, c)) for c in columns) for r in wanted)
    assert {row.key: row.requests for row in rows} == expected
    assert sum(row.allowed for row in rows) == sum(is_allowed(r.verdict) for r in wanted)
    assert sum(row.errors for row in rows) == sum(is_error(r.status, r.verdict) for r in wanted)
    assert sum(row.response_bytes for row in rows) == sum(r.response_bytes for r in wanted)
    largest = rows[0]
    group = sorted(
        r.duration_us for r in wanted if tuple(str(getattr(r, c)) for c in columns) == largest.key
    )
    rank = max(1, -(-len(group) * 95 // 100))
    assert largest.latency_ms_p95 == round(middle_us(bucket(group[rank - 1])) / 1000, 3)


FILTERS = (
    {"status": 429},
    {"verdict": Verdict.ALLOWED},
    {"api": "api-2"},
    {"application": example_id("app", 3)},
    {"application": example_id("app", 3), "status": 429},
    {"application": example_id("app", 3), "operation": "getThing1"},
    {"organization": example_id("org", 1), "api": "api-1"},
)


@pytest.mark.parametrize("by", list(GroupBy))
@pytest.mark.parametrize("values", FILTERS)
def test_summaries_answer_as_the_records_do(
    stored: list[RequestRecord],
    compacted: Callable[[], None],
    by: GroupBy,
    values: dict[str, object],
) -> None:
    filters = RequestFilter(**values)  # type: ignore[arg-type]  # a table of keywords
    before = traffic.stats(ACTOR, by, filters)
    compacted()
    assert traffic.stats(ACTOR, by, filters) == before


def test_late_records_are_counted_beside_the_summary_and_then_in_it(
    stored: list[RequestRecord],
    folders: TrafficFolders,
    ingest: Ingest,
    compacted: Callable[[], None],
) -> None:
    compacted()
    late = folders.inbox / "nod_a-00000001-00000098.jsonl"
    late.write_bytes(lines(50, start=DEFAULT_START + timedelta(minutes=1), shape=Shape(seed=5)))
    ingest.tick()
    beside = traffic.stats(ACTOR, GroupBy.API, ALL)
    assert sum(row.requests for row in beside) == COUNT + 50
    compacted()
    assert TrafficSummary.objects.get(replaced_at=None).records == COUNT + 50
    assert traffic.stats(ACTOR, GroupBy.API, ALL) == beside


def test_files_that_are_swapped_while_they_are_listed_are_counted_once(
    stored: list[RequestRecord],
    compacted: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The swap comes between the listing of summaries and that of files."""
    real = reading.listed
    swaps = [compacted]

    def listed(*args: Any, **named: Any) -> list[reading.Listed]:
        if swaps:
            swaps.pop()()
        return real(*args, **named)

    monkeypatch.setattr(reading, "listed", listed)
    rows = traffic.stats(ACTOR, GroupBy.API, ALL)
    assert sum(row.requests for row in rows) == COUNT


def test_what_retention_removed_is_still_counted_by_whole_days(
    stored: list[RequestRecord],
    folders: TrafficFolders,
    compacted: Callable[[], None],
    clock: FixedClock,
) -> None:
    compacted()
    clock.set(NOW + timedelta(days=100))
    Retention(folders, clock=clock, holder="test").tick()
    assert not TrafficFile.objects.filter(replaced_at=None).exists()
    assert traffic.requests(ACTOR, ALL).items == ()
    rows = traffic.stats(ACTOR, GroupBy.API, RequestFilter(since=DEFAULT_START))
    assert sum(row.requests for row in rows) == COUNT
    part = RequestFilter(since=DEFAULT_START + timedelta(minutes=10))
    assert traffic.stats(ACTOR, GroupBy.API, part) == []


def test_a_series_counts_each_minute(stored: list[RequestRecord]) -> None:
    since, until = DEFAULT_START + timedelta(seconds=30), DEFAULT_START + timedelta(minutes=20)
    points = traffic.series(ACTOR, RequestFilter(since=since, until=until, api="api-1"))
    wanted = Counter(
        r.started_at.replace(second=0, microsecond=0)
        for r in stored
        if since <= r.started_at < until and r.api == "api-1"
    )
    assert {point.at: point.requests for point in points} == wanted


def test_an_organization_sees_only_its_own_requests(stored: list[RequestRecord]) -> None:
    Organization.objects.create(id=example_id("org", 3), name="acme", created_at=NOW)
    actor = Actor("acme", frozenset({Scope.TRAFFIC}), NOW, organization="acme")
    filters = traffic.request_filter(actor)
    page = traffic.requests(actor, ALL, limit=1000)
    assert {item.organization for item in page.items} == {"acme"}
    assert traffic.stats(actor, GroupBy.ORGANIZATION, filters)[0].key == ("acme",)
    with pytest.raises(Problem):
        traffic.request_filter(actor, organization="other")


def test_a_wrong_cursor_is_a_problem_not_a_failure(stored: list[RequestRecord]) -> None:
    for call in (
        lambda: traffic.requests(ACTOR, ALL, cursor="x.y"),
        lambda: traffic.follow(ACTOR, ALL, after="1.2x"),
        lambda: traffic.requests(ACTOR, ALL, limit=5000),
        lambda: traffic.request_filter(ACTOR, verdict="nice"),
    ):
        with pytest.raises(Problem):
            call()


def test_nothing_stored_is_an_empty_answer(folders: TrafficFolders, settings: object) -> None:
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]
    assert traffic.requests(ACTOR, ALL).items == ()
    assert traffic.stats(ACTOR, GroupBy.API, ALL) == []
