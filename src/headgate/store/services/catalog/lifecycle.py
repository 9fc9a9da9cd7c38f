"""How does a version of an API come to its end? Deprecated, told, and retired.

A step is in force at once on every gateway that the version is live on: it changes what is live
there by the notice alone, so drafts of policies, upstreams and documents stay drafts.

A sunset that passes changes nothing by itself: callers have been told, and the version answers on
until somebody retires it, or `retire_due` does where that was asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from headgate.catalog.lifecycle import CALLERS_DAYS, Step, link_error, steps
from headgate.core.phrases import phrase
from headgate.core.problems import DependencyError, Detail, Problem, ProblemType
from headgate.core.units import count
from headgate.model.codec import from_json
from headgate.model.events import EventKind
from headgate.model.lifecycle import Lifecycle
from headgate.model.snapshot import SnapshotAPI
from headgate.store.models import APIRevision, APIVersion, Revision
from headgate.store.models.catalog import REFERENCE_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis, changelog, states
from headgate.store.services.catalog.changelog import EntryKind
from headgate.store.services.gateway import compiled_apis, gateways, publishing
from headgate.store.services.traffic import callers
from headgate.store.services.transactions import change
from headgate.store.services.values import UNSET, Unset, check_text, invalid

CALLERS_NAMED_MAX = 20  # of those that a retirement would hit, in the problem that says so


@dataclass(frozen=True, slots=True)
class Moved:
    """A version after a step, and the revision that put it in force on each gateway."""

    version: APIVersion
    revisions: tuple[tuple[str, Revision], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """Whom a retirement would hit: the applications that called lately. None: nobody can say."""

    callers: tuple[callers.NamedCaller, ...] | None

    @property
    def sentence(self) -> str:
        """The same in words."""
        if self.callers is None:
            return "Nobody can say who still calls it: the traffic cannot be read"
        if not self.callers:
            return f"Nobody has called it in the last {CALLERS_DAYS} days"
        organizations = {one.organization for one in self.callers if one.organization}
        last = max(one.last_call_at for one in self.callers)
        return (
            f"{count(len(self.callers), 'application')} of "
            f"{count(len(organizations), 'organization')} called it in the last {CALLERS_DAYS} days"
            f", the last time at {last:%Y-%m-%d %H:%M} UTC"
        )


def deprecate(
    actor: Actor,
    name: str,
    *,
    sunset_at: datetime | Unset | None = UNSET,
    successor: str | None = None,
    link: str | None = None,
    retires_at_sunset: bool | None = None,
) -> Moved:
    """Tell the callers of a version that it will end; again, to tell them something else.

    What is not given stays as it is, at first nothing. `successor` is a version: `v2` of the same
    API, `shop@v3`; empty for none.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT; CONFLICT: it is a
            draft or retired.
    """
    actor.require_operator(Scope.WRITE, "API")
    with change():
        version = apis.served(name)
        before, untold = states.fields(version), version.untold
        states.take(actor, version, Step.DEPRECATE)
        if not isinstance(sunset_at, Unset):
            version.sunset_at = _sunset(actor, sunset_at)
        if successor is not None:
            version.successor = _successor(version, successor)
        if link is not None:
            if link and (error := link_error(link)):
                raise invalid(error, "/link")
            version.link = link
        if retires_at_sunset is not None:
            version.retires_at_sunset = retires_at_sunset
        if version.retires_at_sunset and version.sunset_at is None:
            raise invalid("To retire at the sunset there has to be one.", "/sunset_at")
        if states.fields(version) == before:
            version.untold = untold  # nothing new
        version.save(update_fields=states.COLUMNS)
        return _moved(actor, version, before, Action.API_DEPRECATED, "deprecate")


def undeprecate(actor: Actor, name: str) -> Moved:
    """Take a deprecation back: the version is published as if nothing had been said.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: it is not deprecated.
    """
    actor.require_operator(Scope.WRITE, "API")
    with change():
        version = apis.served(name)
        before = states.fields(version)
        states.take(actor, version, Step.UNDEPRECATE)
        return _moved(actor, version, before, Action.API_UNDEPRECATED, "undeprecate")


def retire(actor: Actor, name: str, *, confirm: str = "") -> Moved:
    """Answer 410 to every call of a version from now on, with where to go.

    Where somebody has called it lately, `confirm` must be the version's name.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: it is not deprecated,
            part of a release, or its callers would be hit and the name is not confirmed.
    """
    actor.require_operator(Scope.WRITE, "API")
    version = apis.served(name)
    found = hit(version, actor.at)
    names = {version.path, f"{version.api.name}@{version.name}"}
    is_due = Step.RETIRE in steps(Lifecycle(version.lifecycle))
    if is_due and found.callers != () and confirm not in names:
        raise _unconfirmed(version, found)
    with change():
        version = apis.served(name)
        before = states.fields(version)
        states.take(actor, version, Step.RETIRE)
        for gateway in gateways.published_on(version):
            publishing.refuse_released(publishing.locked(gateway), str(version.pk), name)
        return _moved(actor, version, before, Action.API_RETIRED, "retire")


def hit(version: APIVersion, now: datetime) -> Hit:
    """Whom it would hit if the version were retired now."""
    try:
        return Hit(callers.named(callers.lately(version, now).callers))
    except DependencyError:
        return Hit(None)


def retire_due(actor: Actor) -> tuple[list[str], list[tuple[str, Problem]]]:
    """Retire the versions whose sunset has passed and that ask for it: those that were retired,
    and those that could not be, with the reason (they are part of a release).

    Nobody is asked again: whoever deprecated the version has said so.
    """
    done: list[str] = []
    failed: list[tuple[str, Problem]] = []
    rows = APIVersion.objects.filter(
        lifecycle=Lifecycle.DEPRECATED,
        retires_at_sunset=True,
        sunset_at__lte=actor.at,
        removed_at=None,
    )
    for version in rows.select_related("api").order_by("pk"):
        try:
            retire(actor, version.path, confirm=version.path)
            done.append(version.path)
        except Problem as problem:
            failed.append((version.path, problem))
    return done, failed


def as_configured(version: APIVersion) -> dict[str, object] | None:
    """The state of a version as a configuration says it; None for drafts and published ones."""
    is_ending = version.lifecycle in {Lifecycle.DEPRECATED, Lifecycle.RETIRED}
    return states.fields(version) if is_ending else None


def restate(actor: Actor, name: str, wanted: Mapping[str, Any] | None) -> None:
    """Make the state of a version what a configuration says; in force with its publication.

    A configuration says how things are to be, not what to do: it passes over the table of steps,
    asks for no confirmation, and may name a successor that is not there yet.

    Raises:
        Problem: INVALID_INPUT.
    """
    version = apis.served(name)
    before = states.fields(version)
    told = wanted or {}
    if (link := told.get("link", "")) and (error := link_error(link)):
        raise invalid(error, "/lifecycle/link")
    successor = told.get("successor", "")
    check_text(successor, REFERENCE_CHARACTERS_MAX, "/lifecycle/successor")
    if successor and not successor.partition("@")[2]:
        raise invalid("A successor is written with its version, like pets@v2.", "/lifecycle")
    if wanted is None:
        is_live = bool(gateways.published_on(version))
        version.lifecycle = Lifecycle.PUBLISHED if is_live else Lifecycle.DRAFT
    else:
        version.lifecycle = Lifecycle(told["state"])
    for column in ("deprecated_at", "sunset_at", "retired_at"):
        at = told.get(column)
        setattr(version, column, None if at is None else datetime.fromisoformat(at))
    version.link, version.successor = link, successor
    version.retires_at_sunset = told.get("retires_at_sunset", False)
    action = _RESTATED.get(Lifecycle(version.lifecycle), Action.API_UNDEPRECATED)
    version.untold = _UNTOLD.get(Lifecycle(version.lifecycle), "")
    version.save(update_fields=states.COLUMNS)
    after = states.fields(version)
    audit.record(actor, action, version.path, before=before, after=after)
    if wanted is not None and after != before:
        changelog.moved(actor, version, _ENTRIES[action], after)


_UNTOLD = {
    Lifecycle.DEPRECATED: EventKind.API_DEPRECATED,
    Lifecycle.RETIRED: EventKind.API_RETIRED,
}
_ENTRIES = {
    Action.API_DEPRECATED: EntryKind.DEPRECATED,
    Action.API_UNDEPRECATED: EntryKind.UNDEPRECATED,
    Action.API_RETIRED: EntryKind.RETIRED,
}
_RESTATED = {
    Lifecycle.DEPRECATED: Action.API_DEPRECATED,
    Lifecycle.RETIRED: Action.API_RETIRED,
}


def _unconfirmed(version: APIVersion, found: Hit) -> Problem:
    named = [
        f"{one.application or 'callers that nobody knows'}: {count(one.calls, 'call')}, the last "
        f"at {one.last_call_at:%Y-%m-%d %H:%M} UTC"
        for one in (found.callers or ())[:CALLERS_NAMED_MAX]
    ]
    return Problem(
        ProblemType.CONFLICT,
        phrase(
            "'{path}' cannot be retired unseen. {sentence}.",
            path=version.path,
            sentence=found.sentence,
        ),
        phrase(
            "See them with `headgate api callers {path}`; to retire it all the same, confirm with"
            " its name.",
            path=version.path,
        ),
        [Detail(message) for message in named],
    )


def _sunset(actor: Actor, sunset_at: datetime | None) -> datetime | None:
    if sunset_at is None:
        return None
    if sunset_at.tzinfo is None:
        raise invalid("The sunset has no time zone; write 2030-01-31T00:00:00Z.", "/sunset_at")
    if sunset_at <= actor.at:
        raise invalid("The sunset is in the past; to end it now, retire it.", "/sunset_at")
    return sunset_at


def _successor(version: APIVersion, text: str) -> str:
    """The name of a version that calls can go to, in full."""
    if not text:
        return ""
    own = f"{version.api.name}@{text}"
    is_own = "@" not in text and states.named(own) is not None
    try:
        found = apis.served(own if is_own else text)
    except Problem as problem:
        raise invalid(
            phrase("There is no version '{text}' to be the successor.", text=text), "/successor"
        ) from (problem)
    if found.pk == version.pk:
        raise invalid("A version cannot be its own successor.", "/successor")
    if found.lifecycle == Lifecycle.RETIRED:
        raise invalid(phrase("'{path}' is retired itself.", path=found.path), "/successor")
    return f"{found.api.name}@{found.name}"


def _moved(
    actor: Actor, version: APIVersion, before: dict[str, object], action: Action, word: str
) -> Moved:
    """Put the version's notice in force wherever it is live, and write down what was done."""
    after = states.fields(version)
    if after != before:
        audit.record(actor, action, version.path, before=before, after=after)
        changelog.moved(actor, version, _ENTRIES[action], after)
    note = f"{word} {version.path}"
    revisions = [
        (gateway, _told(actor, version, gateway, note))
        for gateway in gateways.published_on(version)
    ]
    return Moved(apis.served(version.path), tuple(revisions))


def _told(actor: Actor, version: APIVersion, gateway: str, note: str) -> Revision:
    """What is live with the version's notice as it is now; nothing else of it changes."""
    served = publishing.locked(gateway)
    present = served.revisions.get(number=served.revision)
    compiled = from_json(
        SnapshotAPI, bytes(APIRevision.objects.get(pk=present.apis[str(version.pk)]).body)
    )
    told = replace(compiled, notice=states.notice(version))
    row = compiled_apis.stored(version, told, actor)
    wanted = dict(present.apis) | {str(version.pk): row.pk}
    return publishing.advance(actor, served, wanted, Action.PUBLISHED, note, as_in=present)
