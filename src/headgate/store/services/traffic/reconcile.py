"""Do counters and records agree, per application and operation? The figures for both sides."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Sum

from headgate.model.node import CounterKind
from headgate.model.record import Verdict
from headgate.store.models import (
    Application,
    NodeCounter,
    NodeState,
    Operation,
    TrafficEvent,
    TrafficSegment,
    TrafficTotal,
)
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import nodes
from headgate.store.services.traffic.mishaps import EventKind
from headgate.store.services.traffic.reading import reader
from headgate.traffic.io import inbox
from headgate.traffic.reconcile import (
    Conditions,
    Count,
    Reconciliation,
    Subject,
)
from headgate.traffic.reconcile import (
    reconcile as compared,
)

IDS_PER_STATEMENT = 500  # below SQLite's limit of parameters

T = TypeVar("T")


def reconcile(actor: Actor) -> Reconciliation:
    """The comparison of all applications and operations since the store was made.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`, or for an organization's actor.
    """
    actor.require_operator(Scope.TRAFFIC, "reconciliation")
    stored = _stored()  # before the counters: what comes in between is counted, not missing
    return compared(_counted(), stored, _conditions(actor))


def _stored() -> dict[Subject, Count]:
    found: dict[Subject, Count] = defaultdict(Count)
    rows = TrafficTotal.objects.values_list(
        "kind", "application", "api", "version", "operation", "verdict"
    ).annotate(total=Sum("records"))
    known = dict(_application_paths(row[1] for row in rows if row[1]))
    for kind, application, api, version, operation, verdict, total in rows:
        if kind == CounterKind.APPLICATION:
            subject = Subject(CounterKind.APPLICATION, known.get(application, application))
        else:
            subject = Subject(CounterKind.OPERATION, operation_name(api, version, operation))
        is_allowed = verdict == Verdict.ALLOWED
        found[subject] += Count(total, 0) if is_allowed else Count(0, total)
    return found


def _counted() -> dict[Subject, Count]:
    found: dict[Subject, Count] = defaultdict(Count)
    rows = list(
        NodeCounter.objects.values_list("kind", "row")
        .annotate(allowed_sum=Sum("allowed"), rejected_sum=Sum("rejected"))
        .order_by("kind", "row")
    )
    names = {
        CounterKind.APPLICATION: _application_names(r[1] for r in rows if r[0] == "application"),
        CounterKind.OPERATION: _operation_names(r[1] for r in rows if r[0] == "operation"),
    }
    for kind, row, allowed, rejected in rows:
        name = names[CounterKind(kind)].get(row, f"row {row}")
        if allowed or rejected:
            found[Subject(CounterKind(kind), name)] += Count(allowed, rejected)
    return found


def _conditions(actor: Actor) -> Conditions:
    waiting, _ = inbox.waiting(reader().folders)
    segments, size = len(waiting), sum(item.size_bytes for item in waiting)
    failures = restarts = silent = 0
    for state in NodeState.objects.filter(node__removed_at=None):
        segments += int(state.report.get("spool_segments", 0))
        size += int(state.report.get("spool_bytes", 0))
        failures += int(state.report.get("log_write_failures", 0))
        restarts += int(state.report.get("envoy_restarts", 0))
        silent += nodes.is_stale(state, actor.at)
    lives = NodeCounter.objects.values("node", "epoch").distinct().count()
    tables = NodeCounter.objects.values("node").distinct().count()
    events = TrafficEvent.objects.filter(kind=EventKind.LINES_REJECTED)
    return Conditions(
        waiting_segments=segments,
        waiting_bytes=size,
        rejected_lines=events.values_list("count", flat=True).first() or 0,
        envoy_restarts=max(restarts, _boots()),
        log_write_failures=failures,
        lives_ended=lives - tables,
        reports_silent=silent,
    )


def _boots() -> int:
    """How often an Envoy was started anew, from the names of the segments that are known."""
    boots: set[str] = set()
    names = set()
    for name, node in TrafficSegment.objects.values_list("name", "node").iterator():
        boots.add(name.rpartition("-")[0])
        names.add(node)
    return len(boots) - len(names)


def operation_name(api: str, version: str, operation: str) -> str:
    """What people call an operation of a version."""
    return f"{api} {version} {operation}"


def _application_paths(ids: Iterable[str]) -> Iterable[tuple[str, str]]:
    for some in _chunks(sorted(set(ids))):
        for app in Application.objects.filter(id__in=some).select_related("organization"):
            yield app.id, app.path


def _application_names(rows: Iterable[int]) -> dict[int, str]:
    return {
        app.row: app.path
        for some in _chunks(sorted(rows))
        for app in Application.objects.filter(row__in=some).select_related("organization")
    }


def _operation_names(rows: Iterable[int]) -> dict[int, str]:
    return {
        row: operation_name(api, version, operation)
        for some in _chunks(sorted(rows))
        for row, api, version, operation in Operation.objects.filter(row__in=some).values_list(
            "row", "version__api__name", "version__name", "id"
        )
    }


def _chunks(items: list[T]) -> Iterable[list[T]]:
    return (items[at : at + IDS_PER_STATEMENT] for at in range(0, len(items), IDS_PER_STATEMENT))
