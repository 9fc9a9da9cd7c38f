"""REST: which APIs and operations give sensitive data, and who decides on access to it."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.access.data_access import DAYS_DEFAULT, DAYS_MAX
from headgate.store.models import SensitiveMark
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.models.catalog import OPERATION_ID_CHARACTERS_MAX
from headgate.store.models.people import EMAIL_CHARACTERS_MAX
from headgate.store.services.consumers import sensitive
from headgate.web.api.fields import Input, Output, Reference, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

Days = Annotated[int, Field(ge=1, le=DAYS_MAX)]
Owner = Annotated[str, Field(min_length=3, max_length=EMAIL_CHARACTERS_MAX)]
Why = Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]
router = Router()


class MarkIn(Input):
    """What is sensitive, and why."""

    api: Reference = Field(..., examples=["pets"])
    operation: str = Field(
        "",
        max_length=OPERATION_ID_CHARACTERS_MAX,
        description="The id of one operation; empty for the whole API. It holds in all versions.",
        examples=["getPet"],
    )
    owner: Owner = Field(
        ..., description="The address of the person who decides.", examples=["ann@example.com"]
    )
    why: Why = Field(..., description="Read by those who ask.", examples=["Names of customers."])
    days_max: Days = Field(DAYS_DEFAULT, description="The longest grant.")


class MarkPatch(Input):
    """What is to change; what is left out stays."""

    owner: Owner | None = None
    why: Why | None = None
    days_max: Days | None = None


class MarkOut(Output):
    """A mark: only applications with a grant may call what stands behind it."""

    id: str
    api: str
    operation: str
    owner: str
    why: str
    days_max: int
    created_at: datetime


def show(row: SensitiveMark) -> MarkOut:
    """As it is answered."""
    return MarkOut(
        id=row.id,
        api=row.api.name,
        operation=row.operation,
        owner=row.owner,
        why=row.why,
        days_max=row.days_max,
        created_at=row.created_at,
    )


@router.get("/sensitive", response=PageOut[MarkOut], operation_id="listSensitive")
def list_marks(request: HttpRequest, query: Query[PageQuery]) -> object:
    """Everything that is marked as sensitive."""
    return page_out(sensitive.page(actor(request), cursor=query.position, limit=query.limit), show)


@router.post("/sensitive", response={201: MarkOut}, operation_id="markSensitive")
def mark(request: HttpRequest, response: HttpResponse, body: MarkIn) -> object:
    """Mark an API or operation. Every call without a grant is refused within a second."""
    made = sensitive.mark(actor(request), **body.model_dump())
    return created(response, show(made), "sensitive", made.id)


@router.get("/sensitive/{id}", response=MarkOut, operation_id="getSensitive")
def get_mark(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One mark."""
    return show(sensitive.find(actor(request), id))


@router.patch("/sensitive/{id}", response=MarkOut, operation_id="changeSensitive")
def change_mark(request: HttpRequest, id: str, body: MarkPatch) -> object:  # noqa: A002  # likewise
    """Change owner, reason or the longest grant. Grants that were given stay as they are."""
    return show(sensitive.update(actor(request), id, **body.model_dump()))


@router.delete("/sensitive/{id}", response={204: None}, operation_id="unmarkSensitive")
def unmark(request: HttpRequest, id: str) -> None:  # noqa: A002  # the URL's word
    """Open it to every subscriber again; requests and grants end."""
    sensitive.unmark(actor(request), id)
