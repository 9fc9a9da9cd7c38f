"""REST: gateways, their revisions, and their nodes."""

from datetime import datetime

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.store.models import Gateway, Revision
from headgate.store.models.catalog import REFERENCE_CHARACTERS_MAX
from headgate.store.services.gateway import gateways, rollbacks
from headgate.store.services.gateway.rollbacks import DescribedRevision
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
    rate_nodes: int = Field(..., description="Live ones, among which shared rates are divided.")
    created_at: datetime


class RevisionOut(Output):
    """An immutable published state."""

    revision: int
    is_current: bool
    apis: int
    note: str
    created_by: str
    created_at: datetime


class APIChangeOut(Output):
    """What a revision did to one version of an API."""

    api: str
    kind: str = Field(..., description="published, changed or unpublished.")
    what: list[str] = Field(..., description="The parts that changed: upstream, operations, …")


class DescribedRevisionOut(RevisionOut):
    """A published state, and what it changed."""

    changes: list[APIChangeOut]
    other_changes: list[str]
    is_first_known: bool = Field(..., description="What it changed is not known any more.")


class RevisionsQuery(PageQuery):
    """Which revisions."""

    api: str = Field(
        "", max_length=REFERENCE_CHARACTERS_MAX, description="Only those that changed this version."
    )


class RollbackIn(Input):
    """Which revision to go back to."""

    revision: int = Field(..., ge=1, le=NUMBER_MAX)
    api: str = Field(
        "", max_length=REFERENCE_CHARACTERS_MAX, description="This version alone; empty: all."
    )


def show(gateway: Gateway, node_count: int) -> GatewayOut:
    """As it is answered."""
    return GatewayOut(
        id=gateway.id,
        name=gateway.name,
        title=gateway.title,
        revision=gateway.revision,
        nodes=node_count,
        rate_nodes=gateway.rate_nodes,
        created_at=gateway.created_at,
    )


@router.get("/gateways", response=PageOut[GatewayOut], operation_id="listGateways")
def list_gateways(request: HttpRequest) -> object:
    """All gateways; there are few."""
    found = gateways.listed(actor(request))
    counts = _node_counts()
    return whole([show(gateway, counts.get(gateway.pk, 0)) for gateway in found])


@router.post("/gateways", response={201: GatewayOut}, operation_id="createGateway")
def create_gateway(request: HttpRequest, response: HttpResponse, body: GatewayIn) -> object:
    """Create a gateway. Nodes join it by `POST /nodes`."""
    made = gateways.create(actor(request), name=body.name, title=body.title)
    return created(response, show(made, 0), "gateways", made.name)


@router.get("/gateways/{name}", response=GatewayOut, operation_id="getGateway")
def get_gateway(request: HttpRequest, name: str) -> object:
    """One gateway."""
    found = gateways.get(actor(request), name)
    return show(found, _node_counts().get(found.pk, 0))


@router.get(
    "/gateways/{name}/revisions",
    response=PageOut[DescribedRevisionOut],
    operation_id="listRevisions",
)
def list_revisions(request: HttpRequest, name: str, paging: Query[RevisionsQuery]) -> object:
    """The kept revisions of a gateway, newest first: who, when, and what they changed."""
    page = rollbacks.described(
        actor(request), name, api=paging.api, cursor=paging.position, limit=paging.limit
    )
    return page_out(page, _show_described)


@router.post("/gateways/{name}/rollback", response=RevisionOut, operation_id="rollBackGateway")
def roll_back_gateway(request: HttpRequest, name: str, body: RollbackIn) -> object:
    """A new revision with the content of a kept one, or with one API of it. The APIs stay as
    edited, but for their states."""
    made = rollbacks.rollback(actor(request), name, revision=body.revision, api=body.api)
    return _show_revision(made, made.number)


def _show_described(one: DescribedRevision) -> DescribedRevisionOut:
    return DescribedRevisionOut(
        **_show_revision(one.revision, one.revision.number if one.is_current else 0).model_dump(),
        changes=[APIChangeOut.model_validate(change) for change in one.apis],
        other_changes=list(one.others),
        is_first_known=one.is_first_known,
    )


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
