"""REST: blocks, refusals that end by themselves."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, Strict

from headgate.model.access import BlockKind
from headgate.store.models import Block
from headgate.store.models.ledger import SUBJECT_CHARACTERS_MAX
from headgate.store.services.gateway import blocks
from headgate.store.services.gateway.blocks import BLOCK_SECONDS_MAX
from headgate.web.api.fields import Description, Input, Output, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class BlockIn(Input):
    """A new block."""

    kind: Annotated[BlockKind, Strict(strict=False)]
    subject: str = Field(
        ...,
        min_length=1,
        max_length=2 * SUBJECT_CHARACTERS_MAX,
        description="An address or network, the id of a credential or application, a token's jti.",
        examples=["203.0.113.0/24"],
    )
    seconds: int = Field(..., ge=1, le=BLOCK_SECONDS_MAX)
    reason: Description = ""


class BlockOut(Output):
    """A refusal in force."""

    id: str
    kind: BlockKind
    subject: str
    reason: str
    created_at: datetime
    expires_at: datetime


def show(block: Block) -> BlockOut:
    """As it is answered."""
    return BlockOut.model_validate(block)


@router.get("/blocks", response=PageOut[BlockOut], operation_id="listBlocks")
def list_blocks(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Blocks in force, in the order in which they were made."""
    return page_out(blocks.page(actor(request), cursor=paging.position, limit=paging.limit), show)


@router.post("/blocks", response={201: BlockOut}, operation_id="createBlock")
def create_block(request: HttpRequest, response: HttpResponse, body: BlockIn) -> object:
    """Refuse every call of an address, network, key or application from now on."""
    made = blocks.create(
        actor(request),
        kind=body.kind,
        subject=body.subject,
        seconds=body.seconds,
        reason=body.reason,
    )
    return created(response, show(made), "blocks", made.id)


@router.get("/blocks/{id}", response=BlockOut, operation_id="getBlock")
def get_block(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One block in force."""
    return show(blocks.get(actor(request), id))


@router.delete("/blocks/{id}", response={204: None}, operation_id="deleteBlock")
def delete_block(request: HttpRequest, id: str) -> None:  # noqa: A002  # the URL's word
    """End a block before its time."""
    blocks.lift(actor(request), id)
