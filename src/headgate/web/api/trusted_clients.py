"""REST: clients of other issuers that speak for an application."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.store.models import ForeignClient
from headgate.store.models.issuers import URL_CHARACTERS_MAX
from headgate.store.services.oauth import foreign_clients
from headgate.web.api.fields import Input, Output, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class TrustIn(Input):
    """Which client of which issuer."""

    issuer: str = Field(
        ...,
        min_length=1,
        max_length=URL_CHARACTERS_MAX,
        pattern=r"^[^\x00-\x1f]+$",
        description="The claim `iss` of its tokens, exactly.",
        examples=["https://login.example.com"],
    )
    client_id: str = Field(
        ..., min_length=1, max_length=URL_CHARACTERS_MAX, pattern=r"^[^\x00-\x1f]+$"
    )


class TrustedClientOut(Output):
    """A client of another issuer and the application that it speaks for."""

    id: str
    application: str
    issuer: str
    client_id: str
    state: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class TrustQuery(PageQuery):
    """Which."""

    application: str | None = Field(None, description="Only those of this application.")


@router.get(
    "/trusted-clients", response=PageOut[TrustedClientOut], operation_id="listTrustedClients"
)
def list_trusted(request: HttpRequest, query: Query[TrustQuery]) -> object:
    """Clients of other issuers, in the order in which they were first trusted."""
    page = foreign_clients.page(
        actor(request), application=query.application, cursor=query.position, limit=query.limit
    )
    return page_out(page, show)


@router.post(
    "/applications/{organization}/{name}/trusted-clients",
    response={201: TrustedClientOut},
    operation_id="trustClient",
)
def trust(
    request: HttpRequest, response: HttpResponse, organization: str, name: str, body: TrustIn
) -> object:
    """Let tokens of a client of another issuer speak for the application."""
    made = foreign_clients.trust(
        actor(request),
        application=f"{organization}/{name}",
        issuer=body.issuer,
        client=body.client_id,
    )
    return created(response, show(made), "trusted-clients", made.credential.id)


@router.get("/trusted-clients/{id}", response=TrustedClientOut, operation_id="getTrustedClient")
def get_trusted(request: HttpRequest, id: str) -> object:  # noqa: A002  # the path's word
    """One of them."""
    return show(foreign_clients.find(actor(request), id))


@router.post(
    "/trusted-clients/{id}/end", response=TrustedClientOut, operation_id="endTrustedClient"
)
def end(request: HttpRequest, id: str) -> object:  # noqa: A002  # the path's word
    """Let the client speak for the application no longer."""
    return show(foreign_clients.end(actor(request), id))


def show(trusted: ForeignClient) -> TrustedClientOut:
    """As it is answered."""
    credential = trusted.credential
    return TrustedClientOut(
        id=credential.id,
        application=credential.application.path,
        issuer=trusted.issuer,
        client_id=trusted.client,
        state=credential.state.value,
        created_at=credential.created_at,
        revoked_at=credential.revoked_at,
        last_used_at=credential.last_used_at,
    )
