"""REST: OAuth clients. A secret is in the answer that creates it, and nowhere else, ever."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.access.clients import (
    TOKEN_SECONDS_DEFAULT,
    TOKEN_SECONDS_MAX,
    TOKEN_SECONDS_MIN,
)
from headgate.model.scopes import GRANTED_MAX, SCOPE_CHARACTERS_MAX
from headgate.store.models import OAuthClient
from headgate.store.services.oauth import clients
from headgate.store.services.oauth.clients import NAME_DEFAULT, IssuedClient
from headgate.store.services.values import UNSET
from headgate.web.api.fields import Input, Instant, Name, Output, created
from headgate.web.api.keys import RotationIn
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()

Scopes = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=SCOPE_CHARACTERS_MAX)]],
    Field(max_length=GRANTED_MAX, examples=[["orders:read"]]),
]
TokenSeconds = Annotated[
    int, Field(ge=TOKEN_SECONDS_MIN, le=TOKEN_SECONDS_MAX, description="How long a token lives.")
]


class ClientIn(Input):
    """A new OAuth client of an application."""

    name: Name = NAME_DEFAULT
    scopes: Scopes = Field([], description="What its tokens may say at most.")
    is_public: bool = Field(
        default=False, description="Without a secret: a program in its user's hands."
    )
    has_device_flow: bool | None = Field(
        None, description="May devices ask to be let in? By default only for public clients."
    )
    token_seconds: TokenSeconds = TOKEN_SECONDS_DEFAULT
    expires_at: Instant | None = None


class ClientChange(Input):
    """What to change; what is left out stays. `expires_at: null` takes an expiry away."""

    name: Name | None = None
    scopes: Scopes | None = None
    has_device_flow: bool | None = None
    token_seconds: TokenSeconds | None = None
    expires_at: Instant | None = None


class ClientSecretOut(Output):
    """A secret, without its text."""

    prefix: str = Field(..., description="The first characters, to recognise it by.")
    created_at: datetime
    expires_at: datetime | None


class ClientOut(Output):
    """An OAuth client, without its secrets' texts."""

    id: str = Field(..., description="The client id.")
    application: str
    name: str
    state: str
    is_public: bool
    grants: list[str]
    scopes: list[str]
    token_seconds: int
    secrets: list[ClientSecretOut]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class IssuedClientOut(ClientOut):
    """A client with a new secret, shown this once."""

    client_secret: str | None = Field(..., description="Null for a public client: it has none.")


class ClientQuery(PageQuery):
    """Which clients."""

    application: str | None = Field(None, description="Only those of this application.")


def show(request: HttpRequest, client: OAuthClient) -> ClientOut:
    """As it is answered."""
    return ClientOut(**_fields(request, client))


def show_issued(request: HttpRequest, issued: IssuedClient) -> IssuedClientOut:
    """As it is answered once."""
    text = issued.secret.text if issued.secret is not None else None
    return IssuedClientOut(**_fields(request, issued.client), client_secret=text)


@router.get("/clients", response=PageOut[ClientOut], operation_id="listClients")
def list_clients(request: HttpRequest, query: Query[ClientQuery]) -> object:
    """OAuth clients in the order in which they were made, revoked ones too."""
    page = clients.page(
        actor(request), application=query.application, cursor=query.position, limit=query.limit
    )
    return page_out(page, lambda client: show(request, client))


@router.get(
    "/applications/{organization}/{name}/clients",
    response=PageOut[ClientOut],
    operation_id="listApplicationClients",
)
def list_application_clients(
    request: HttpRequest, organization: str, name: str, query: Query[PageQuery]
) -> object:
    """The OAuth clients of one application."""
    page = clients.page(
        actor(request),
        application=f"{organization}/{name}",
        cursor=query.position,
        limit=query.limit,
    )
    return page_out(page, lambda client: show(request, client))


@router.post(
    "/applications/{organization}/{name}/clients",
    response={201: IssuedClientOut},
    operation_id="createClient",
)
def create_client(
    request: HttpRequest, response: HttpResponse, organization: str, name: str, body: ClientIn
) -> object:
    """Make an OAuth client. Its secret works as soon as this has answered."""
    issued = clients.create(
        actor(request),
        application=f"{organization}/{name}",
        name=body.name,
        scopes=body.scopes,
        is_public=body.is_public,
        has_device_flow=body.has_device_flow,
        token_seconds=body.token_seconds,
        expires_at=body.expires_at,
    )
    return created(response, show_issued(request, issued), "clients", issued.client.id)


@router.get("/clients/{id}", response=ClientOut, operation_id="getClient")
def get_client(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One OAuth client."""
    return show(request, clients.get(actor(request), id))


@router.patch("/clients/{id}", response=ClientOut, operation_id="changeClient")
def change_client(request: HttpRequest, id: str, body: ClientChange) -> object:  # noqa: A002  # the URL's word
    """Change a client. A scope that is taken away is in no new token."""
    changed = clients.update(
        actor(request),
        id,
        name=body.name,
        scopes=body.scopes,
        has_device_flow=body.has_device_flow,
        token_seconds=body.token_seconds,
        expires_at=body.expires_at if "expires_at" in body.model_fields_set else UNSET,
    )
    return show(request, changed)


@router.post(
    "/clients/{id}/rotate", response={201: IssuedClientOut}, operation_id="rotateClientSecret"
)
def rotate_client_secret(
    request: HttpRequest,
    response: HttpResponse,
    id: str,  # noqa: A002  # the URL's word
    body: RotationIn,
) -> object:
    """Give a client a new secret; the old one goes on working for the overlap."""
    issued = clients.rotate(actor(request), id, overlap_seconds=body.overlap_seconds)
    return created(response, show_issued(request, issued), "clients", issued.client.id)


@router.post("/clients/{id}/revoke", response=ClientOut, operation_id="revokeClient")
def revoke_client(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """Stop a client and all of its tokens for good, at once."""
    return show(request, clients.revoke(actor(request), id))


@router.delete("/clients/{id}", response={204: None}, operation_id="deleteClient")
def delete_client(request: HttpRequest, id: str) -> None:  # noqa: A002  # the URL's word
    """As revoking: a client's record is kept for the traffic that it made."""
    clients.revoke(actor(request), id)


def _fields(request: HttpRequest, client: OAuthClient) -> dict[str, object]:
    credential = client.credential
    return {
        "id": client.id,
        "application": credential.application.path,
        "name": credential.name,
        "state": credential.state,
        "is_public": client.is_public,
        "grants": client.grants,
        "scopes": client.scopes,
        "token_seconds": client.token_seconds,
        "secrets": [
            ClientSecretOut.model_validate(secret)
            for secret in clients.secrets_of(client, actor(request).at)
        ],
        "created_at": credential.created_at,
        "expires_at": credential.expires_at,
        "revoked_at": credential.revoked_at,
        "last_used_at": credential.last_used_at,
    }
