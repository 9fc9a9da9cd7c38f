"""Which OAuth clients are there? Made, given new secrets with an overlap, revoked at once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from headgate.access import clients as rules
from headgate.access.keys import Secret, new_client_secret
from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.model.access import CredentialKind
from headgate.model.scopes import granted_error, in_order
from headgate.model.tokens import client_sha256
from headgate.store.models import Application, ClientSecret, Credential, OAuthClient
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.consumers import applications
from headgate.store.services.consumers.credentials import OVERLAP_SECONDS_MAX
from headgate.store.services.oauth import signing_keys, token_issuer, trust
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    UNSET,
    Page,
    Unset,
    already_exists,
    as_fields,
    check_expiry,
    check_name,
    invalid,
    page_of,
    refused,
)

SECRETS_MAX = 2  # valid at once: the new one, and the old one for the overlap
CLIENTS_MAX = 100  # of one application that are not revoked
NAME_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class IssuedClient:
    """A client with its new secret, which is shown now and never again; None: it is public."""

    client: OAuthClient
    secret: Secret | None


def page(
    actor: Actor,
    *,
    application: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[OAuthClient]:
    """Clients in the order in which they were made, revoked ones too.

    Raises:
        Problem: NOT_FOUND: the application.
    """
    actor.require(Scope.READ)
    rows = visible(actor)
    if application is not None:
        rows = rows.filter(credential__application=applications.find(actor, application))
    return page_of(rows.prefetch_related("secrets"), cursor, limit)


def get(actor: Actor, client_id: str) -> OAuthClient:
    """One client by its id.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require(Scope.READ)
    return find(actor, client_id)


@change()
def create(
    actor: Actor,
    *,
    application: str,
    name: str = NAME_DEFAULT,
    scopes: Collection[str] = (),
    is_public: bool = False,
    has_device_flow: bool | None = None,
    token_seconds: int = rules.TOKEN_SECONDS_DEFAULT,
    expires_at: datetime | None = None,
    has_secret: bool = True,
) -> IssuedClient:
    """A new client of an application. `has_device_flow` None: if it is public.

    Without `has_secret` a confidential client waits for its first one: see `rotate`.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: the application; INVALID_INPUT;
            ALREADY_EXISTS: the application has a client of that name; CONFLICT: too many.
    """
    actor.require(Scope.KEYS)
    owner = applications.find(actor, application)
    check_name(name)
    _check_scopes(scopes)
    _check_token_seconds(token_seconds)
    check_expiry(expires_at, actor.at)
    grants = _grants(
        is_public=is_public,
        has_device_flow=is_public if has_device_flow is None else has_device_flow,
    )
    _check_room(owner, name)
    signing_keys.ensure(actor)
    client_id = new_id("cli")
    credential = Credential.objects.create(
        id=client_id,
        kind=CredentialKind.OAUTH_CLIENT.value,
        created_at=actor.at,
        changed=feed.next_sequence(),
        application=owner,
        name=name,
        sha256=client_sha256(token_issuer.url(), client_id),
        expires_at=expires_at,
    )
    client = OAuthClient.objects.create(
        credential=credential,
        is_public=is_public,
        grants=grants,
        scopes=in_order(scopes),
        token_seconds=token_seconds,
    )
    secret = _new_secret(client, actor.at) if has_secret and not is_public else None
    _record(actor, Action.CLIENT_CREATED, client, None)
    return IssuedClient(client, secret)


@change()
def update(
    actor: Actor,
    client_id: str,
    *,
    name: str | None = None,
    scopes: Collection[str] | None = None,
    has_device_flow: bool | None = None,
    token_seconds: int | None = None,
    expires_at: datetime | Unset | None = UNSET,
) -> OAuthClient:
    """Change what is given; `expires_at=None` takes an expiry away.

    A scope that is taken away is in no token from then on; tokens that have it keep it.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND; INVALID_INPUT; CONFLICT: revoked;
            ALREADY_EXISTS: the name is taken.
    """
    actor.require(Scope.KEYS)
    client = find(actor, client_id)
    _check_not_revoked(client)
    credential, before = client.credential, fields(client)
    if name is not None and name != credential.name:
        check_name(name)
        rows = Credential.objects.filter(application=credential.application, name=name)
        if rows.filter(kind=CredentialKind.OAUTH_CLIENT, revoked_at=None).exists():
            raise already_exists("a client", f"{credential.application.path} {name}")
        credential.name = name
    if scopes is not None:
        _check_scopes(scopes)
        client.scopes = in_order(scopes)
    if has_device_flow is not None:
        client.grants = _grants(is_public=client.is_public, has_device_flow=has_device_flow)
    if token_seconds is not None:
        _check_token_seconds(token_seconds)
        client.token_seconds = token_seconds
    if not isinstance(expires_at, Unset):
        check_expiry(expires_at, actor.at)
        credential.expires_at = expires_at
    if fields(client) == before:
        return client
    client.save()
    credential.changed = feed.next_sequence()
    credential.save()
    _record(actor, Action.CLIENT_CHANGED, client, before)
    return client


