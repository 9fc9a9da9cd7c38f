"""REST: requests for access to sensitive data, and what becomes of them."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.access.data_access import DAYS_MAX, AccessState
from headgate.store.models import AccessRequest
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.models.catalog import OPERATION_ID_CHARACTERS_MAX
from headgate.store.services.consumers import data_access
from headgate.web.api.fields import (
    PATH_NAME_CHARACTERS_MAX,
    Input,
    Instant,
    Output,
    Reference,
    created,
)
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class AccessRequestIn(Input):
    """What is asked for, for which application, why and for how long."""

    application: Reference = Field(..., examples=["acme/demo"])
    api: Reference = Field(..., examples=["pets"])
    operation: str = Field(
        "",
        max_length=OPERATION_ID_CHARACTERS_MAX,
        description="The operation's id; empty for what stands before the whole API.",
    )
    reason: str = Field(..., min_length=1, max_length=REASON_CHARACTERS_MAX)
    days: int | None = Field(
        None, ge=1, le=DAYS_MAX, description="How long; null for as long as can be granted."
    )


class WordIn(Input):
    """What is said to those who asked."""

    word: str = Field("", max_length=REASON_CHARACTERS_MAX)


class GrantIn(WordIn):
    """Until when, and what is said to those who asked."""

    until: Instant | None = Field(None, description="Null: for as long as it was asked for.")


class AccessRequestOut(Output):
    """A request, and the grant that it has become."""

    id: str
    application: str
    api: str
    operation: str = Field(..., description="What is marked; empty: the whole API.")
    state: AccessState
    reason: str
    days: int
    asked_by: str
    created_at: datetime
    decided_by: str
    decided_at: datetime | None
    word: str
    until: datetime | None = Field(..., description="When a grant ends or ended by itself.")
    ended_by: str
    ended_at: datetime | None
    end_word: str


class AccessRequestQuery(PageQuery):
    """Which requests."""

    state: AccessState | None = Field(None, description="Only those in this state.")
    application: str | None = Field(
        None, max_length=PATH_NAME_CHARACTERS_MAX, description="Only those of this application."
    )
    api: str | None = Field(
        None, max_length=PATH_NAME_CHARACTERS_MAX, description="Only those for this API."
    )


def show(row: AccessRequest) -> AccessRequestOut:
    """As it is answered."""
    return AccessRequestOut(
        id=row.id,
        application=row.application.path,
        api=row.mark.api.name,
        operation=row.mark.operation,
        state=AccessState(row.state),
        reason=row.reason,
        days=row.days,
        asked_by=row.asked_by,
        created_at=row.created_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        word=row.word,
        until=row.until,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
        end_word=row.end_word,
    )


@router.get(
    "/access-requests", response=PageOut[AccessRequestOut], operation_id="listAccessRequests"
)
def list_requests(request: HttpRequest, query: Query[AccessRequestQuery]) -> object:
    """Requests and grants, newest first."""
    page = data_access.page(
        actor(request),
        state=query.state,
        application=query.application,
        api=query.api,
        cursor=query.position,
        limit=query.limit,
    )
    return page_out(page, show)


@router.post("/access-requests", response={201: AccessRequestOut}, operation_id="askForAccess")
def ask(request: HttpRequest, response: HttpResponse, body: AccessRequestIn) -> object:
    """Ask for access to sensitive data. Its owner is told by mail."""
    made = data_access.ask(actor(request), **body.model_dump())
    return created(response, show(made), "access-requests", made.id)


@router.get("/access-requests/{id}", response=AccessRequestOut, operation_id="getAccessRequest")
def get_request(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One request."""
    return show(data_access.find(actor(request), id))


@router.post("/access-requests/{id}/grant", response=AccessRequestOut, operation_id="grantAccess")
def grant(request: HttpRequest, id: str, body: GrantIn) -> object:  # noqa: A002  # the URL's word
    """Grant it for a time, in force at once. It takes the place of a grant that is there."""
    return show(data_access.grant(actor(request), id, until=body.until, word=body.word))


@router.post("/access-requests/{id}/refuse", response=AccessRequestOut, operation_id="refuseAccess")
def refuse(request: HttpRequest, id: str, body: WordIn) -> object:  # noqa: A002  # the URL's word
    """Refuse it, and say why."""
    return show(data_access.refuse(actor(request), id, word=body.word))


@router.post("/access-requests/{id}/revoke", response=AccessRequestOut, operation_id="revokeAccess")
def revoke(request: HttpRequest, id: str, body: WordIn) -> object:  # noqa: A002  # the URL's word
    """Take a grant away before its end, at once."""
    return show(data_access.revoke(actor(request), id, word=body.word))


@router.post(
    "/access-requests/{id}/withdraw", response=AccessRequestOut, operation_id="withdrawAccess"
)
def withdraw(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """Ask no longer, or give a grant back, as the organization that asked."""
    return show(data_access.withdraw(actor(request), id))
