"""REST: how versions end, and who still calls them."""

from datetime import date, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from headgate.catalog.lifecycle import CALLERS_DAYS, LINK_CHARACTERS_MAX, Step, steps
from headgate.model.lifecycle import Lifecycle
from headgate.store.models import APIVersion
from headgate.store.models.catalog import OPERATION_ID_CHARACTERS_MAX, REFERENCE_CHARACTERS_MAX
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import lifecycle
from headgate.store.services.catalog.lifecycle import Moved
from headgate.store.services.traffic import callers
from headgate.store.services.values import UNSET
from headgate.traffic.burn_down import Outlook, Projection
from headgate.traffic.callers import BurnDown
from headgate.web.api.fields import Input, Instant, Output, Parameters
from headgate.web.api.publishing import WAIT_SECONDS_MAX, PublishedOut, settled
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow
from headgate.web.threads import in_thread

router = Router()


class LifecycleOut(Output):
    """How far a version is in its life, and what its callers are told of its end."""

    state: Lifecycle
    deprecated_at: datetime | None
    sunset_at: datetime | None = Field(..., description="When it ends or ended.")
    retired_at: datetime | None
    successor: str = Field(..., description="The version to go to, like `pets@v2`.")
    link: str = Field(..., description="A page about its end.")
    retires_at_sunset: bool
    steps: list[str] = Field(..., description="What can be done with it now.")


class WaitIn(Input):
    """How long to wait for the nodes."""

    wait_seconds: int = Field(0, ge=0, le=WAIT_SECONDS_MAX)


class DeprecateIn(WaitIn):
    """What callers are told; what is left out stays as it is, at first nothing."""

    sunset_at: Instant | None = Field(None, description="When it ends; null for: not known.")
    successor: Annotated[str, Field(max_length=REFERENCE_CHARACTERS_MAX)] | None = Field(
        None, description="`v2` of the same API, or `shop@v3`; empty for none.", examples=["v2"]
    )
    link: Annotated[str, Field(max_length=LINK_CHARACTERS_MAX)] | None = Field(
        None, description="A page about it.", examples=["https://example.com/moving-to-v2"]
    )
    retires_at_sunset: bool | None = Field(None, description="Retire it when its sunset comes.")


class RetireIn(WaitIn):
    """What makes a retirement sure."""

    confirm: str = Field(
        "",
        max_length=REFERENCE_CHARACTERS_MAX,
        description="The version's name; needed where somebody has called it lately.",
    )


class MovedOut(LifecycleOut):
    """A version after a step, and the revisions that put it in force."""

    api: str
    version: str
    published: list[PublishedOut]


class CallerOut(Output):
    """One application; without names: all callers that nobody knows."""

    organization: str
    application: str
    calls: int
    last_call_at: datetime
    daily: list[int] = Field(..., description="Calls of each day from `first_day` on.")


class ProjectionOut(Output):
    """When a number reaches zero if callers leave as they did, or why nobody can say."""

    outlook: Outlook
    zero_on: date | None
    per_week: float | None = Field(..., description="The change in a week.")
    fit: float | None = Field(..., description="0 to 1: how much of it a line explains.")


class BurnDownOut(Output):
    """Day by day since the deprecation, without today."""

    since: date
    calls_daily: list[int]
    callers_since: date = Field(..., description="As `since`, or as far as records are kept.")
    callers_daily: list[int]
    calls: ProjectionOut
    callers: ProjectionOut


class CallersOut(Output):
    """Who called a version or an operation; days are UTC, the last one is today."""

    api: str
    version: str
    operation: str
    first_day: date
    last_day: date
    calls: int
    calls_daily: list[int]
    callers_daily: list[int]
    callers: list[CallerOut] = Field(..., description="Most calls first.")
    callers_dropped: int = Field(..., description="How many are not listed.")
    burn_down: BurnDownOut | None = Field(..., description="Where it is deprecated.")


