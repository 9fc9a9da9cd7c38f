"""REST: the machines of a gateway, how they are, and the tokens that let them in."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.core.clock import SystemClock
from headgate.store.models import Node
from headgate.store.services import feed
from headgate.store.services.consumers.tokens import IssuedToken
from headgate.store.services.gateway import node_tokens, nodes
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.store.services.gateway.node_tokens import OVERLAP_SECONDS_MAX
from headgate.web.api.fields import Input, Name, Output, created
from headgate.web.api.paging import PageOut, PageQuery, page_out, whole
from headgate.web.api.requests import actor
from headgate.web.api.tokens import IssuedTokenOut, TokenOut
from headgate.web.api.tokens import show as show_token

router = Router()


class NodeIn(Input):
    """A new machine of a gateway."""

    name: Name = Field(..., description="As a name, without hyphens.", examples=["edge1"])
    gateway: Name = DEFAULT_GATEWAY


class NodeRotationIn(Input):
    """How to replace a node's tokens."""

    overlap_seconds: int = Field(
        0, ge=0, le=OVERLAP_SECONDS_MAX, description="How long the present tokens still work."
    )


class ValidationSums(Output):
    """What a node's validators have counted since they started, over all operations."""

    requests: int = Field(..., description="Requests that were checked.")
    invalid_requests: int = Field(..., description="Those that did not fit.")
    responses: int = Field(..., description="Answers of which samples were checked.")
    invalid_responses: int = Field(..., description="Those that did not fit.")


class IntrospectionOut(Output):
    """What a node's introspector has done for one authorization server since it started."""

    issuer: str
    asked: int
    failed: int = Field(..., description="Questions that brought no answer.")
    known: int = Field(..., description="Tokens that were remembered.")
    refused: int = Field(..., description="Tokens nobody was asked about: too many waited.")
    forgotten: int = Field(..., description="Entries that left a full memory.")
    error: str = Field(..., description="The last failure, empty once the server answered again.")


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
    unchecked: int | None = Field(
        ..., description="Requests that passed while no validator answered."
    )
    certificates_refused: int | None = Field(
        ..., description="Connections that ended for their client certificate."
    )
    validations: ValidationSums | None
    introspections: list[IntrospectionOut]
    problems: list[str]


def show_node(node: Node, now: datetime, last_sequence: int) -> NodeOut:
    """As it is answered: the last report beside what is wanted."""
    state = getattr(node, "state", None)
    report: dict[str, Any] = state.report if state else {}
    names = NodeOut.model_fields.keys() & report.keys()
    reported = {name: report[name] for name in names}
    unreported = dict.fromkeys(NodeOut.model_fields) | {"problems": [], "introspections": []}
    sequence = report.get("access_sequence")
    own = {
        "id": node.id,
        "name": node.name,
        "gateway": node.gateway.name,
        "is_stale": state is None or nodes.is_stale(state, now),
        "seen_at": state.received_at if state else None,
        "seen_seconds_ago": round((now - state.received_at).total_seconds(), 1) if state else None,
        "revision_wanted": node.gateway.revision,
        "validations": _sums(report.get("validations") or []),
        "access_lag": None if sequence is None else max(0, last_sequence - sequence),
    }
    return NodeOut.model_validate({**unreported, **reported, **own})


def _sums(readings: list[dict[str, Any]]) -> ValidationSums | None:
    """Over all operations; None where nothing is validated."""
    if not readings:
        return None
    return ValidationSums(
        **{name: sum(one[name] for one in readings) for name in ValidationSums.model_fields}
    )


@router.get("/nodes", response=PageOut[NodeOut], operation_id="listNodes")
def list_nodes(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Nodes with their last report."""
    page = nodes.page(actor(request), cursor=paging.position, limit=paging.limit)
    now, last = SystemClock().now(), feed.last_sequence()
    return page_out(page, lambda node: show_node(node, now, last))


@router.post("/nodes", response={201: IssuedTokenOut}, operation_id="createNode")
def create_node(request: HttpRequest, response: HttpResponse, body: NodeIn) -> object:
    """Add a node. The answer is the token that lets it in, and nothing else, shown this once."""
    issued = node_tokens.add(actor(request), name=body.name, gateway=body.gateway)
    return created(response, _show_issued(issued), "nodes", body.name)


@router.get("/nodes/{name}", response=NodeOut, operation_id="getNode")
def get_node(request: HttpRequest, name: str) -> object:
    """One node with its last report."""
    node = nodes.get(actor(request), name)
    return show_node(node, SystemClock().now(), feed.last_sequence())


@router.delete("/nodes/{name}", response={204: None}, operation_id="deleteNode")
def delete_node(request: HttpRequest, name: str) -> None:
    """Forget a node that is gone for good, and end its tokens."""
    nodes.delete(actor(request), name)


@router.get("/nodes/{name}/tokens", response=PageOut[TokenOut], operation_id="listNodeTokens")
def list_node_tokens(request: HttpRequest, name: str) -> object:
    """The tokens that let a node in; there are few."""
    return whole([show_token(token) for token in node_tokens.listed(actor(request), name)])


@router.post("/nodes/{name}/rotate", response={201: IssuedTokenOut}, operation_id="rotateNode")
def rotate_node(
    request: HttpRequest, response: HttpResponse, name: str, body: NodeRotationIn
) -> object:
    """Replace a node's tokens by a new one; the old ones go on working for the overlap."""
    issued = node_tokens.rotate(actor(request), name, overlap_seconds=body.overlap_seconds)
    return created(response, _show_issued(issued), "tokens", issued.token.id)


@router.post("/nodes/{name}/revoke", response={204: None}, operation_id="revokeNode")
def revoke_node(request: HttpRequest, name: str) -> None:
    """End a node's tokens at once. It serves on with what it has, and gets nothing new."""
    node_tokens.revoke(actor(request), name)


def _show_issued(issued: IssuedToken) -> IssuedTokenOut:
    return IssuedTokenOut(**show_token(issued.token).model_dump(), token=issued.secret.text)
