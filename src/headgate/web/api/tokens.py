"""REST: tokens of this API. A token's text is in the answer that creates it, and nowhere else."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, Strict

from headgate.store.models import Token
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services.actor import Scope
from headgate.store.services.consumers import tokens
from headgate.web.api.fields import Input, Instant, Name, Output, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class TokenIn(Input):
    """A new token."""

    name: str = Field(
        ...,
        min_length=1,
        max_length=TITLE_CHARACTERS_MAX,
        description="Who or what uses it; the audit log speaks of it by this name.",
        examples=["deployment"],
    )
    scopes: list[Annotated[Scope, Strict(strict=False)]] = Field(
        ..., min_length=1, max_length=len(Scope)
    )
    organization: Name | None = Field(
        None, description="The only organization that the token may know of."
    )
    team: Name | None = Field(
        None, description="Of that organization: the token knows what a member of the team knows."
    )
    expires_at: Instant | None = None


class TokenOut(Output):
    """A token, without its text."""

    id: str
    name: str
    prefix: str = Field(..., description="The first characters, to recognise it by.")
    scopes: list[Scope]
    organization: str | None
    team: str | None
    node: str | None = Field(..., description="The only node that may use it.")
    created_at: datetime
    expires_at: datetime | None


class IssuedTokenOut(TokenOut):
    """A new token with its text, shown this once."""

    token: str


def show(token: Token) -> TokenOut:
    """As it is answered."""
    return TokenOut(
        id=token.id,
        name=token.name,
        prefix=token.prefix,
        scopes=[Scope(scope) for scope in token.scopes],
        organization=token.organization.name if token.organization else None,
        team=token.team.name if token.team else None,
        node=token.node.name if token.node else None,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


@router.get("/tokens", response=PageOut[TokenOut], operation_id="listTokens")
def list_tokens(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Tokens that are not revoked, in the order in which they were made."""
    return page_out(tokens.page(actor(request), cursor=paging.position, limit=paging.limit), show)


@router.post("/tokens", response={201: IssuedTokenOut}, operation_id="createToken")
def create_token(request: HttpRequest, response: HttpResponse, body: TokenIn) -> object:
    """Make a token with these scopes."""
    made = tokens.create(
        actor(request),
        name=body.name,
        scopes=body.scopes,
        organization=body.organization,
        team=body.team,
        expires_at=body.expires_at,
    )
    shown = IssuedTokenOut(**show(made.token).model_dump(), token=made.secret.text)
    return created(response, shown, "tokens", made.token.id)


@router.get("/tokens/{id}", response=TokenOut, operation_id="getToken")
def get_token(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One token that is not revoked."""
    return show(tokens.get(actor(request), id))


@router.delete("/tokens/{id}", response={204: None}, operation_id="deleteToken")
def delete_token(request: HttpRequest, id: str) -> None:  # noqa: A002  # the URL's word
    """Revoke a token at once."""
    tokens.revoke(actor(request), id)
