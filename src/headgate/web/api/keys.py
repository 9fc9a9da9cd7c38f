"""REST: API keys and passwords. Their text is in the answer that creates them, nowhere else."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.model.access import CredentialKind
from headgate.model.scopes import GRANTED_MAX, SCOPE_CHARACTERS_MAX
from headgate.store.models import Credential
from headgate.store.services.consumers import credentials
from headgate.store.services.consumers.credentials import OVERLAP_SECONDS_MAX, Issued
from headgate.store.services.values import UNSET
from headgate.web.api.fields import Input, Instant, Output, Reference, Title, created
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()
Granted = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=SCOPE_CHARACTERS_MAX)]],
    Field(max_length=GRANTED_MAX, examples=[["orders:read"]]),
]
SCOPES = "All that it may do, roles as `role:NAME`; empty: it is not restricted."


class KeyIn(Input):
    """A new key."""

    application: Reference = Field(..., examples=["acme/demo"])
    name: Title = ""
    expires_at: Instant | None = None
    scopes: Granted = Field([], description=SCOPES)
    kind: Literal["key", "basic"] = Field(
        "key",
        description="`basic`: a user name and a password for HTTP Basic, where an API takes that.",
    )


class KeyChange(Input):
    """What to change; what is left out stays. `expires_at: null` takes an expiry away."""

    name: Title | None = None
    expires_at: Instant | None = None
    scopes: Granted | None = Field(None, description=SCOPES)


class RotationIn(Input):
    """How to replace a key."""

    overlap_seconds: int = Field(
        0, ge=0, le=OVERLAP_SECONDS_MAX, description="How long the old key still works."
    )


class KeyOut(Output):
    """A key, without its text."""

    id: str = Field(..., description="Of a password: the user name, too.")
    kind: str
    application: str
    name: str
    scopes: list[str]
    prefix: str = Field(..., description="The first characters, to recognise it by.")
    state: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    replaced_by: str | None


class IssuedOut(KeyOut):
    """A new key with its text, shown this once."""

    key: str = Field(..., description="The key, or the password.")


class KeyQuery(PageQuery):
    """Which keys."""

    application: str | None = Field(None, description="Only those of this application.")


def show(credential: Credential) -> KeyOut:
    """As it is answered."""
    return KeyOut(**_fields(credential))


def show_issued(issued: Issued) -> IssuedOut:
    """As it is answered once."""
    return IssuedOut(**_fields(issued.credential), key=issued.secret.text)


@router.get("/keys", response=PageOut[KeyOut], operation_id="listKeys")
def list_keys(request: HttpRequest, query: Query[KeyQuery]) -> object:
    """Keys in the order in which they were made, revoked ones too."""
    page = credentials.page(
        actor(request), application=query.application, cursor=query.position, limit=query.limit
    )
    return page_out(page, show)


@router.post("/keys", response={201: IssuedOut}, operation_id="createKey")
def create_key(request: HttpRequest, response: HttpResponse, body: KeyIn) -> object:
    """Issue a key. It works as soon as this has answered."""
    issued = credentials.issue(
        actor(request),
        application=body.application,
        name=body.name,
        expires_at=body.expires_at,
        scopes=body.scopes,
        kind=CredentialKind(body.kind),
    )
    return created(response, show_issued(issued), "keys", issued.credential.id)


@router.get("/keys/{id}", response=KeyOut, operation_id="getKey")
def get_key(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """One key."""
    return show(credentials.get(actor(request), id))


@router.patch("/keys/{id}", response=KeyOut, operation_id="changeKey")
def change_key(request: HttpRequest, id: str, body: KeyChange) -> object:  # noqa: A002  # the URL's word
    """Change a key's name, expiry or scopes."""
    expiry = body.expires_at if "expires_at" in body.model_fields_set else UNSET
    changed = credentials.update(
        actor(request), id, name=body.name, expires_at=expiry, scopes=body.scopes
    )
    return show(changed)


@router.post("/keys/{id}/rotate", response={201: IssuedOut}, operation_id="rotateKey")
def rotate_key(
    request: HttpRequest,
    response: HttpResponse,
    id: str,  # noqa: A002  # the URL's word
    body: RotationIn,
) -> object:
    """Replace a key by a new one; the old one goes on working for the overlap."""
    issued = credentials.rotate(actor(request), id, overlap_seconds=body.overlap_seconds)
    return created(response, show_issued(issued), "keys", issued.credential.id)


@router.post("/keys/{id}/revoke", response=KeyOut, operation_id="revokeKey")
def revoke_key(request: HttpRequest, id: str) -> object:  # noqa: A002  # the URL's word
    """Stop a key for good, at once."""
    return show(credentials.revoke(actor(request), id))


@router.delete("/keys/{id}", response={204: None}, operation_id="deleteKey")
def delete_key(request: HttpRequest, id: str) -> None:  # noqa: A002  # the URL's word
    """As revoking: a key's record is kept for the traffic that it made."""
    credentials.revoke(actor(request), id)


def _fields(credential: Credential) -> dict[str, object]:
    replacement = credential.replaced_by
    return {
        "id": credential.id,
        "kind": credential.kind,
        "application": credential.application.path,
        "name": credential.name,
        "scopes": credential.scopes,
        "prefix": credential.prefix,
        "state": credential.state,
        "created_at": credential.created_at,
        "expires_at": credential.expires_at,
        "revoked_at": credential.revoked_at,
        "last_used_at": credential.last_used_at,
        "replaced_by": replacement.id if replacement else None,
    }
