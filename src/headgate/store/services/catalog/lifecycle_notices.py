"""Who is told that a version or an operation ends? The organizations that have called it lately.

A step of a version leaves a note on its row, an import one on the row of each operation that has
become deprecated. A job reads the records and publishes an event for each organization that is in
them, in the transaction that takes the note away: nobody is told twice, and when the records cannot
be read, everybody is told later. Of an operation they are told once it is in force somewhere.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from headgate.model.events import EventKind
from headgate.model.lifecycle import Lifecycle
from headgate.store.models import APIVersion, Gateway, Operation, Organization
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import ending_mails, event_log
from headgate.store.services.gateway import gateways
from headgate.store.services.gateway.compiled_apis import parsed
from headgate.store.services.traffic import callers
from headgate.store.services.transactions import change
from headgate.traffic.callers import Called

APPLICATIONS_MAX = 50  # named in one event
OPERATIONS_AT_ONCE_MAX = 100  # asked about in one pass; the rest in the next

Recipient = tuple[Organization, list[str]]
"""An organization, and which of its applications called."""


def tell_due(actor: Actor) -> int:
    """Tell whoever has yet to be told; how many events that took.

    Raises:
        DependencyError: the records cannot be read.
    """
    return _tell_of_versions(actor) + _tell_of_operations(actor)


def _tell_of_versions(actor: Actor) -> int:
    told = 0
    waiting = APIVersion.objects.filter(removed_at=None).exclude(untold="").select_related("api")
    for version in waiting.order_by("pk"):
        found = callers.lately(version, actor.at)
        with change():
            same = APIVersion.objects.filter(pk=version.pk, untold=version.untold)
            if not same.update(untold=""):
                continue  # told by another process, or something else is to be told by now
            kind = EventKind(version.untold)
            data = _ending(version, version.deprecated_at, version.sunset_at) | {
                "successor": version.successor,
                "link": version.link,
            }
            told += _publish(actor, kind, found, _name(version), data)
    return told


def _tell_of_operations(actor: Actor) -> int:
    told = 0
    for operation in _operations_in_force():
        version = operation.version
        found = callers.lately(version, actor.at, operation=operation.id)
        with change():
            same = Operation.objects.filter(pk=operation.pk, is_told=False, is_deprecated=True)
            if not same.update(is_told=True):
                continue
            data = _ending(version, operation.deprecated_at, operation.sunset_at)
            data["operation"] = operation.id
            subject = f"{_name(version)} {operation.id}"
            told += _publish(actor, EventKind.OPERATION_DEPRECATED, found, subject, data)
    return told


def _operations_in_force() -> Iterator[Operation]:
    """Deprecated operations of which nobody has been told and whose answers say so by now."""
    waiting = Operation.objects.filter(
        is_deprecated=True, is_told=False, removed_at=None, version__removed_at=None
    ).exclude(version__lifecycle=Lifecycle.DRAFT)
    rows = list(waiting.select_related("version__api").order_by("pk"))
    saying = _saying({row.version_id for row in rows}) if rows else set()
    yield from [row for row in rows if row.pk in saying][:OPERATIONS_AT_ONCE_MAX]


def _saying(versions: set[int]) -> set[int]:
    """The rows of live operations of these versions that have a notice."""
    compiled = {
        pk
        for gateway in Gateway.objects.filter(removed_at=None, revision__gt=0)
        for row, pk in gateways.live_apis(gateway).items()
        if int(row) in versions
    }
    return {one.row for api in parsed(compiled) for one in api.operations if one.notice is not None}


def _publish(
    actor: Actor, kind: EventKind, found: Called, subject: str, data: dict[str, Any]
) -> int:
    """One event for each organization that has called, and its mails; in the caller's
    transaction."""
    recipients = _recipients(found)
    for organization, applications in recipients:
        own = data | {"applications": applications[:APPLICATIONS_MAX]}
        event_log.publish(actor.at, kind, subject=subject, data=own, organization=organization)
        ending_mails.tell(actor, kind, organization, applications, data)
    return len(recipients)


def _recipients(found: Called) -> list[Recipient]:
    """The organizations that called and are still there, with the applications that did."""
    by_id: dict[str, list[str]] = {}
    for one, named in zip(found.callers, callers.named(found.callers), strict=True):
        by_id.setdefault(one.organization, []).append(named.application)
    rows = Organization.objects.filter(removed_at=None).order_by("pk")
    return [(row, sorted(by_id[row.id])) for row in rows.filter(id__in=by_id)]


def _ending(
    version: APIVersion, deprecated_at: datetime | None, sunset_at: datetime | None
) -> dict[str, Any]:
    return {
        "version": _name(version),
        "deprecated_at": None if deprecated_at is None else deprecated_at.isoformat(),
        "sunset_at": None if sunset_at is None else sunset_at.isoformat(),
    }


def _name(version: APIVersion) -> str:
    return f"{version.api.name}@{version.name}"
