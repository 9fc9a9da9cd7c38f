"""As whom does this installation issue tokens? Its URL, and the public keys behind it."""

from datetime import datetime

import orjson

from headgate.core.problems import Bug
from headgate.model.tokens import TokenIssuer
from headgate.store.models import ForeignIssuer, Installation, SigningKey

AUDIENCE_PATH = "/apis"  # what a token is good for: the APIs behind the gateways


def url() -> str:
    """The URL that tokens name as their issuer; without a slash at its end.

    Raises:
        Bug: no web process has ever said where it is reached.
    """
    installation = Installation.objects.first()
    if installation is None or not installation.issuer:
        raise Bug("the installation has no URL: no web process has started on this store")
    return installation.issuer


def audience(issuer: str) -> str:
    """Whom tokens are for: every API behind the gateways of this installation."""
    return issuer + AUDIENCE_PATH


def published_keys() -> list[dict[str, str]]:
    """The public keys, oldest first: past, present and to come."""
    return list(SigningKey.objects.order_by("pk").values_list("public", flat=True))


def current() -> TokenIssuer | None:
    """What a gateway must know to believe our tokens; None while there is no key."""
    keys = published_keys()
    if not keys:
        return None
    issuer = url()
    return TokenIssuer(issuer, audience(issuer), orjson.dumps({"keys": keys}).decode())


def foreign() -> tuple[TokenIssuer, ...]:
    """Other issuers that policies name, with the keys that they had when they last answered."""
    rows = ForeignIssuer.objects.exclude(jwks="").order_by("issuer")
    return tuple(TokenIssuer(row.issuer, "", row.jwks) for row in rows)


def signs_now(at: datetime) -> SigningKey | None:
    """The key that signs at this instant: the last whose time has come."""
    return SigningKey.objects.filter(signs_at__lte=at).order_by("-signs_at", "-pk").first()
