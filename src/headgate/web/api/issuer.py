"""REST: as whom tokens are issued, and which keys sign them."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from headgate.store.models import SigningKey
from headgate.store.services.oauth import signing_keys, token_issuer
from headgate.web.api.fields import Input, Output
from headgate.web.api.requests import actor

router = Router()


class SigningKeyOut(Output):
    """A key pair; of its private half nothing is shown."""

    key_id: str = Field(..., description="`kid` in the header of the tokens that it signs.")
    created_at: datetime
    signs_at: datetime = Field(..., description="From when on it signs, until a later one does.")
    ends_at: datetime | None = Field(..., description="When its last token has ended.")


class IssuerOut(Output):
    """The authorization server of this installation."""

    issuer: str = Field(..., examples=["https://apis.example.com"])
    audience: str
    keys: list[SigningKeyOut]


class KeyRotationIn(Input):
    """How to change the key that signs."""

    drop_former: bool = Field(
        default=False,
        description="Take all other keys away at once: every token that was issued ends.",
    )


@router.get("/issuer", response=IssuerOut, operation_id="getIssuer")
def get_issuer(request: HttpRequest) -> object:
    """Under which URL tokens are issued, and the keys behind it."""
    return _show(signing_keys.listed(actor(request)))


@router.post("/issuer/rotate", response=IssuerOut, operation_id="rotateSigningKey")
def rotate_signing_key(request: HttpRequest, body: KeyRotationIn) -> object:
    """Sign with a new key from now on. It happens by itself every 30 days."""
    who = actor(request)
    signing_keys.rotate(who, drop_former=body.drop_former)
    return _show(signing_keys.listed(who))


@router.delete("/issuer/keys/{key_id}", response=IssuerOut, operation_id="retireSigningKey")
def retire_signing_key(request: HttpRequest, key_id: str) -> object:
    """Take a former key away before its time: every token that it signed ends."""
    who = actor(request)
    signing_keys.retire(who, key_id)
    return _show(signing_keys.listed(who))


def _show(keys: list[SigningKey]) -> IssuerOut:
    issuer = token_issuer.url()
    return IssuerOut(
        issuer=issuer,
        audience=token_issuer.audience(issuer),
        keys=[SigningKeyOut.model_validate(key) for key in keys],
    )
