"""What was stored can be asked for: pages, following, statistics, series."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate.core.clock import FixedClock
from headgate.core.problems import Problem
from headgate.model.record import RequestRecord, Verdict
from headgate.store.models import (
    Application,
    Organization,
    Team,
    TrafficFile,
    TrafficSummary,
)
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.traffic import questions, reading
from headgate.store.services.traffic.compaction import Compaction
from headgate.store.services.traffic.ingest import Ingest
from headgate.store.services.traffic.retention import Retention
from headgate.store.services.traffic.statistics import totals_by_day
from headgate.traffic.histogram import bucket, middle_us
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from headgate.traffic.queries import GroupBy, Point, RequestFilter
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
    questions.reading.reader().engine.close()


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
        page = questions.requests(ACTOR, ALL, cursor=cursor, limit=400)
        seen += [item.record for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == sorted(stored, key=lambda r: (r.started_at, r.request_id), reverse=True)


def test_filters_leave_only_what_was_asked_for(stored: list[RequestRecord]) -> None:
    since = DEFAULT_START + timedelta(minutes=5)
    filters = RequestFilter(since=since, api="api-2", status=429)
    page = questions.requests(ACTOR, filters, limit=1000)
    wanted = [r for r in stored if r.started_at >= since and r.api == "api-2" and r.status == 429]
    assert wanted
    assert sorted(i.record.request_id for i in page.items) == sorted(r.request_id for r in wanted)


def test_the_newest_failures_of_each_cause_are_found_and_no_success(
    stored: list[RequestRecord],
) -> None:
    of_each, limit = 3, 8
    seen: Counter[tuple[str, int]] = Counter()
    wanted = []
    for r in sorted(stored, key=lambda r: (r.started_at, r.request_id), reverse=True):
        is_allowed_well = r.verdict is Verdict.ALLOWED and r.status < 400
        cause = (r.verdict, r.status if r.verdict is Verdict.ALLOWED else 0)
        seen[cause] += not is_allowed_well
        if not is_allowed_well and seen[cause] <= of_each:
            wanted.append(r.request_id)
    found = questions.failures(ACTOR, ALL, of_each=of_each, limit=limit)
    assert len(wanted) > limit
    assert [one.record.request_id for one in found] == wanted[:limit]
    good = RequestFilter(status=200, verdict=Verdict.ALLOWED)
    assert questions.failures(ACTOR, good, of_each=of_each, limit=limit) == ()


def test_following_gives_later_stored_requests_once_even_if_they_started_earlier(
    stored: list[RequestRecord], folders: TrafficFolders, ingest: Ingest
) -> None:
    place = questions.requests(ACTOR, ALL, limit=10).after
    assert questions.follow(ACTOR, ALL, after=place).items == ()
    early = lines(25, start=DEFAULT_START - timedelta(hours=3), shape=Shape(seed=5))
    (folders.inbox / "nod_a-00000001-00000099.jsonl").write_bytes(early)
    ingest.tick()
    seen = []
    for _ in range(4):
        page = questions.follow(ACTOR, ALL, after=place, limit=10)
        place = page.after
        seen += [item.record.request_id for item in page.items]
    assert sorted(seen) == sorted(json.loads(one)["request_id"] for one in early.splitlines())


@pytest.mark.parametrize("has_summary", [True, False])
def test_days_equal_a_count_by_hand_and_the_statistics(
    stored: list[RequestRecord], compacted: Callable[[], None], has_summary: bool
) -> None:
    if has_summary:
        compacted()
        assert TrafficSummary.objects.filter(replaced_at=None).exists()
    whole = {"since": DEFAULT_START, "until": DEFAULT_START + timedelta(days=1)}
    own = {"application": example_id("app", 3)}
    for narrow in ({}, {"api": "api-2", "version": stored[0].version}, own):
        filters = RequestFilter(**whole, **narrow)  # type: ignore[arg-type]  # a table of keywords
        meant = [r for r in stored if all(getattr(r, k) == v for k, v in narrow.items())]
        wanted: dict[datetime, Counter[str]] = defaultdict(Counter)
        for one in meant:
            passed, failed = is_allowed(one.verdict), is_error(one.status, one.verdict)
            found = wanted[one.started_at.replace(hour=0, minute=0, second=0, microsecond=0)]
            found.update(requests=1, allowed=passed, errors=failed, failed=passed and failed)
        points = questions.daily(ACTOR, filters)
        assert points == [Point(at, **numbers) for at, numbers in sorted(wanted.items())]
        totals = totals_by_day(reading.reader(), filters)
        assert totals == {p.at.date(): (p.requests, p.allowed, p.errors) for p in points}
        said = questions.total(ACTOR, filters)
        assert said is not None
        assert said.requests == sum(point.requests for point in points)
        assert said.errors == sum(point.errors for point in points) > 0


def test_a_series_is_not_longer_than_its_limit(stored: list[RequestRecord]) -> None:
    since = DEFAULT_START - timedelta(days=questions.SERIES_DAYS_MAX)
    assert questions.daily(ACTOR, RequestFilter(since=since, until=DEFAULT_START)) == []
    for filters in (ALL, RequestFilter(since=since, until=DEFAULT_START + timedelta(seconds=1))):
        with pytest.raises(Problem):
            questions.daily(ACTOR, filters)
        with pytest.raises(Problem):
            questions.series(ACTOR, filters)


def test_following_without_a_place_starts_now(stored: list[RequestRecord]) -> None:
    page = questions.follow(ACTOR, ALL)
    assert page.items == ()
    assert questions.follow(ACTOR, ALL, after=page.after).items == ()


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
    rows = questions.stats(ACTOR, by, RequestFilter(since=since, until=until))
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
    before = questions.stats(ACTOR, by, filters)
    compacted()
    assert questions.stats(ACTOR, by, filters) == before


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
    beside = questions.stats(ACTOR, GroupBy.API, ALL)
    assert sum(row.requests for row in beside) == COUNT + 50
    compacted()
    assert TrafficSummary.objects.get(replaced_at=None).records == COUNT + 50
    assert questions.stats(ACTOR, GroupBy.API, ALL) == beside


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
    rows = questions.stats(ACTOR, GroupBy.API, ALL)
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
    assert questions.requests(ACTOR, ALL).items == ()
    rows = questions.stats(ACTOR, GroupBy.API, RequestFilter(since=DEFAULT_START))
    assert sum(row.requests for row in rows) == COUNT
    day = RequestFilter(since=DEFAULT_START, until=DEFAULT_START + timedelta(days=1))
    assert [point.requests for point in questions.daily(ACTOR, day)] == [COUNT]
    part = RequestFilter(since=DEFAULT_START + timedelta(minutes=10))
    assert questions.stats(ACTOR, GroupBy.API, part) == []


def test_a_series_counts_each_minute(stored: list[RequestRecord]) -> None:
    since, until = DEFAULT_START + timedelta(seconds=30), DEFAULT_START + timedelta(minutes=20)
    points = questions.series(ACTOR, RequestFilter(since=since, until=until, api="api-1"))
    wanted = Counter(
        r.started_at.replace(second=0, microsecond=0)
        for r in stored
        if since <= r.started_at < until and r.api == "api-1"
    )
    assert {point.at: point.requests for point in points} == wanted


def test_an_organization_sees_only_its_own_requests(stored: list[RequestRecord]) -> None:
    Organization.objects.create(id=example_id("org", 3), name="acme", created_at=NOW)
    actor = Actor("acme", frozenset({Scope.TRAFFIC}), NOW, organization="acme")
    filters = questions.request_filter(actor)
    page = questions.requests(actor, ALL, limit=1000)
    assert {item.organization for item in page.items} == {"acme"}
    assert questions.stats(actor, GroupBy.ORGANIZATION, filters)[0].key == ("acme",)
    with pytest.raises(Problem):
        questions.request_filter(actor, organization="other")


def test_a_team_keeps_its_applications_requests_from_others(
    stored: list[RequestRecord], compacted: Callable[[], None]
) -> None:
    acme = Organization.objects.create(id=example_id("org", 3), name="acme", created_at=NOW)
    own = sorted({r.application for r in stored if r.organization == acme.id})
    assert len(own) > 1
    team = Team.objects.create(id="tea_1", name="payments", created_at=NOW, organization=acme)
    for number, id_ in enumerate(own):
        Application.objects.create(
            id=id_,
            name=f"app-{number}",
            created_at=NOW,
            changed=number,
            organization=acme,
            team=None if number else team,
            removed_at=NOW if number == 1 else None,  # a former one's records remain
        )
    outside = Actor("x", frozenset({Scope.TRAFFIC}), NOW, organization="acme", teams=frozenset())
    inside = replace(outside, teams=frozenset({team.pk}))
    wanted = Counter(r.application for r in stored if r.application in own)
    for _ in range(2):  # from records, then from their sums
        for actor, hidden in ((inside, set()), (outside, {own[0]})):
            filters = questions.request_filter(actor)
            rows = questions.stats(actor, GroupBy.APPLICATION, filters)
            assert sum(row.requests for row in rows) == sum(
                number for id_, number in wanted.items() if id_ not in hidden
            )
            page = questions.requests(actor, ALL, limit=1000)
            assert {item.record.application for item in page.items} == {*own} - hidden
        with pytest.raises(Problem):
            questions.request_filter(outside, application="acme/app-0")
        assert not questions.requests(outside, RequestFilter(application=own[0])).items
        compacted()


def test_a_wrong_cursor_is_a_problem_not_a_failure(stored: list[RequestRecord]) -> None:
    for call in (
        lambda: questions.requests(ACTOR, ALL, cursor="x.y"),
        lambda: questions.follow(ACTOR, ALL, after="1.2x"),
        lambda: questions.requests(ACTOR, ALL, limit=5000),
        lambda: questions.request_filter(ACTOR, verdict="nice"),
    ):
        with pytest.raises(Problem):
            call()


def test_nothing_stored_is_an_empty_answer(folders: TrafficFolders, settings: object) -> None:
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]
    assert questions.requests(ACTOR, ALL).items == ()
    assert questions.stats(ACTOR, GroupBy.API, ALL) == []
