"""Which access tokens does a client get, which are still good, and how does one end early?

A token is not stored. One that is revoked is blocked at the gateways until it would have ended.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.access.jwts import sign, verified
from headgate.core.ids import new_id
from headgate.core.problems import Problem, ProblemType
from headgate.model.access import BlockKind
from headgate.model.tokens import CLOCK_SKEW_SECONDS, token_block_key
from headgate.store.models import Block, OAuthClient
from headgate.store.services import feed
from headgate.store.services.actor import Actor
from headgate.store.services.oauth import client_authentication, signing_keys, token_issuer
from headgate.store.services.transactions import change

TOKEN_ID_BYTES = 16
REVOKED_PER_CLIENT_MAX = 1000  # in force: beyond it, revoke the client
REVOKED_MAX = 32_768  # in force: half of the room for blocks stays for people
REASON = "revoked by"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A new token. `text` goes to its client and nowhere else."""

    text: str
    digest: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"AccessToken({self.digest})"


def issue(client: OAuthClient, *, subject: str, scopes: Sequence[str], at: datetime) -> AccessToken:
    """A token of this client. Source: RFC 9068 §2.2.

    Raises:
        DependencyError: the signing key cannot be read.
    """
    signer = signing_keys.signer(at)
    issuer = token_issuer.url()
    issued_at = int(at.timestamp())
    expires = issued_at + client.token_seconds
    jti = secrets.token_urlsafe(TOKEN_ID_BYTES)
    claims = {
        "iss": issuer,
        "sub": subject,
        "aud": token_issuer.audience(issuer),
        "client_id": client.id,
        "scope": " ".join(scopes),
        "iat": issued_at,
        "exp": expires,
        "jti": jti,
    }
    text = sign(claims, pem=signer.pem, key_id=signer.key_id)
    return AccessToken(text, token_block_key(jti).hex(), datetime.fromtimestamp(expires, UTC))


def read(text: str, at: datetime) -> dict[str, Any] | None:
    """The claims of a token of ours that has not ended by its own time; None otherwise."""
    issuer = token_issuer.url()
    return verified(
        text,
        token_issuer.published_keys(),
        issuer=issuer,
        audience=token_issuer.audience(issuer),
        now=at,
    )


def introspect(text: str, at: datetime, *, viewer: OAuthClient | Actor) -> dict[str, Any] | None:
    """The claims of a token that is good now; None otherwise.

    A client learns about tokens of its own organization alone, an actor likewise; an operator
    about all. Source: RFC 7662 §2.2, §4.
    """
    claims = read(text, at)
    if claims is None:
        return None
    client = client_authentication.live(claims["client_id"], at)
    if client is None or _is_revoked(claims["jti"], at):
        return None
    own = client.credential.application.organization.name
    if isinstance(viewer, OAuthClient):
        may_see = viewer.credential.application.organization.name == own
    else:
        may_see = viewer.organization in {None, own}
    return claims if may_see else None


@change()
def revoke(client: OAuthClient, text: str, at: datetime) -> bool:
    """End a token of this client now; False for what is none of its good tokens.

    Raises:
        Problem: TOO_MANY: so many are in force already.
    """
    claims = read(text, at)
    if claims is None or claims["client_id"] != client.id:
        return False
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    block(client, token_block_key(claims["jti"]).hex(), expires_at, at)
    return True


def block(client: OAuthClient, digest: str, expires_at: datetime, at: datetime) -> None:
    """Refuse a token at the gateways until they would anyway, in the caller's transaction.

    Raises:
        Problem: TOO_MANY.
    """
    revoked = Block.objects.filter(kind=BlockKind.TOKEN, removed_at=None, expires_at__gt=at)
    if revoked.filter(subject=digest).exists():
        return
    reason = f"{REASON} {client.id}"
    if (
        revoked.filter(reason=reason).count() >= REVOKED_PER_CLIENT_MAX
        or revoked.count() >= REVOKED_MAX
    ):
        raise Problem(
            ProblemType.TOO_MANY,
            "Too many revoked tokens are waiting for their end.",
            "Revoke the client, which stops all of its tokens, or give its tokens less time.",
        )
    Block.objects.create(
        id=new_id("blk"),
        created_at=at,
        changed=feed.next_sequence(),
        kind=BlockKind.TOKEN.value,
        subject=digest,
        reason=reason,
        # a gateway believes a token a little longer than it says, and its clock is not ours
        expires_at=expires_at + timedelta(seconds=2 * CLOCK_SKEW_SECONDS),
    )


def _is_revoked(jti: str, at: datetime) -> bool:
    return Block.objects.filter(
        kind=BlockKind.TOKEN,
        subject=token_block_key(jti).hex(),
        removed_at=None,
        expires_at__gt=at,
    ).exists()