@change()
def rotate(actor: Actor, client_id: str, *, overlap_seconds: int = 0) -> IssuedClient:
    """A new secret; the one before it ends after `overlap_seconds` (0: at once).

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND; INVALID_INPUT: the overlap;
            CONFLICT: revoked, public, or two secrets are valid already.
    """
    actor.require(Scope.KEYS)
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        raise invalid(
            phrase("The overlap is 0 to {most} seconds.", most=OVERLAP_SECONDS_MAX),
            "/overlap_seconds",
        )
    client = find(actor, client_id)
    _check_not_revoked(client)
    if client.is_public:
        raise refused(
            phrase("The client {id} is public: it has no secret.", id=client.id),
            "There is nothing to rotate.",
        )
    before = fields(client)
    client.secrets.filter(expires_at__lte=actor.at).delete()
    if overlap_seconds == 0:
        client.secrets.all().delete()
    elif client.secrets.count() >= SECRETS_MAX:
        raise refused(
            phrase(
                "The client {id} has {most} valid secrets already.", id=client.id, most=SECRETS_MAX
            ),
            "Wait until the older one has ended, or rotate with an overlap of 0, "
            "which ends both at once.",
        )
    end_at = actor.at + timedelta(seconds=overlap_seconds)
    client.secrets.filter(Q(expires_at=None) | Q(expires_at__gt=end_at)).update(expires_at=end_at)
    secret = _new_secret(client, actor.at)
    _record(actor, Action.CLIENT_ROTATED, client, before)
    return IssuedClient(client, secret)


@change()
def revoke(actor: Actor, client_id: str) -> OAuthClient:
    """Stop a client and all of its tokens for good; revoking again changes nothing.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND.
    """
    actor.require(Scope.KEYS)
    client = find(actor, client_id)
    if client.credential.revoked_at is not None:
        return client
    before = fields(client)
    client.credential.revoked_at = actor.at
    client.credential.changed = feed.next_sequence()
    client.credential.save()
    client.secrets.all().delete()
    client.device_grants.all().delete()
    client.refresh_grants.all().delete()
    _record(actor, Action.CLIENT_REVOKED, client, before)
    return client


def visible(actor: Actor) -> QuerySet[OAuthClient]:
    """The clients that the actor may know of."""
    return trust.visible(OAuthClient, actor)


def find(actor: Actor, client_id: str) -> OAuthClient:
    """One visible client.

    Raises:
        Problem: NOT_FOUND.
    """
    return trust.find(OAuthClient, actor, client_id, "client")


def secrets_of(client: OAuthClient, at: datetime) -> list[ClientSecret]:
    """The secrets that are valid, oldest first."""
    known = sorted(client.secrets.all(), key=lambda secret: secret.pk)
    return [one for one in known if one.expires_at is None or one.expires_at > at]


def fields(client: OAuthClient) -> dict[str, Any]:
    """What the audit log keeps of a client: of its secrets, how they begin."""
    return (
        as_fields(client.credential, "id", "name", "expires_at", "revoked_at")
        | as_fields(client, "is_public", "grants", "scopes", "token_seconds")
        | {
            "application": client.credential.application.path,
            "secrets": [
                as_fields(secret, "prefix", "expires_at")
                for secret in client.secrets.order_by("pk")
            ],
        }
    )


def _grants(*, is_public: bool, has_device_flow: bool) -> list[str]:
    found = rules.granted(is_public=is_public, has_device_flow=has_device_flow)
    if not found:
        raise invalid(
            "A public client has no way to a token but the device flow.", "/has_device_flow"
        )
    return [grant.value for grant in found]


def _new_secret(client: OAuthClient, at: datetime) -> Secret:
    secret = new_client_secret()
    ClientSecret.objects.create(
        client=client, prefix=secret.shown, sha256=secret.sha256, created_at=at
    )
    return secret


def _record(
    actor: Actor, action: Action, client: OAuthClient, before: dict[str, Any] | None
) -> None:
    audit.record(
        actor,
        action,
        client.id,
        before=before,
        after=fields(client),
        organization=client.credential.application.organization,
    )


def _check_room(owner: Application, name: str) -> None:
    live = Credential.objects.filter(
        application=owner, kind=CredentialKind.OAUTH_CLIENT, revoked_at=None
    )
    if live.filter(name=name).exists():
        raise already_exists("a client", f"{owner.path} {name}")
    if live.count() >= CLIENTS_MAX:
        raise refused(
            phrase("The application has {most} clients already.", most=CLIENTS_MAX),
            "Revoke those that are no longer used.",
        )


def _check_scopes(scopes: Collection[str]) -> None:
    error = granted_error(scopes)
    if error is not None:
        raise invalid(phrase("{error}.", error=error), "/scopes")


def _check_token_seconds(seconds: int) -> None:
    if not rules.TOKEN_SECONDS_MIN <= seconds <= rules.TOKEN_SECONDS_MAX:
        raise invalid(
            phrase(
                "A token lives {least} to {most} seconds.",
                least=rules.TOKEN_SECONDS_MIN,
                most=rules.TOKEN_SECONDS_MAX,
            ),
            "/token_seconds",
        )


def _check_not_revoked(client: OAuthClient) -> None:
    if client.credential.revoked_at is not None:
        raise refused(
            phrase("The client {id} is revoked, and stays so.", id=client.id),
            "Create a new client.",
        )
