"""REST: how everything is: nodes, lag, what is wrong and how to mend it."""

from typing import Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

import headgate
from headgate.core.clock import SystemClock
from headgate.store.services import status
from headgate.store.services.gateway import nodes
from headgate.store.services.gateway.nodes import NODES_MAX
from headgate.store.services.traffic import reconcile
from headgate.web.api.fields import Output
from headgate.web.api.nodes import NodeOut, show_node
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow

router = Router()


class StatusProblemOut(Output):
    """Something that is wrong, and what to do about it."""

    severity: Literal["error", "warning"] = Field(
        ..., description="`error`: traffic, records or changes are affected now; `warning`: soon."
    )
    detail: str
    next_step: str


class StatusOut(Output):
    """The whole at a glance."""

    version: str
    database: str = Field(..., description="`sqlite` or `postgresql`.")
    access_sequence: int
    segments_waiting: int
    bytes_waiting: int
    lag_seconds: float = Field(..., description="Age of the oldest segment that is not stored.")
    records: int
    files: int
    size_bytes: int
    rejected_lines: int
    nodes: list[NodeOut]
    problems: list[StatusProblemOut]


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
    found = status.overview(actor(request))
    traffic, now = found.traffic, SystemClock().now()
    page = nodes.page(actor(request), limit=NODES_MAX)
    return StatusOut(
        version=headgate.__version__,
        database=found.database,
        access_sequence=found.access_sequence,
        segments_waiting=traffic.segments_waiting,
        bytes_waiting=traffic.bytes_waiting,
        lag_seconds=traffic.lag_seconds,
        records=traffic.records,
        files=traffic.files,
        size_bytes=traffic.size_bytes,
        rejected_lines=traffic.rejected_lines,
        nodes=[show_node(node, now, found.access_sequence) for node in page.items],
        problems=[
            StatusProblemOut(severity=item.severity, detail=item.what, next_step=item.next_step)
            for item in found.findings
        ],
    )


@router.get("/reconcile", response=ReconciliationOut, operation_id="getReconciliation")
@is_slow
def get_reconciliation(request: HttpRequest) -> object:
    """The filter's own counters against the stored requests: the difference and its cause."""
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
