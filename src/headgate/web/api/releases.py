"""REST: releases, a further version's share of an API's traffic."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from headgate.gateway.release import APPLICATIONS_MAX
from headgate.store.models import Release
from headgate.store.models.releases import CONDITION_CHARACTERS_MAX, HEADER_CHARACTERS_MAX
from headgate.store.models.rows import NAME_CHARACTERS_MAX, TITLE_CHARACTERS_MAX
from headgate.store.services.actor import Actor
from headgate.store.services.gateway import releases
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.store.services.gateway.releases import HUNDREDTHS
from headgate.web.api.fields import Input, Name, Output, Parameters, Reference
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.publishing import WAIT_SECONDS_MAX, PublishedOut, settled
from headgate.web.api.requests import actor
from headgate.web.threads import in_thread

router = Router()


class GatewayQuery(Parameters):
    """On which gateway."""

    gateway: str = Field(DEFAULT_GATEWAY, max_length=NAME_CHARACTERS_MAX)


class ReleaseIn(Input):
    """What the version gets; what is left out stays as it is, at first nothing."""

    gateway: Name = DEFAULT_GATEWAY
    percent: float | None = Field(
        None, ge=0, le=100, description="Of the callers, by their key; a caller stays where it is."
    )
    header: str | None = Field(
        None,
        max_length=2 * HEADER_CHARACTERS_MAX,
        description="`name=value`: requests that carry it go to the version; empty for none.",
        examples=["x-beta=1"],
    )
    mirror_percent: float | None = Field(
        None, ge=0, le=100, description="Of the default's requests, sent to the version as well."
    )
    applications: list[Reference] | None = Field(
        None,
        max_length=APPLICATIONS_MAX,
        description="Whose calls go to the version; replaces the whole list.",
        examples=[["acme/demo"]],
    )
    abort_if: str | None = Field(
        None,
        max_length=CONDITION_CHARACTERS_MAX,
        description="When the release is taken back; `x` is times the default version's number.",
        examples=["error_ratio > 0.02 or latency_ms_p99 > 1.5x"],
    )
    wait_seconds: int = Field(0, ge=0, le=WAIT_SECONDS_MAX)


class EndIn(Input):
    """How a release ends."""

    gateway: Name = DEFAULT_GATEWAY
    reason: str = Field("", max_length=TITLE_CHARACTERS_MAX)
    wait_seconds: int = Field(0, ge=0, le=WAIT_SECONDS_MAX)


class VersionNumbersOut(Output):
    """One version's numbers since the release has had its present share."""

    version: str
    requests: int
    metrics: dict[str, float]


class ReleaseOut(Output):
    """A release, under way or ended."""

    id: str
    api: str
    version: str
    default_version: str
    gateway: str
    percent: float
    header: str
    mirror_percent: float
    applications: list[str]
    abort_if: str
    created_at: datetime
    since: datetime = Field(..., description="When it got its present share.")
    ended_at: datetime | None
    outcome: str = Field(..., description="promoted, aborted, or empty while under way.")
    reason: str


class MeasuredReleaseOut(ReleaseOut):
    """A release under way with the numbers that its condition is about."""

    numbers: list[VersionNumbersOut]


@router.get("/releases", response=PageOut[ReleaseOut], operation_id="listReleases")
def list_releases(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Releases, newest first, ended ones included."""
    page = releases.page(actor(request), cursor=paging.position, limit=paging.limit)
    return page_out(page, show)


@router.get("/apis/{name}/release", response=MeasuredReleaseOut, operation_id="getRelease")
async def get_release(request: HttpRequest, name: str, query: Query[GatewayQuery]) -> object:
    """The release of an API that is under way, with both versions' numbers."""
    return await in_thread(_measured, actor(request), name, query.gateway)


@router.put("/apis/{name}/release", response=PublishedOut, operation_id="setRelease")
async def set_release(request: HttpRequest, name: str, body: ReleaseIn) -> object:
    """Give the version `pets@v2` a share of its API's traffic, or change it."""
    who = actor(request)
    _, revision = await in_thread(
        releases.start,
        who,
        name,
        gateway=body.gateway,
        percent=body.percent,
        header=body.header,
        mirror_percent=body.mirror_percent,
        applications=body.applications,
        abort_if=body.abort_if,
    )
    return await settled(who, body.gateway, revision, body.wait_seconds)


@router.post("/apis/{name}/release/promote", response=PublishedOut, operation_id="promoteRelease")
async def promote(request: HttpRequest, name: str, body: EndIn) -> object:
    """Make the released version the default and give it all of the traffic."""
    who = actor(request)
    revision = await in_thread(releases.promote, who, name, gateway=body.gateway)
    return await settled(who, body.gateway, revision, body.wait_seconds)


@router.post("/apis/{name}/release/abort", response=PublishedOut, operation_id="abortRelease")
async def abort(request: HttpRequest, name: str, body: EndIn) -> object:
    """Take the released version's share away; it stays published and stands by."""
    who = actor(request)
    revision = await in_thread(releases.abort, who, name, gateway=body.gateway, reason=body.reason)
    return await settled(who, body.gateway, revision, body.wait_seconds)


def _measured(who: Actor, name: str, gateway: str) -> MeasuredReleaseOut:
    row = releases.under_way(who, name, gateway=gateway)
    numbers = []
    for version in (row.stable, row.candidate):
        metrics, requests = releases.measured(who, row, version)
        shown = {str(metric): value for metric, value in metrics.items()}
        numbers.append(VersionNumbersOut(version=version.name, requests=requests, metrics=shown))
    return MeasuredReleaseOut(**show(row), numbers=numbers)


def show(row: Release) -> dict[str, Any]:
    """As it is answered."""
    return {
        "id": row.id,
        "api": row.candidate.api.name,
        "version": row.candidate.name,
        "default_version": row.stable.name,
        "gateway": row.gateway.name,
        "percent": row.percent_hundredths / HUNDREDTHS,
        "header": f"{row.header}={row.value}" if row.header else "",
        "mirror_percent": row.mirror_hundredths / HUNDREDTHS,
        "applications": releases.application_paths(row),
        "abort_if": row.abort_if,
        "created_at": row.created_at,
        "since": row.since,
        "ended_at": row.removed_at,
        "outcome": row.outcome,
        "reason": row.reason,
    }
