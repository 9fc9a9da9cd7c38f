"""REST: where events are sent. A secret is in the answer that makes it, and nowhere else."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, Strict

from headgate.alerts.webhooks import DeliveryState
from headgate.model.events import EventKind
from headgate.store.models import Delivery, Webhook
from headgate.store.models.events import URL_CHARACTERS_MAX
from headgate.store.services.alerts import deliveries, webhooks
from headgate.store.services.alerts.webhooks import (
    OVERLAP_SECONDS_DEFAULT,
    OVERLAP_SECONDS_MAX,
    IssuedWebhook,
)
from headgate.web.api.fields import Input, Name, Output, Title, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()
URL = Annotated[
    str,
    Field(
        min_length=1, max_length=URL_CHARACTERS_MAX, examples=["https://hooks.example.com/headgate"]
    ),
]
Kinds = Annotated[
    list[Annotated[EventKind, Strict(strict=False)]], Field(max_length=len(EventKind))
]


class WebhookIn(Input):
    """A new webhook."""

    url: URL
    organization: Name | None = Field(
        None, description="Whose events it is sent; without it the operators', which is all."
    )
    team: Name | None = Field(
        None, description="Of that organization: only what is about one of its applications."
    )
    types: Kinds = Field([], description="Which events; none listed: all.")
    description: Title = ""
    allow_private: bool = Field(
        default=False,
        description="Call addresses that only this network can see, and http. Administrators'.",
    )


class WebhookChange(Input):
    """What to change; what is left out stays."""

    url: URL | None = None
    types: Kinds | None = None
    description: Title | None = None
    is_enabled: bool | None = None


class WebhookRotation(Input):
    """How to replace a secret."""

    overlap_seconds: int = Field(
        OVERLAP_SECONDS_DEFAULT,
        ge=0,
        le=OVERLAP_SECONDS_MAX,
        description="How long each message is signed by both secrets.",
    )


class WebhookOut(Output):
    """A webhook, without its secret."""

    id: str
    url: str
    organization: str | None
    team: str | None
    types: list[str]
    description: str
    allow_private: bool
    is_enabled: bool
    disabled_reason: str
    failing_since: datetime | None = Field(..., description="Since when every attempt failed.")
    delivered_at: datetime | None = Field(..., description="When it last took an event.")
    previous_secret_until: datetime | None
    dropped: int = Field(..., description="Events not sent because too many waited.")
    created_at: datetime


class IssuedWebhookOut(WebhookOut):
    """A webhook with its new secret, shown this once."""

    secret: str = Field(..., description="`whsec_…`, as libraries of Standard Webhooks take it.")


class AttemptOut(Output):
    """One call of the receiver."""

    at: datetime
    status: int | None = Field(..., description="Null: nothing was answered.")
    error: str
    duration_ms: int
    answer: str = Field(..., description="How the answer's body begins.")


class DeliveryOut(Output):
    """One event on its way."""

    id: str
    event: str
    type: str
    state: DeliveryState
    tries: int
    due_at: datetime | None = Field(..., description="When it is tried next.")
    settled_at: datetime | None
    attempts: list[AttemptOut]


class SentOut(Output):
    """What a test has sent."""

    event: str


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    state: DeliveryState | None = None


def show(row: Webhook) -> WebhookOut:
    """As it is answered."""
    return WebhookOut(
        id=row.id,
        url=row.url,
        organization=row.organization.name if row.organization else None,
        team=row.team.name if row.team else None,
        types=row.kinds,
        description=row.description,
        allow_private=row.allow_private,
        is_enabled=row.disabled_at is None,
        disabled_reason=row.disabled_reason,
        failing_since=row.failing_since,
        delivered_at=row.delivered_at,
        previous_secret_until=row.previous_until if row.previous_sealed else None,
        dropped=row.dropped,
        created_at=row.created_at,
    )


def show_issued(issued: IssuedWebhook) -> IssuedWebhookOut:
    """As it is answered once."""
    return IssuedWebhookOut(**show(issued.webhook).model_dump(), secret=issued.secret)


def show_delivery(row: Delivery) -> DeliveryOut:
    """As it is answered."""
    state = DeliveryState(row.state)
    return DeliveryOut(
        id=row.id,
        event=row.event.id,
        type=row.event.kind,
        state=state,
        tries=row.tries,
        due_at=row.due_at if state is DeliveryState.WAITING else None,
        settled_at=row.settled_at,
        attempts=[AttemptOut.model_validate(one) for one in row.attempts],
    )


@router.get("/webhooks", response=PageOut[WebhookOut], operation_id="listWebhooks")
def list_webhooks(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Webhooks in the order in which they were made."""
    page = webhooks.page(actor(request), cursor=paging.position, limit=paging.limit)
    return page_out(page, show)


