"""REST: subscriptions of applications to plans."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.store.models import Subscription
from headgate.store.services.consumers import subscriptions
from headgate.store.services.values import UNSET
from headgate.web.api.fields import (
    Input,
    Instant,
    Output,
    Reference,
    SettableState,
    State,
    created,
    is_suspended,
    state_of,
)
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class SubscriptionIn(Input):
    """A new subscription."""

    application: Reference = Field(..., examples=["acme/demo"])
    plan: Reference = Field(..., examples=["basic/free"])
    expires_at: Instant | None = None


class SubscriptionChange(Input):
    """What to change; another plan must be of the same product."""

    plan: Reference | None = None
    state: State | None = None
    expires_at: Instant | None = None


class SubscriptionOut(Output):
    """An application's use of a product under a plan."""

    id: str
    application: str
    product: str
    plan: str
    state: SettableState
    created_at: datetime
    expires_at: datetime | None


class SubscriptionQuery(PageQuery):
    """Which subscriptions."""

    application: str | None = Field(None, description="Only those of this application.")
    product: str | None = Field(None, description="Only those to this product.")


def show(subscription: Subscription) -> SubscriptionOut:
    """As it is answered."""
    return SubscriptionOut(
        id=subscription.id,
        application=subscription.application.path,
        product=subscription.product.name,
        plan=subscription.plan.path,
        state=state_of(is_suspended=subscription.is_suspended),
        created_at=subscription.created_at,
        expires_at=subscription.expires_at,
    )


@router.get("/subscriptions", response=PageOut[SubscriptionOut], operation_id="listSubscriptions")
def list_subscriptions(request: HttpRequest, query: Query[SubscriptionQuery]) -> object:
    """Live subscriptions in the order in which they were made."""
    page = subscriptions.page(
        actor(request),
        application=query.application,
        product=query.product,
        cursor=query.position,
        limit=query.limit,
    )
    return page_out(page, show)


@router.post("/subscriptions", response={201: SubscriptionOut}, operation_id="createSubscription")
def create_subscription(
    request: HttpRequest, response: HttpResponse, body: SubscriptionIn
) -> object:
    """Subscribe an application to a plan. It holds for all of its keys at once."""
    made = subscriptions.create(
        actor(request),
        application=body.application,
        plan=body.plan,
        expires_at=body.expires_at,
    )
    return created(response, show(made), "subscriptions", made.id)


@router.get("/subscriptions/{id}", response=SubscriptionOut, operation_id="getSubscription")
def get_subscription(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One live subscription."""
    return show(subscriptions.get(actor(request), id))


@router.patch("/subscriptions/{id}", response=SubscriptionOut, operation_id="changeSubscription")
def change_subscription(
    request: HttpRequest,
    id: str,  # noqa: A002  # the URL's word
    body: SubscriptionChange,
) -> object:
    """Move a subscription to another plan of its product, suspend it, or let it expire."""
    changed = subscriptions.update(
        actor(request),
        id,
        plan=body.plan,
        is_suspended=is_suspended(body.state),
        expires_at=body.expires_at if "expires_at" in body.model_fields_set else UNSET,
    )
    return show(changed)


@router.delete("/subscriptions/{id}", response={204: None}, operation_id="deleteSubscription")
def delete_subscription(request: HttpRequest, id: str) -> None:  # noqa: A002  # the URL's word
    """End a subscription at once."""
    subscriptions.cancel(actor(request), id)
