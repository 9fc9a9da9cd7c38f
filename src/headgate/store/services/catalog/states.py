"""In which state is a version, and what do its callers read of its end?

The states and steps are those of `catalog/lifecycle.py`. `take` is the only way from one to the
next; it writes the row and leaves it to the caller to put that in force.
"""

from datetime import datetime
from typing import Any

from headgate.catalog.lifecycle import Step, Transition, transition
from headgate.gateway.version_choice import parse_choice
from headgate.model.lifecycle import Lifecycle, Notice
from headgate.store.models import APIVersion
from headgate.store.services.actor import Actor, Scope

COLUMNS = (
    "lifecycle",
    "deprecated_at",
    "sunset_at",
    "retired_at",
    "successor",
    "link",
    "retires_at_sunset",
    "untold",
)


def take(actor: Actor, version: APIVersion, step: Step) -> Transition:
    """The version after a step. What a state does not have is forgotten: dates, successor, link.

    Raises:
        Problem: FORBIDDEN; CONFLICT: the step cannot be taken in its state.
    """
    found = transition(Lifecycle(version.lifecycle), step, version.path)
    actor.require_operator(Scope(found.right), "API")
    version.lifecycle = found.to
    if found.notification is not None:
        version.untold = found.notification
    if found.to is Lifecycle.DEPRECATED:
        version.deprecated_at = version.deprecated_at or actor.at
    elif found.to is Lifecycle.RETIRED:
        version.retired_at = version.retired_at or actor.at
        version.sunset_at = min(version.sunset_at or actor.at, version.retired_at)
    else:
        version.deprecated_at = version.sunset_at = version.retired_at = None
        version.successor = version.link = version.untold = ""
        version.retires_at_sunset = False
    version.save(update_fields=COLUMNS)
    return found


def notice(version: APIVersion) -> Notice | None:
    """What callers of a version are told; None while nothing is.

    A successor that has been deleted is left out: there is nothing to go to.
    """
    is_retired = version.lifecycle == Lifecycle.RETIRED
    if version.deprecated_at is None or not (
        is_retired or version.lifecycle == Lifecycle.DEPRECATED
    ):
        return None
    successor = successor_of(version)
    return Notice(
        deprecated_at=version.deprecated_at,
        sunset_at=version.sunset_at,
        link=version.link,
        successor=version.successor if successor else "",
        successor_path=successor.base_path if successor else "",
        successor_choice=_choice(successor) if successor else "",
        is_retired=is_retired,
    )


def successor_of(version: APIVersion) -> APIVersion | None:
    """The version that is named as the successor, if there is one."""
    if not version.successor:
        return None
    return named(version.successor)


def _choice(version: APIVersion) -> str:
    """How a call chooses the version beside the default one; empty where its path is enough."""
    by = version.api.version_by
    is_beside = (
        not version.is_default
        and version.api.versions.filter(
            is_default=True, base_path=version.base_path, removed_at=None
        ).exists()
    )
    return parse_choice(by).of(version.name) if by and is_beside else ""


def named(reference: str) -> APIVersion | None:
    """The version that `pets@v2` names, if there is one."""
    api, _, name = reference.partition("@")
    rows = APIVersion.objects.filter(api__name=api, api__removed_at=None, removed_at=None)
    return rows.filter(name=name).select_related("api").first()


def fields(version: APIVersion) -> dict[str, Any]:
    """What the audit log keeps of a version's state, and a configuration says of it."""
    found: dict[str, Any] = {"state": version.lifecycle}
    for name in ("deprecated_at", "sunset_at", "retired_at"):
        at: datetime | None = getattr(version, name)
        if at is not None:
            found[name] = at.isoformat()
    for name in ("successor", "link"):
        if text := getattr(version, name):
            found[name] = text
    if version.retires_at_sunset:
        found["retires_at_sunset"] = True
    return found


def adopt(version: APIVersion, told: Notice | None) -> bool:
    """Make the state of a version that of a compiled one which is live again; whether it changed.

    Who it retires by itself is not known of the past and is no more.
    """
    before = fields(version)
    version.retires_at_sunset, version.untold = False, ""
    if told is None:
        version.lifecycle = Lifecycle.PUBLISHED
        version.deprecated_at = version.sunset_at = version.retired_at = None
        version.successor = version.link = ""
    else:
        version.lifecycle = Lifecycle.RETIRED if told.is_retired else Lifecycle.DEPRECATED
        version.deprecated_at, version.sunset_at = told.deprecated_at, told.sunset_at
        version.retired_at = told.sunset_at if told.is_retired else None
        version.successor, version.link = told.successor, told.link
    version.save(update_fields=COLUMNS)
    return fields(version) != before
