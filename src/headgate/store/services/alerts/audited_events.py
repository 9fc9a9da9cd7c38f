"""Which acts of the audit log are events as well, and what do these say of them?"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headgate.model.events import TOLD, EventKind
from headgate.store.models import Organization
from headgate.store.services.alerts import event_log

if TYPE_CHECKING:
    from headgate.store.services.audit import Action

_KINDS: Mapping[str, EventKind] = {
    "credential.issued": EventKind.KEY_CREATED,
    "credential.rotated": EventKind.KEY_ROTATED,
    "credential.revoked": EventKind.KEY_REVOKED,
    "client.created": EventKind.CLIENT_CREATED,
    "client.rotated": EventKind.CLIENT_ROTATED,
    "client.revoked": EventKind.CLIENT_REVOKED,
    "subscription.created": EventKind.SUBSCRIPTION_CREATED,
    "subscription.changed": EventKind.SUBSCRIPTION_CHANGED,
    "subscription.cancelled": EventKind.SUBSCRIPTION_ENDED,
    "access.asked": EventKind.ACCESS_ASKED,
    "access.granted": EventKind.ACCESS_GRANTED,
    "access.refused": EventKind.ACCESS_REFUSED,
    "access.withdrawn": EventKind.ACCESS_WITHDRAWN,
    "access.revoked": EventKind.ACCESS_REVOKED,
    "access.lapsed": EventKind.ACCESS_LAPSED,
    "access.ended": EventKind.ACCESS_ENDED,
    "application.created": EventKind.APPLICATION_CREATED,
    "application.changed": EventKind.APPLICATION_CHANGED,
    "application.deleted": EventKind.APPLICATION_DELETED,
    "release.started": EventKind.RELEASE_STARTED,
    "release.promoted": EventKind.RELEASE_PROMOTED,
    "release.aborted": EventKind.RELEASE_TAKEN_BACK,
}


def tell(
    at: datetime,
    action: "Action",
    subject: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    organization: Organization | None,
) -> None:
    """Publish the event of an act that has one, in the caller's transaction."""
    kind = _KINDS.get(action)
    if kind is None:
        return
    known = {**(before or {}), **(after or {})}
    known[kind.partition(".")[0]] = subject  # `key`, `subscription`: the entry's own subject
    known["version"] = known.get("candidate")
    data = {name: known.get(name) for name in TOLD[kind].data}
    event_log.publish(at, kind, subject=subject, data=data, organization=organization)
