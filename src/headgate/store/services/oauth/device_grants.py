"""May this device act? It waits with a code; a person types the code elsewhere and decides.

Source: RFC 8628. Who decides is an actor like any other, the holder of a token of the REST API or
a person who is signed in, and must be allowed to make keys for the application.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from headgate.access.clients import Decision, new_user_code, plain_user_code
from headgate.access.keys import digest
from headgate.core.problems import Problem, ProblemType
from headgate.store.models import DeviceGrant, OAuthClient
from headgate.store.sealing import keyed_digest
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.oauth import client_authentication, clients
from headgate.store.services.transactions import change
from headgate.store.services.values import refused

PURPOSE = "user code"
LASTS_SECONDS = 600
POLL_SECONDS = 5  # how long a device waits between two questions
WAITING_MAX = 100  # devices of one client at one time
WAITING_OVERALL_MAX = 10_000


class Status(StrEnum):
    """What a device is told. Values: the error codes of RFC 8628 §3.5."""

    APPROVED = "authorized"
    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED = "expired_token"
    DENIED = "access_denied"


@dataclass(frozen=True, slots=True)
class Polled:
    """The answer to a device: with what was granted, once it is approved."""

    status: Status
    subject: str = ""
    scopes: tuple[str, ...] = ()


@change()
def begin(client: OAuthClient, device_code: str, scopes: list[str], at: datetime) -> str:
    """Let a device wait; the code that its person types.

    Raises:
        Problem: TOO_MANY: so many wait already.
    """
    DeviceGrant.objects.filter(expires_at__lte=at, client=client).delete()
    waiting = DeviceGrant.objects.filter(expires_at__gt=at)
    if (
        waiting.filter(client=client).count() >= WAITING_MAX
        or waiting.count() >= WAITING_OVERALL_MAX
    ):
        raise Problem(
            ProblemType.TOO_MANY,
            "Too many devices are waiting for a decision.",
            "Wait until some have been let in, or their time is over.",
        )
    user_code = new_user_code()
    DeviceGrant.objects.create(
        client=client,
        device_code_sha256=digest(device_code),
        user_code_hmac=keyed_digest(PURPOSE, plain_user_code(user_code)),
        scopes=scopes,
        created_at=at,
        expires_at=at + timedelta(seconds=LASTS_SECONDS),
        decision=Decision.PENDING.value,
    )
    return user_code


def poll(client: OAuthClient, device_code: str, at: datetime) -> Polled | None:
    """What has been decided; None: the client has no such device. An approval is given once."""
    with transaction.atomic():
        grant = (
            DeviceGrant.objects.select_for_update()
            .filter(device_code_sha256=digest(device_code), client=client)
            .first()
        )
        if grant is None:
            return None
        if grant.expires_at <= at:
            return Polled(Status.EXPIRED)
        if grant.decision == Decision.DENIED:
            grant.delete()
            return Polled(Status.DENIED)
        if grant.decision == Decision.APPROVED:
            grant.delete()
            return Polled(Status.APPROVED, grant.subject, tuple(grant.scopes))
        asked_at, grant.polled_at = grant.polled_at, at
        grant.save(update_fields=["polled_at"])
    if asked_at is not None and at - asked_at < timedelta(seconds=POLL_SECONDS):
        return Polled(Status.SLOW_DOWN)
    return Polled(Status.PENDING)


def find(actor: Actor, user_code: str) -> DeviceGrant:
    """The device that waits with this code, for one who may decide about it.

    Raises:
        Problem: FORBIDDEN without the scope `keys`; NOT_FOUND: no device waits with it, or none
            that the actor may know of.
    """
    actor.require(Scope.KEYS)
    grant = (
        DeviceGrant.objects.filter(
            user_code_hmac=keyed_digest(PURPOSE, plain_user_code(user_code)),
            expires_at__gt=actor.at,
            decision=Decision.PENDING.value,
            client__in=clients.visible(actor),
        )
        .select_related("client__credential__application__organization")
        .first()
    )
    if grant is None or not client_authentication.is_live(grant.client, actor.at):
        raise Problem(
            ProblemType.NOT_FOUND,
            "No device is waiting with this code.",
            "Compare it with what the device shows; a code is good for ten minutes, once.",
        )
    return grant


@change()
def decide(actor: Actor, user_code: str, *, is_approved: bool) -> OAuthClient:
    """Let the device with this code in, or turn it away.

    The tokens of an approved device name as their subject who decided: the person, or the token
    of the REST API.

    Raises:
        Problem: as `find`; CONFLICT: somebody else has just decided.
    """
    grant = find(actor, user_code)
    decision = Decision.APPROVED if is_approved else Decision.DENIED
    waiting = DeviceGrant.objects.filter(pk=grant.pk, decision=Decision.PENDING.value)
    is_first = waiting.update(
        decision=decision.value,
        subject=actor.user or actor.token or actor.name,
        decided_by=actor.name,
    )
    if not is_first:
        raise refused("Somebody has decided about this device already.", "Start again on it.")
    audit.record(
        actor,
        Action.DEVICE_DECIDED,
        grant.client.id,
        after={"decision": decision.value, "scopes": grant.scopes},
        organization=grant.client.credential.application.organization,
    )
    return grant.client
