"""REST: what happened, as events."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from headgate.model.events import EventKind
from headgate.store.models import Event
from headgate.store.services.alerts import event_log
from headgate.web.api.fields import Instant, Output
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class EventOut(Output):
    """Something that happened: the same document that a webhook is sent."""

    id: str
    type: str = Field(..., description="Its kind; see docs/events.md.", examples=["quota.warning"])
    timestamp: datetime
    organization: str | None = Field(..., description="Whose it is; null: the operators'.")
    subject: str = Field(..., description="The name or id of what it is about.")
    data: dict[str, Any]


class EventQuery(PageQuery):
    """Which events."""

    type: EventKind | None = None
    subject: str | None = Field(None, description="The name or id of what it is about.")
    since: Instant | None = Field(None, description="From this instant on.")
    until: Instant | None = Field(None, description="Before this instant.")


def show(event: Event) -> EventOut:
    """As it is answered."""
    return EventOut(
        id=event.id,
        type=event.kind,
        timestamp=event.at,
        organization=event.organization.name if event.organization else None,
        subject=event.subject,
        data=event.data,
    )


@router.get("/events", response=PageOut[EventOut], operation_id="listEvents")
def list_events(request: HttpRequest, query: Query[EventQuery]) -> object:
    """Events, newest first. An organization's token sees those about the organization."""
    page = event_log.page(
        actor(request),
        kind=query.type,
        subject=query.subject,
        since=query.since,
        until=query.until,
        cursor=query.position,
        limit=query.limit,
    )
    return page_out(page, show)


@router.get("/events/{id}", response=EventOut, operation_id="getEvent")
def get_event(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One event."""
    return show(event_log.get(actor(request), id))