class CallersQuery(Parameters):
    """Of which operation, and over how many days."""

    operation: str = Field("", max_length=OPERATION_ID_CHARACTERS_MAX)
    days: int = Field(CALLERS_DAYS, ge=1, le=callers.DAYS_MAX)


def show(version: APIVersion) -> LifecycleOut:
    """As it is answered."""
    return LifecycleOut(
        state=Lifecycle(version.lifecycle),
        deprecated_at=version.deprecated_at,
        sunset_at=version.sunset_at,
        retired_at=version.retired_at,
        successor=version.successor,
        link=version.link,
        retires_at_sunset=version.retires_at_sunset,
        steps=[step for step in steps(Lifecycle(version.lifecycle)) if step not in _ELSEWHERE],
    )


_ELSEWHERE = frozenset({Step.UNPUBLISH})
"""A step that no state forbids: what it needs is that the version is live."""


@router.post("/apis/{name}/deprecate", response=MovedOut, operation_id="deprecateAPI")
async def deprecate(request: HttpRequest, name: str, body: DeprecateIn) -> object:
    """Tell the callers of a version that it will end: `Deprecation`, `Sunset`, `Link`."""
    who = actor(request)
    moved = await in_thread(
        lifecycle.deprecate,
        who,
        name,
        sunset_at=body.sunset_at if "sunset_at" in body.model_fields_set else UNSET,
        successor=body.successor,
        link=body.link,
        retires_at_sunset=body.retires_at_sunset,
    )
    return await _in_force(who, moved, body.wait_seconds)


@router.post("/apis/{name}/undeprecate", response=MovedOut, operation_id="undeprecateAPI")
async def undeprecate(request: HttpRequest, name: str, body: WaitIn) -> object:
    """Take a deprecation back."""
    who = actor(request)
    moved = await in_thread(lifecycle.undeprecate, who, name)
    return await _in_force(who, moved, body.wait_seconds)


@router.post("/apis/{name}/retire", response=MovedOut, operation_id="retireAPI")
async def retire(request: HttpRequest, name: str, body: RetireIn) -> object:
    """Answer 410 to every call of a deprecated version. Publishing it again brings it back.

    409 with those who have called it in the last 30 days, unless `confirm` is its name.
    """
    who = actor(request)
    moved = await in_thread(lifecycle.retire, who, name, confirm=body.confirm)
    return await _in_force(who, moved, body.wait_seconds)


@router.get("/apis/{name}/callers", response=CallersOut, operation_id="listCallers")
@is_slow
def list_callers(request: HttpRequest, name: str, query: Query[CallersQuery]) -> object:
    """Who called a version, or one of its operations, how often and when last."""
    found = callers.report(actor(request), name, operation=query.operation, days=query.days)
    return CallersOut(
        api=found.version.api.name,
        version=found.version.name,
        operation=found.operation,
        first_day=found.called.first_day,
        last_day=found.called.last_day,
        calls=found.called.calls,
        calls_daily=list(found.called.calls_daily),
        callers_daily=list(found.called.callers_daily),
        callers=[CallerOut.model_validate(one) for one in found.callers],
        callers_dropped=found.dropped,
        burn_down=None if found.burn_down is None else _burn_down(found.burn_down),
    )


def _burn_down(found: BurnDown) -> BurnDownOut:
    return BurnDownOut(
        since=found.since,
        calls_daily=list(found.calls_daily),
        callers_since=found.callers_since,
        callers_daily=list(found.callers_daily),
        calls=_projection(found.calls),
        callers=_projection(found.callers),
    )


def _projection(found: Projection) -> ProjectionOut:
    return ProjectionOut.model_validate(found)


async def _in_force(who: Actor, moved: Moved, wait_seconds: int) -> MovedOut:
    """The version as it is answered, once all nodes serve it or the time is over."""
    published = [
        await settled(who, gateway, revision, wait_seconds) for gateway, revision in moved.revisions
    ]
    version = moved.version
    return MovedOut(
        **show(version).model_dump(),
        api=version.api.name,
        version=version.name,
        published=published,
    )
