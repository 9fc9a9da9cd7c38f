"""The state of the traffic store: what is wrong is said with its next step, and counts agree."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headgate.core.clock import FixedClock
from headgate.core.problems import Problem
from headgate.model.node import CounterKind, CounterReading
from headgate.model.record import Verdict
from headgate.store.models import (
    API,
    APIVersion,
    Application,
    Gateway,
    Node,
    Operation,
    Organization,
)
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import nodes
from headgate.store.services.traffic import health
from headgate.store.services.traffic.health import EVENTS_TOLD, NEXT_STEPS
from headgate.store.services.traffic.ingest import Ingest
from headgate.store.services.traffic.mishaps import EventKind, note
from headgate.store.services.traffic.reconcile import reconcile
from headgate.traffic.io.folders import TrafficFolders
from tests.support.lines import Shape, example_id, lines, objects
from tests.support.store import REPORT

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
ACTOR = Actor.system("test", NOW)


@pytest.fixture(autouse=True)
def _own_data(folders: TrafficFolders, settings: object) -> None:
    settings.HEADGATE_DATA = folders.data  # type: ignore[attr-defined]


def put(folders: TrafficFolders, text: bytes, sequence: int = 1, age_seconds: float = 0.0) -> None:
    path = folders.inbox / f"local-00000001-{sequence:08d}.jsonl"
    path.write_bytes(text)
    at = NOW.timestamp() - age_seconds
    os.utime(path, (at, at))


def details() -> list[str]:
    return [trouble.detail for trouble in health.status(ACTOR).problems]


def test_every_event_that_is_told_has_its_next_step() -> None:
    assert set(NEXT_STEPS) == EVENTS_TOLD


def test_without_an_ingest_the_state_says_what_to_start() -> None:
    (trouble,) = health.status(ACTOR).problems
    assert "Nothing stores traffic" in trouble.detail
    assert "headgate jobs" in trouble.next_step


def test_an_ingest_that_runs_is_well(folders: TrafficFolders, ingest: Ingest) -> None:
    put(folders, lines(100))
    ingest.tick()
    found = health.status(ACTOR)
    assert found.problems == ()
    assert (found.records, found.files, found.segments_waiting) == (100, 1, 0)
    assert found.ingest_holder == "test"


def test_segments_that_wait_too_long_are_a_problem(folders: TrafficFolders, ingest: Ingest) -> None:
    ingest.tick()
    put(folders, lines(10), age_seconds=60.0)
    found = health.status(ACTOR)
    assert (found.segments_waiting, found.lag_seconds) == (1, 60.0)
    assert "the oldest for 60 s" in found.problems[0].detail


def test_rejected_lines_are_a_problem_for_an_hour(folders: TrafficFolders, ingest: Ingest) -> None:
    put(folders, b"nonsense\n" + lines(3))
    ingest.tick()
    assert any("lines rejected (1 in all)" in detail for detail in details())
    assert health.status(ACTOR).rejected_lines == 1
    later = ACTOR.later(NOW + timedelta(hours=2))
    assert not any("rejected" in t.detail for t in health.status(later).problems)


def test_a_loop_that_fails_is_a_problem(ingest: Ingest) -> None:
    ingest.tick()
    note(EventKind.LOOP_FAILED, "ingest: OSError: disk full", now=NOW)
    assert any("disk full" in detail for detail in details())


def test_only_operators_see_the_state() -> None:
    with pytest.raises(Problem):
        health.status(Actor("acme", frozenset({Scope.READ}), NOW, organization="acme"))


def registered() -> tuple[Application, Operation]:
    """The application and the operation that the compared lines name."""
    owner = Organization.objects.create(id=example_id("org", 0), name="acme", created_at=NOW)
    application = Application.objects.create(
        id=example_id("app", 0), name="demo", organization=owner, created_at=NOW, changed=1
    )
    api = API.objects.create(id=example_id("api", 1), name="api-0", created_at=NOW)
    version = APIVersion.objects.create(
        id=example_id("api", 2),
        created_at=NOW,
        api=api,
        name="v1",
        base_path="/api-0",
        upstream_data={},
        key_sources_data=[],
        changed=1,
    )
    operation = Operation.objects.create(
        version=version, id="getThing0", method="GET", path="/things0/{item}", created_at=NOW
    )
    return application, operation


ONE = Shape(apis=1, operations=1, applications=1)


def report(readings: list[tuple[CounterKind, int, int, int]], epoch: str, seconds: int) -> None:
    """A node's report with the readings (kind, row, allowed, rejected) of one table."""
    at = NOW + timedelta(seconds=seconds)
    if not Gateway.objects.filter(name="default").exists():
        gateway = Gateway.objects.create(id=example_id("nod", 9), name="default", created_at=NOW)
        Node.objects.create(id=example_id("nod", 8), name="local", gateway=gateway, created_at=NOW)
    nodes.report(
        Actor("node local", frozenset({Scope.NODE}), at, node="local", gateway="default"),
        replace(
            REPORT,
            reported_at=at,
            counters=tuple(CounterReading(k, row, a, r, epoch) for k, row, a, r in readings),
        ),
    )


def counted(
    items: list[dict[str, object]], application: Application, operation: Operation
) -> list[tuple[CounterKind, int, int, int]]:
    """What the filter's counters say after these lines: only what it has decided itself."""
    seen = [(*str(i["access"]).split(" ")[:2], str(i["route"])) for i in items if i["access"]]
    known = [one for one in seen if one[1] != "-"]
    routed = [one for one in seen if len(one[2].split(" ")) > 3]

    def both(some: list[tuple[str, str, str]]) -> tuple[int, int]:
        allowed = sum(one[0].partition(";")[0] == Verdict.ALLOWED for one in some)
        return allowed, len(some) - allowed

    return [
        (CounterKind.APPLICATION, application.row, *both(known)),
        (CounterKind.OPERATION, operation.row, *both(routed)),
    ]


def test_counters_and_records_of_the_same_requests_agree_over_two_lives_of_the_table(
    folders: TrafficFolders, ingest: Ingest
) -> None:
    application, operation = registered()
    for number, epoch in enumerate(("first", "second")):
        shape = Shape(apis=1, operations=1, applications=1, seed=number)
        put(folders, lines(500, shape=shape), number)
        ingest.tick()
        report(counted(list(objects(500, shape=shape)), application, operation), epoch, number)
    found = reconcile(ACTOR)
    assert [(item.kind, item.name, item.cause) for item in found.items] == [
        (CounterKind.APPLICATION, "acme/demo", ""),
        (CounterKind.OPERATION, "api-0 v1 getThing0", ""),
    ]
    assert found.items[0].counted == found.items[0].stored
    assert found.items[0].counted.total > 500


def test_records_on_their_way_are_the_cause_of_the_difference(
    folders: TrafficFolders, ingest: Ingest, clock: FixedClock
) -> None:
    application, operation = registered()
    put(folders, lines(500, shape=ONE))
    report(counted(list(objects(500, shape=ONE)), application, operation), "first", 0)
    found = reconcile(ACTOR)
    assert all(item.cause.startswith("in flight: 1 segment") for item in found.items)
    assert found.is_explained
    ingest.tick()
    assert not any(item.cause for item in reconcile(ACTOR).items)


def test_a_hole_without_a_cause_is_called_one(folders: TrafficFolders, ingest: Ingest) -> None:
    application, _ = registered()
    ingest.tick()
    report([(CounterKind.APPLICATION, application.row, 50_000, 0)], "first", 0)
    found = reconcile(ACTOR)
    assert not found.is_explained
    assert found.items[0].difference == 50_000
