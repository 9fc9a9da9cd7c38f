"""REST: requests for subscriptions to plans that need approval."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.access.approval import RequestState
from headgate.store.models import SubscriptionRequest
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services.consumers import approvals
from headgate.web.api.fields import Input, Output, Reference, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class SubscriptionRequestIn(Input):
    """A request for a plan that needs approval."""

    application: Reference = Field(..., examples=["acme/demo"])
    plan: Reference = Field(..., examples=["basic/partner"])
    reason: str = Field("", max_length=REASON_CHARACTERS_MAX)


class DecisionIn(Input):
    """What is said to those who asked."""

    word: str = Field("", max_length=REASON_CHARACTERS_MAX)


class SubscriptionRequestOut(Output):
    """A request, and what became of it."""

    id: str
    application: str
    plan: str
    state: RequestState
    reason: str
    asked_by: str
    created_at: datetime
    decided_by: str
    decided_at: datetime | None
    word: str
    subscription: str | None


class SubscriptionRequestQuery(PageQuery):
    """Which requests."""

    state: RequestState | None = Field(None, description="Only those in this state.")


def show(row: SubscriptionRequest) -> SubscriptionRequestOut:
    """As it is answered."""
    return SubscriptionRequestOut(
        id=row.id,
        application=row.application.path,
        plan=row.plan.path,
        state=RequestState(row.state),
        reason=row.reason,
        asked_by=row.asked_by,
        created_at=row.created_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        word=row.word,
        subscription=row.subscription.id if row.subscription else None,
    )


@router.get(
    "/subscription-requests",
    response=PageOut[SubscriptionRequestOut],
    operation_id="listSubscriptionRequests",
)
def list_requests(request: HttpRequest, query: Query[SubscriptionRequestQuery]) -> object:
    """Requests, newest first."""
    page = approvals.page(
        actor(request), state=query.state, cursor=query.position, limit=query.limit
    )
    return page_out(page, show)


@router.post(
    "/subscription-requests",
    response={201: SubscriptionRequestOut},
    operation_id="askForSubscription",
)
def ask(request: HttpRequest, response: HttpResponse, body: SubscriptionRequestIn) -> object:
    """Ask for a plan that needs approval. Those who decide are told by mail."""
    made = approvals.ask(
        actor(request), application=body.application, plan=body.plan, reason=body.reason
    )
    return created(response, show(made), "subscription-requests", made.id)


@router.get(
    "/subscription-requests/{id}",
    response=SubscriptionRequestOut,
    operation_id="getSubscriptionRequest",
)
def get_request(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One request."""
    return show(approvals.find(actor(request), id))


@router.post(
    "/subscription-requests/{id}/grant",
    response=SubscriptionRequestOut,
    operation_id="grantSubscriptionRequest",
)
def grant(request: HttpRequest, id: str, body: DecisionIn) -> object:  # noqa: A002  # the URL's word
    """Grant it: the application is subscribed at once."""
    return show(approvals.grant(actor(request), id, word=body.word))


@router.post(
    "/subscription-requests/{id}/decline",
    response=SubscriptionRequestOut,
    operation_id="declineSubscriptionRequest",
)
def decline(request: HttpRequest, id: str, body: DecisionIn) -> object:  # noqa: A002  # the URL's word
    """Decline it."""
    return show(approvals.decline(actor(request), id, word=body.word))


@router.post(
    "/subscription-requests/{id}/withdraw",
    response=SubscriptionRequestOut,
    operation_id="withdrawSubscriptionRequest",
)
def withdraw(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """Take it back, as the organization that asked."""
    return show(approvals.withdraw(actor(request), id))
