"""REST: how everything is: nodes, lag, what is wrong and how to mend it."""

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

import headgate
from headgate.core.clock import SystemClock
from headgate.core.units import count
from headgate.store.services import feed, nodes
from headgate.store.services.nodes import NODES_MAX
from headgate.web.api.fields import Output
from headgate.web.api.nodes import NodeOut, show_node
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow

ACCESS_LAG_MAX = 10_000  # changes that a node may be behind before it is worth a word
router = Router()


class TroubleOut(Output):
    """Something that is wrong, and what to do about it."""

    detail: str
    next_step: str


class StatusOut(Output):
    """The whole at a glance."""

    version: str
    access_sequence: int
    segments_waiting: int
    bytes_waiting: int
    lag_seconds: float = Field(..., description="Age of the oldest segment that is not stored.")
    records: int
    files: int
    size_bytes: int
    rejected_lines: int
    nodes: list[NodeOut]
    problems: list[TroubleOut]


class ComparisonOut(Output):
    """One application or operation: what the filter counted and what is stored."""

    kind: str
    name: str
    counted: int
    counted_allowed: int
    counted_rejected: int
    stored: int
    stored_allowed: int
    stored_rejected: int
    difference: int = Field(..., description="Positive: counted but not stored.")
    cause: str


class ReconciliationOut(Output):
    """Those that differ most first; `dropped` are left out for their number."""

    items: list[ComparisonOut]
    dropped: int
    is_explained: bool


@router.get("/status", response=StatusOut, operation_id="getStatus")
@is_slow
def get_status(request: HttpRequest) -> object:
    """Nodes, lag, and everything that is wrong with its next step."""
    # The query engine takes 40 MB: only for those who ask
    from headgate.store.services import traffic_status

    traffic = traffic_status.status(actor(request))
    last = feed.last_sequence()
    now = SystemClock().now()
    page = nodes.page(actor(request), limit=NODES_MAX)
    shown = [show_node(node, now, last) for node in page.items]
    problems = [trouble for node in shown for trouble in troubles(node)]
    problems += [TroubleOut.model_validate(trouble) for trouble in traffic.problems]
    return StatusOut(
        version=headgate.__version__,
        access_sequence=last,
        segments_waiting=traffic.segments_waiting,
        bytes_waiting=traffic.bytes_waiting,
        lag_seconds=traffic.lag_seconds,
        records=traffic.records,
        files=traffic.files,
        size_bytes=traffic.size_bytes,
        rejected_lines=traffic.rejected_lines,
        nodes=shown,
        problems=problems,
    )


@router.get("/reconcile", response=ReconciliationOut, operation_id="getReconciliation")
@is_slow
def get_reconciliation(request: HttpRequest) -> object:
    """The filter's own counters against the stored requests: the difference and its cause."""
    from headgate.store.services import reconcile

    found = reconcile.reconcile(actor(request))
    items = [
        ComparisonOut(
            kind=item.kind,
            name=item.name,
            counted=item.counted.total,
            counted_allowed=item.counted.allowed,
            counted_rejected=item.counted.rejected,
            stored=item.stored.total,
            stored_allowed=item.stored.allowed,
            stored_rejected=item.stored.rejected,
            difference=item.difference,
            cause=item.cause,
        )
        for item in found.items
    ]
    return ReconciliationOut(items=items, dropped=found.dropped, is_explained=found.is_explained)


def troubles(node: NodeOut) -> list[TroubleOut]:
    """What is wrong with one node."""
    if node.seen_at is None:
        return [_trouble(f"The node {node.name} has never reported.", "Start `headgate node`.")]
    if node.is_stale:
        silent = f"The node {node.name} has been silent for {node.seen_seconds_ago:.0f} seconds."
        return [_trouble(silent, "See whether `headgate node` runs there and reaches this URL.")]
    found = [_trouble(f"Node {node.name}: {text}", "") for text in node.problems]
    if node.revision_error:
        found.append(
            _trouble(
                f"Envoy on {node.name} refused revision {node.revision_seen}:"
                f" {node.revision_error}",
                f"It serves revision {node.revision_live}. Correct the API and publish again.",
            )
        )
    if (node.access_lag or 0) > ACCESS_LAG_MAX:
        behind = count(node.access_lag or 0, "access change")
        found.append(
            _trouble(f"The node {node.name} is {behind} behind.", "It catches up by itself.")
        )
    return found


def _trouble(detail: str, next_step: str) -> TroubleOut:
    return TroubleOut(detail=detail, next_step=next_step)
