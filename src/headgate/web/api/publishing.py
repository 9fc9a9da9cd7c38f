"""REST: publishing APIs, and what became of it on the nodes."""

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from headgate.core.clock import SystemClock
from headgate.store import events
from headgate.store.models import Revision
from headgate.store.models.changelog import NOTE_CHARACTERS_MAX
from headgate.store.services.actor import Actor
from headgate.store.services.gateway import nodes, publishing, purging
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.store.services.gateway.nodes import Liveness
from headgate.web.api.fields import Input, Name, Output
from headgate.web.api.requests import actor
from headgate.web.threads import in_thread

WAIT_SECONDS_MAX = 10
router = Router()
_clock = SystemClock()


class PublishIn(Input):
    """Where to publish, and how long to wait for the nodes."""

    gateway: Name = DEFAULT_GATEWAY
    wait_seconds: int = Field(
        0, ge=0, le=WAIT_SECONDS_MAX, description="Answer as soon as the nodes serve it."
    )


class PublishAPIIn(PublishIn):
    """What to say of it to those who call the API."""

    note: str = Field(
        "",
        max_length=NOTE_CHARACTERS_MAX,
        description="Stands in the API's changelog; Markdown.",
    )


class NodeLivenessOut(Output):
    """What one node says of the revision."""

    name: str
    revision_live: int
    error: str = Field(..., description="Envoy's own words when it refused the revision.")
    is_stale: bool = Field(..., description="It has not reported lately and is not waited for.")


class PublishedOut(Output):
    """A revision and whether it is live. The last good one stays in service until then."""

    revision: int
    gateway: str
    live: bool
    nodes: list[NodeLivenessOut]


@router.post("/apis/{name}/publish", response=PublishedOut, operation_id="publishAPI")
async def publish_api(request: HttpRequest, name: str, body: PublishAPIIn) -> object:
    """Make the API as it is now live on a gateway. What is live already makes no new revision."""
    publish = partial(publishing.publish, note=body.note)
    return await _made_live(request, publish, name, body)


@router.post("/apis/{name}/unpublish", response=PublishedOut, operation_id="unpublishAPI")
async def unpublish_api(request: HttpRequest, name: str, body: PublishIn) -> object:
    """Take an API off a gateway; its callers get 404."""
    return await _made_live(request, publishing.unpublish, name, body)


class CachePurgeIn(PublishIn):
    """What to declare void."""

    operation: str = Field("", max_length=256, description="One operation's id; empty: all.")


@router.post("/apis/{name}/purge-cache", response=PublishedOut, operation_id="purgeAPICache")
async def purge_api_cache(request: HttpRequest, name: str, body: CachePurgeIn) -> object:
    """Declare void what a gateway has cached of the API. Drafts stay drafts."""
    purge = partial(purging.purge, operation=body.operation)
    return await _made_live(request, purge, name, body)


async def _made_live(
    request: HttpRequest, change: Callable[..., Revision], name: str, body: PublishIn
) -> PublishedOut:
    """Change the gateway, then wait for its nodes; waiting holds no thread."""
    who = actor(request)
    revision = await in_thread(change, who, name, gateway=body.gateway)
    return await settled(who, body.gateway, revision, body.wait_seconds)


async def settled(who: Actor, gateway: str, revision: Revision, wait_seconds: int) -> PublishedOut:
    """A new revision as it is answered, once the nodes serve it or the time is over."""
    found = await _liveness(who, gateway, revision.number, wait_seconds)
    return PublishedOut(
        revision=revision.number,
        gateway=gateway,
        live=found.is_live,
        nodes=[NodeLivenessOut.model_validate(node) for node in found.nodes],
    )


async def _liveness(who: Actor, gateway: str, revision: int, wait_seconds: int) -> Liveness:
    def look() -> Liveness | None:
        found = nodes.liveness(who.later(_clock.now()), gateway=gateway, revision=revision)
        latest.append(found)
        return found if found.is_settled else None

    latest: list[Liveness] = []
    topics = frozenset({events.Topic.NODE, events.Topic.SNAPSHOT})
    await events.wait_for(look, topics=topics, wait_seconds=wait_seconds, run=in_thread)
    return latest[-1]
