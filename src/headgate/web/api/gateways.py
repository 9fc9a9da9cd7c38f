"""REST: gateways, their revisions, and their nodes."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.core.clock import SystemClock
from headgate.store.models import Gateway, Node, Revision
from headgate.store.services import feed, gateways, nodes, publishing
from headgate.web.api.fields import Input, Name, Output, Title, created
from headgate.web.api.paging import PageOut, PageQuery, page_out, whole
from headgate.web.api.requests import actor

NUMBER_MAX = 2**63 - 1
router = Router()


class GatewayIn(Input):
    """A new gateway."""

    name: Name
    title: Title = ""


class GatewayOut(Output):
    """An environment that APIs are published to."""

    id: str
    name: str
    title: str
    revision: int = Field(..., description="What its nodes should serve; 0 before the first.")
    nodes: int
    created_at: datetime


class RevisionOut(Output):
    """An immutable published state."""

    revision: int
    is_current: bool
    apis: int
    note: str
    created_by: str
    created_at: datetime


class RollbackIn(Input):
    """Which revision to go back to."""

    revision: int = Field(..., ge=1, le=NUMBER_MAX)


class NodeOut(Output):
    """One machine of a gateway, as it reported last; null before its first report."""

    id: str
    name: str
    gateway: str
    is_stale: bool
    seen_at: datetime | None
    seen_seconds_ago: float | None
    envoy_state: str | None
    envoy_version: str | None
    envoy_restarts: int | None
    agent_version: str | None
    revision_wanted: int
    revision_seen: int | None
    revision_live: int | None
    revision_error: str | None
    access_sequence: int | None
    access_lag: int | None = Field(..., description="Access changes that it does not have yet.")
    spool_segments: int | None
    spool_bytes: int | None
    spool_oldest_at: datetime | None
    log_write_failures: int | None
    table_dropped: int | None
    clock_steps: int | None
    problems: list[str]


def show(gateway: Gateway, node_count: int) -> GatewayOut:
    """As it is answered."""
    return GatewayOut(
        id=gateway.id,
        name=gateway.name,
        title=gateway.title,
        revision=gateway.revision,
        nodes=node_count,
        created_at=gateway.created_at,
    )


def show_node(node: Node, now: datetime, last_sequence: int) -> NodeOut:
    """As it is answered: the last report beside what is wanted."""
    state = getattr(node, "state", None)
    report: dict[str, Any] = state.report if state else {}
    names = NodeOut.model_fields.keys() & report.keys()
    reported = {name: report[name] for name in names}
    unreported = dict.fromkeys(NodeOut.model_fields) | {"problems": []}
    sequence = report.get("access_sequence")
    own = {
        "id": node.id,
        "name": node.name,
        "gateway": node.gateway.name,
        "is_stale": state is None or nodes.is_stale(state, now),
        "seen_at": state.received_at if state else None,
        "seen_seconds_ago": round((now - state.received_at).total_seconds(), 1) if state else None,
        "revision_wanted": node.gateway.revision,
        "access_lag": None if sequence is None else max(0, last_sequence - sequence),
    }
    return NodeOut.model_validate({**unreported, **reported, **own})


@router.get("/gateways", response=PageOut[GatewayOut], operation_id="listGateways")
def list_gateways(request: HttpRequest) -> object:
    """All gateways; there are few."""
    found = gateways.listed(actor(request))
    counts = _node_counts()
    return whole([show(gateway, counts.get(gateway.pk, 0)) for gateway in found])


@router.post("/gateways", response={201: GatewayOut}, operation_id="createGateway")
def create_gateway(request: HttpRequest, response: HttpResponse, body: GatewayIn) -> object:
    """Create a gateway. A token with the scope `node` lets nodes join it."""
    made = gateways.create(actor(request), name=body.name, title=body.title)
    return created(response, show(made, 0), "gateways", made.name)


@router.get("/gateways/{name}", response=GatewayOut, operation_id="getGateway")
def get_gateway(request: HttpRequest, name: str) -> object:
    """One gateway."""
    found = gateways.get(actor(request), name)
    return show(found, _node_counts().get(found.pk, 0))


@router.get(
    "/gateways/{name}/revisions", response=PageOut[RevisionOut], operation_id="listRevisions"
)
def list_revisions(request: HttpRequest, name: str, paging: Query[PageQuery]) -> object:
    """The kept revisions of a gateway, newest first."""
    current = gateways.get(actor(request), name).revision
    page = publishing.revisions(actor(request), name, cursor=paging.position, limit=paging.limit)
    return page_out(page, lambda revision: _show_revision(revision, current))


@router.post("/gateways/{name}/rollback", response=RevisionOut, operation_id="rollBackGateway")
def roll_back_gateway(request: HttpRequest, name: str, body: RollbackIn) -> object:
    """A new revision with the content of a kept one. The APIs stay as edited."""
    made = publishing.rollback(actor(request), name, revision=body.revision)
    return _show_revision(made, made.number)


@router.get("/nodes", response=PageOut[NodeOut], operation_id="listNodes")
def list_nodes(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Nodes with their last report."""
    page = nodes.page(actor(request), cursor=paging.position, limit=paging.limit)
    now, last = SystemClock().now(), feed.last_sequence()
    return page_out(page, lambda node: show_node(node, now, last))


@router.get("/nodes/{name}", response=NodeOut, operation_id="getNode")
def get_node(request: HttpRequest, name: str) -> object:
    """One node with its last report."""
    node = nodes.get(actor(request), name)
    return show_node(node, SystemClock().now(), feed.last_sequence())


@router.delete("/nodes/{name}", response={204: None}, operation_id="deleteNode")
def delete_node(request: HttpRequest, name: str) -> None:
    """Forget a node that is gone for good. One that still runs comes back."""
    nodes.delete(actor(request), name)


def _show_revision(revision: Revision, current: int) -> RevisionOut:
    return RevisionOut(
        revision=revision.number,
        is_current=revision.number == current,
        apis=len(revision.apis),
        note=revision.note,
        created_by=revision.actor,
        created_at=revision.created_at,
    )


def _node_counts() -> dict[int, int]:
    counted = Gateway.objects.annotate(number=Count("nodes", filter=Q(nodes__removed_at=None)))
    return {int(row): int(number) for row, number in counted.values_list("pk", "number")}