@router.post("/webhooks", response={201: IssuedWebhookOut}, operation_id="createWebhook")
def create_webhook(request: HttpRequest, response: HttpResponse, body: WebhookIn) -> object:
    """Have events sent to a URL, signed by a secret that this answer alone holds."""
    made = webhooks.create(
        actor(request),
        url=body.url,
        organization=body.organization,
        team=body.team,
        kinds=body.types,
        description=body.description,
        allow_private=body.allow_private,
    )
    return created(response, show_issued(made), "webhooks", made.webhook.id)


@router.get("/webhooks/{id}", response=WebhookOut, operation_id="getWebhook")
def get_webhook(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One webhook."""
    return show(webhooks.get(actor(request), id))


@router.patch("/webhooks/{id}", response=WebhookOut, operation_id="changeWebhook")
def change_webhook(request: HttpRequest, id: str, body: WebhookChange) -> object:  # noqa: A002  # the URL's word
    """Change a webhook, disable it, or enable it again."""
    changed = webhooks.update(
        actor(request),
        id,
        url=body.url,
        kinds=body.types,
        description=body.description,
        is_enabled=body.is_enabled,
    )
    return show(changed)


@router.delete("/webhooks/{id}", response={204: None}, operation_id="deleteWebhook")
def delete_webhook(request: HttpRequest, id: str) -> None:  # noqa: A002  # the URL's word
    """End a webhook at once."""
    webhooks.delete(actor(request), id)


@router.post(
    "/webhooks/{id}/rotate", response={201: IssuedWebhookOut}, operation_id="rotateWebhookSecret"
)
def rotate_webhook(
    request: HttpRequest,
    response: HttpResponse,
    id: str,  # noqa: A002  # the URL's word
    body: WebhookRotation,
) -> object:
    """Make a new secret; for the overlap both sign."""
    made = webhooks.rotate(actor(request), id, overlap_seconds=body.overlap_seconds)
    return created(response, show_issued(made), "webhooks", id)


@router.post("/webhooks/{id}/test", response={202: SentOut}, operation_id="testWebhook")
def test_webhook(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """Send this webhook alone an event that only tries it."""
    return SentOut(event=webhooks.test(actor(request), id))


@router.get(
    "/webhooks/{id}/deliveries", response=PageOut[DeliveryOut], operation_id="listDeliveries"
)
def list_deliveries(request: HttpRequest, id: str, query: Query[DeliveryQuery]) -> object:  # noqa: A002  # the URL's word
    """What was sent to a webhook, newest first, with the attempts and their answers."""
    page = deliveries.page(
        actor(request), id, state=query.state, cursor=query.position, limit=query.limit
    )
    return page_out(page, show_delivery)


@router.post(
    "/webhooks/{id}/deliveries/{delivery}/redeliver",
    response={202: DeliveryOut},
    operation_id="redeliver",
)
def redeliver(request: HttpRequest, id: str, delivery: str) -> object:  # noqa: A002  # the URL's word
    """Send an event once more, from the first attempt on."""
    return show_delivery(deliveries.redeliver(actor(request), id, delivery))
