"""May a device go on without asking its person again? One row per device, renewed at each use.

Every use gives a new refresh token. One that was used before comes from a copy: then the grant
ends for both who hold it. Source: RFC 9700 §4.14.2.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.access.keys import Secret, digest, is_same, new_refresh_token
from headgate.core.ids import ID_BYTES, new_id
from headgate.core.phrases import phrase
from headgate.store.models import OAuthClient, RefreshGrant
from headgate.store.services.oauth import access_tokens
from headgate.store.services.oauth.access_tokens import AccessToken
from headgate.store.services.transactions import change
from headgate.store.services.values import refused

UNUSED_FOR = timedelta(days=30)  # a grant that nobody renews ends
REPEATED_WITHIN = timedelta(seconds=60)  # the last answer may have been lost on its way
GRANTS_MAX = 10_000  # of one client
SEPARATOR = "."


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A new refresh token. `text` goes to its client and nowhere else."""

    text: str

    def __repr__(self) -> str:
        return "RefreshToken(…)"


@change()
def begin(
    client: OAuthClient, *, subject: str, scopes: list[str], token: AccessToken, at: datetime
) -> RefreshToken:
    """The first refresh token of a device that was let in.

    Raises:
        Problem: CONFLICT: the client has too many devices.
    """
    client.refresh_grants.filter(expires_at__lte=at).delete()
    if client.refresh_grants.count() >= GRANTS_MAX:
        raise refused(
            phrase("The client {id} has {most:,} devices already.", id=client.id, most=GRANTS_MAX),
            "Make another client for further devices.",
        )
    secret, grant_id = new_refresh_token(), new_id("rft")
    RefreshGrant.objects.create(
        id=grant_id,
        client=client,
        sha256=secret.sha256,
        subject=subject,
        scopes=scopes,
        created_at=at,
        renewed_at=at,
        expires_at=at + UNUSED_FOR,
        token_digest=token.digest,
        token_expires_at=token.expires_at,
    )
    return RefreshToken(f"{grant_id}{SEPARATOR}{secret.text}")


def find(client: OAuthClient, text: str, at: datetime) -> RefreshGrant | None:
    """The grant whose refresh token this is; None for everything else.

    Ends the grant when the token is one that was used before.
    """
    grant, sha256 = _grant(client, text)
    if grant is None or grant.expires_at <= at:
        return None
    if is_same(grant.sha256, sha256):
        return grant
    is_repeated = is_same(grant.former_sha256, sha256)
    if is_repeated and at - grant.renewed_at <= REPEATED_WITHIN:
        return grant
    end(grant, at)
    return None


@change()
def renew(grant: RefreshGrant, presented: str, token: AccessToken, at: datetime) -> RefreshToken:
    """The next refresh token of a grant; `presented` is good for moments more."""
    secret: Secret = new_refresh_token()
    grant.former_sha256 = digest(presented.partition(SEPARATOR)[2])
    grant.sha256 = secret.sha256
    grant.renewed_at = at
    grant.expires_at = at + UNUSED_FOR
    grant.token_digest = token.digest
    grant.token_expires_at = token.expires_at
    grant.save()
    return RefreshToken(f"{grant.id}{SEPARATOR}{secret.text}")


def revoke(client: OAuthClient, text: str, at: datetime) -> bool:
    """End the grant behind a refresh token; False for what is none of this client's.

    Raises:
        Problem: TOO_MANY: its access token cannot be blocked.
    """
    grant, sha256 = _grant(client, text)
    if grant is None or not (is_same(grant.sha256, sha256) or is_same(grant.former_sha256, sha256)):
        return False
    end(grant, at)
    return True


@change()
def end(grant: RefreshGrant, at: datetime) -> None:
    """Take a grant back, and with it the last access token that came from it.

    Raises:
        Problem: TOO_MANY: the access token cannot be blocked.
    """
    if grant.token_expires_at is not None and grant.token_expires_at > at:
        access_tokens.block(grant.client, grant.token_digest, grant.token_expires_at, at)
    RefreshGrant.objects.filter(pk=grant.pk).delete()


def _grant(client: OAuthClient, text: str) -> tuple[RefreshGrant | None, str]:
    grant_id, _, secret = text.partition(SEPARATOR)
    if len(grant_id) != ID_BYTES or "\0" in text:
        return None, ""
    rows = RefreshGrant.objects.select_related("client__credential")
    return rows.filter(id=grant_id, client=client).first(), digest(secret)
