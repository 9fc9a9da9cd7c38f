"""REST: the secrets that settings name as `${secret:NAME}`. A value goes in and never comes out."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from headgate.store.models import Gateway, StoredSecret
from headgate.store.services.gateway import secret_values, secrets
from headgate.store.services.gateway.secrets import VALUE_CHARACTERS_MAX
from headgate.web.api.fields import Input, Name, Output
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class SecretIn(Input):
    """The value to keep."""

    value: str = Field(
        ...,
        min_length=1,
        max_length=VALUE_CHARACTERS_MAX,
        description="Encrypted when it is stored; no answer ever holds it.",
        json_schema_extra={"writeOnly": True},
    )


class SecretOut(Output):
    """A secret, without its value."""

    id: str
    name: Name
    version: int = Field(..., description="Grows with every other value.")
    is_readable: bool = Field(
        ..., description="False: it was stored under another secret.key; store it again."
    )
    gateways: list[str] = Field(..., description="Where the live revision names it.")
    created_at: datetime
    changed_at: datetime


def show(secret: StoredSecret, users: Mapping[str, Sequence[Gateway]]) -> SecretOut:
    """As it is answered; `users` are the gateways that name secrets."""
    return SecretOut(
        id=secret.id,
        name=secret.name,
        version=secret.version,
        is_readable=secret_values.is_readable(secret),
        gateways=[gateway.name for gateway in users.get(secret.name, ())],
        created_at=secret.created_at,
        changed_at=secret.changed_at,
    )


@router.get("/secrets", response=PageOut[SecretOut], operation_id="listSecrets")
def list_secrets(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """Secrets by name and version, in the order in which they were first stored."""
    page = secrets.page(actor(request), cursor=paging.position, limit=paging.limit)
    users = secrets.in_use()
    return page_out(page, lambda secret: show(secret, users))


@router.put("/secrets/{name}", response=SecretOut, operation_id="setSecret")
def set_secret(request: HttpRequest, name: str, body: SecretIn) -> object:
    """Store or replace a secret. Gateways whose live revision names it get the new value."""
    return show(secrets.store(actor(request), name, value=body.value), secrets.in_use())


@router.get("/secrets/{name}", response=SecretOut, operation_id="getSecret")
def get_secret(request: HttpRequest, name: str) -> object:
    """What is known about a secret: not its value."""
    return show(secrets.get(actor(request), name), secrets.in_use())


@router.delete("/secrets/{name}", response={204: None}, operation_id="deleteSecret")
def delete_secret(request: HttpRequest, name: str) -> None:
    """Remove a secret that no live revision names."""
    secrets.delete(actor(request), name)
