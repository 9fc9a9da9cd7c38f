"""REST: what readers say of the portal's pages, and which of it is done."""

from datetime import datetime
from enum import StrEnum

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from headgate.store.models import Feedback
from headgate.store.models.feedback import PAGE_CHARACTERS_MAX
from headgate.store.services.catalog import feedback
from headgate.web.api.fields import Output
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class FeedbackState(StrEnum):
    """Whether somebody has seen to it."""

    OPEN = "open"
    DONE = "done"


class FeedbackOut(Output):
    """One answer to whether a page was helpful."""

    id: str
    at: datetime
    page: str = Field(..., description="The address of the page.", examples=["/apis/pets"])
    title: str = Field(..., description="What it showed.")
    is_helpful: bool
    text: str
    person: str | None = Field(..., description="Who was signed in; null: a stranger.")
    state: FeedbackState
    done_at: datetime | None
    done_by: str


class FeedbackQuery(PageQuery):
    """Which answers."""

    state: FeedbackState | None = Field(None, description="Only those in this state.")
    is_helpful: bool | None = Field(None, description="Only those that say so.")
    page: str | None = Field(
        None, max_length=PAGE_CHARACTERS_MAX, description="Only those on this page."
    )


def show(row: Feedback) -> FeedbackOut:
    """As it is answered."""
    return FeedbackOut(
        id=row.id,
        at=row.at,
        page=row.page,
        title=row.title,
        is_helpful=row.is_helpful,
        text=row.text,
        person=row.user.email if row.user else None,
        state=FeedbackState.OPEN if row.done_at is None else FeedbackState.DONE,
        done_at=row.done_at,
        done_by=row.done_by,
    )


@router.get("/feedback", response=PageOut[FeedbackOut], operation_id="listFeedback")
def list_feedback(request: HttpRequest, query: Query[FeedbackQuery]) -> object:
    """What readers say of the portal's pages, newest first. For operators."""
    found = feedback.page(
        actor(request),
        is_done=None if query.state is None else query.state is FeedbackState.DONE,
        is_helpful=query.is_helpful,
        about=query.page,
        cursor=query.position,
        limit=query.limit,
    )
    return page_out(found, show)


@router.get("/feedback/{id}", response=FeedbackOut, operation_id="getFeedback")
def get_feedback(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One answer."""
    return show(feedback.find(actor(request), id))


@router.post("/feedback/{id}/done", response=FeedbackOut, operation_id="settleFeedback")
def settle(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """Mark it as done."""
    return show(feedback.settle(actor(request), id))


@router.post("/feedback/{id}/reopen", response=FeedbackOut, operation_id="reopenFeedback")
def reopen(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """Mark it as open again."""
    return show(feedback.settle(actor(request), id, is_done=False))
