"""Which OAuth client is asking? By its id and a secret, or by its id alone if it is public.

Fails closed, and says no more than no: an id that does not exist, a wrong secret, a client that
is revoked, has expired, or whose application is suspended are one answer.
"""

from datetime import datetime

from headgate.access.keys import digest, is_same
from headgate.model.access import CredentialKind, RowState
from headgate.store.models import OAuthClient
from headgate.store.services.oauth.clients import SECRETS_MAX, secrets_of

NOBODYS_SHA256 = digest("")  # compared where there is nothing to compare


def with_secret(client_id: str, secret: str, at: datetime) -> OAuthClient | None:
    """The confidential client whose secret this is; None for everything else.

    As many comparisons for a client that is not there as for one that is.
    """
    client = live(client_id, at)
    known = [row.sha256 for row in secrets_of(client, at)] if client is not None else []
    known += [NOBODYS_SHA256] * (SECRETS_MAX - len(known))
    presented = digest(secret) if secret else ""
    fits = [is_same(sha256, presented) for sha256 in known]
    return client if client is not None and not client.is_public and any(fits) else None


def public(client_id: str, at: datetime) -> OAuthClient | None:
    """The public client of this id; None for everything else."""
    client = live(client_id, at)
    return client if client is not None and client.is_public else None


def live(client_id: str, at: datetime) -> OAuthClient | None:
    """The client of this id, if it works at this instant."""
    rows = OAuthClient.objects.select_related("credential__application__organization")
    client = rows.filter(
        credential__id=client_id, credential__kind=CredentialKind.OAUTH_CLIENT
    ).first()
    return client if client is not None and is_live(client, at) else None


def is_live(client: OAuthClient, at: datetime) -> bool:
    """Whether the client works: as the gateway decides it for its tokens."""
    credential = client.credential
    return (
        credential.state is RowState.ACTIVE
        and (credential.expires_at is None or credential.expires_at > at)
        and credential.application.state is RowState.ACTIVE
    )
