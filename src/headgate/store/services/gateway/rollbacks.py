"""What was published when, by whom, what did it change, and how does one go back?

A rollback is a new revision with the content of a kept one, of the whole gateway or of one API
alone. Policies, documents and settings stay as edited: the next publication brings them back. The
state of a version goes back with it (a retirement is undone, and so is an end of one), unless the
version is live on another gateway as well, whose callers it holds for too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from headgate.core.phrases import phrase
from headgate.model.snapshot import SnapshotAPI
from headgate.store.models import APIRevision, APIVersion, Gateway, Revision
from headgate.store.models import Release as ReleaseRow
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis, changelog, states
from headgate.store.services.gateway import gateways, publishing
from headgate.store.services.gateway.compiled_apis import parsed, parsed_by_row
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.store.services.transactions import change
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, Page, refused

UNTOLD = frozenset({"row", "name", "version", "contract"})
"""What is never the news of a change: what an API is called, and what follows from the rest."""


@dataclass(frozen=True, slots=True)
class APIChange:
    """What a revision did to a version: `published`, `changed` or `unpublished`.

    `what` names the parts that changed: upstream, operations, policies …
    """

    api: str
    kind: str
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DescribedRevision:
    """A revision and what it changed; `is_first_known`: there is none before it to compare."""

    revision: Revision
    is_current: bool
    apis: tuple[APIChange, ...]
    others: tuple[str, ...]
    is_first_known: bool


def described(
    actor: Actor,
    gateway: str = DEFAULT_GATEWAY,
    *,
    api: str = "",
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[DescribedRevision]:
    """The kept revisions, newest first, with what each changed; with `api` those that changed it.

    Raises:
        Problem: NOT_FOUND: the gateway or the API.
    """
    row = str(apis.get_version(actor, api).pk) if api else ""
    served = gateways.get(actor, gateway)
    page = gateways.revisions(actor, gateway, cursor=cursor, limit=limit)
    kept = {one.number: one for one in served.revisions.all()}
    pairs = [(one, kept.get(_before(one.number, kept))) for one in page.items]
    known = _known([(one.apis, before.apis if before else {}) for one, before in pairs])
    found = [_described(one, before, served, known) for one, before in pairs]
    if row:
        found = [one for one in found if _concerns(one, kept, row)]
    return Page(tuple(found), page.next)


@change()
def rollback(actor: Actor, gateway: str, *, revision: int, api: str = "") -> Revision:
    """Go back to a kept revision of a gateway, with `api` for that version alone.

    Releases are not restored. One that is under way ends, unless only another API goes back.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND: the gateway, revision or API;
            CONFLICT: an API of that revision has been deleted, its place was taken, or it is part
            of a release.
    """
    actor.require_operator(Scope.ADMIN, "gateway")
    served = publishing.locked(gateway)
    old = served.revisions.filter(number=revision).first()
    if old is None:
        raise not_found("revision", str(revision))
    return _one_back(actor, served, old, api) if api else _all_back(actor, served, old)


def _all_back(actor: Actor, served: Gateway, old: Revision) -> Revision:
    gone = APIVersion.objects.filter(pk__in=map(int, old.apis)).exclude(removed_at=None)
    names = sorted(gone.values_list("api__name", flat=True))
    if names:
        raise refused(
            phrase(
                "Revision {number} serves APIs that have been deleted: {names}.",
                number=old.number,
                names=", ".join(names),
            ),
            "Import and publish them again, or roll back to a later revision.",
        )
    note = f"rollback to {old.number}"
    under_way = ReleaseRow.objects.filter(gateway=served, removed_at=None)
    under_way.update(removed_at=actor.at, outcome="aborted", reason=note)
    before = gateways.live_apis(served)
    made = publishing.advance(
        actor, served, dict(old.apis), Action.ROLLED_BACK, note, as_in=old, releases=()
    )
    _settle(actor, served, before, made)
    return made


def _one_back(actor: Actor, served: Gateway, old: Revision, api: str) -> Revision:
    version = apis.served(api)
    row = str(version.pk)
    present = served.revisions.get(number=served.revision)
    publishing.refuse_released(served, row, api)
    before = dict(present.apis)
    wanted = before.copy()
    wanted.pop(row, None)
    if row in old.apis:
        wanted[row] = old.apis[row]
    note = f"rollback of {api} to {old.number}"
    made = publishing.advance(actor, served, wanted, Action.ROLLED_BACK, note, as_in=present)
    _settle(actor, served, before, made)
    return made


def _settle(actor: Actor, served: Gateway, before: Mapping[str, int], made: Revision) -> None:
    """Give every version whose live form has changed the state that it has there."""
    changed = {row: pk for row, pk in made.apis.items() if before.get(row) != pk}
    compiled = {one.row: one for one in parsed(changed.values())}
    made_at = dict(
        APIRevision.objects.filter(pk__in=changed.values()).values_list("version", "created_at")
    )
    rows = APIVersion.objects.filter(removed_at=None).select_related("api")
    for version in rows.filter(pk__in=map(int, changed)):
        changelog.went_back(actor, version, made_at[version.pk])
        if gateways.published_on(version) == [served.name]:
            told = states.fields(version)
            if states.adopt(version, compiled[version.pk].notice):
                after = states.fields(version)
                audit.record(actor, Action.API_CHANGED, version.path, before=told, after=after)
    for version in rows.filter(pk__in=[int(row) for row in before if row not in made.apis]):
        publishing.leave(actor, version)


def _before(number: int, kept: Mapping[int, Revision]) -> int:
    return max((one for one in kept if one < number), default=0)


@dataclass(frozen=True, slots=True)
class _Known:
    """What descriptions name and compare: versions by row (as text), compiled APIs by row."""

    names: Mapping[str, str]
    compiled: Mapping[int, SnapshotAPI]


def _known(pairs: Sequence[tuple[Mapping[str, int], Mapping[str, int]]]) -> _Known:
    """All of it at once, for what differs in any pair."""
    rows, compiled = set(), set()
    for now, was in pairs:
        for row in {row for row, _ in now.items() ^ was.items()}:
            rows.add(int(row))
            if row in now and row in was:
                compiled |= {now[row], was[row]}
    versions = APIVersion.objects.filter(pk__in=rows).select_related("api")
    names = {str(one.pk): f"{one.api.name}@{one.name}" for one in versions}
    return _Known(names, parsed_by_row(compiled))


def _described(
    one: Revision, before: Revision | None, served: Gateway, known: _Known
) -> DescribedRevision:
    is_current = one.number == served.revision
    if before is None and one.number > 1:
        return DescribedRevision(one, is_current, (), (), is_first_known=True)
    was: Mapping[str, int] = before.apis if before is not None else {}
    others = [
        word
        for word, now, then in (
            ("policies of the gateway", one.policies, before.policies if before else []),
            ("policies of products and plans", one.callers, before.callers if before else []),
            ("releases", one.releases, before.releases if before else []),
            ("secrets", one.secrets, before.secrets if before else {}),
        )
        if now != then
    ]
    changes = tuple(_changes(was, one.apis, known))
    return DescribedRevision(one, is_current, changes, tuple(others), is_first_known=False)


def _changes(was: Mapping[str, int], now: Mapping[str, int], known: _Known) -> Iterable[APIChange]:
    rows = {row for row, _ in was.items() ^ now.items()}
    for row in sorted(rows, key=lambda one: known.names.get(one, one)):
        name = known.names.get(row, "a deleted API")
        if row not in was:
            yield APIChange(name, "published")
        elif row not in now:
            yield APIChange(name, "unpublished")
        else:
            yield APIChange(name, "changed", _parts(was[row], now[row], known))


def _parts(was: int, now: int, known: _Known) -> tuple[str, ...]:
    """The parts of a compiled API that differ; empty when one of both is not kept any more."""
    before, after = known.compiled.get(was), known.compiled.get(now)
    if before is None or after is None:
        return ()
    return tuple(
        one.name.replace("_", " ")
        for one in fields(SnapshotAPI)
        if one.name not in UNTOLD and getattr(before, one.name) != getattr(after, one.name)
    )


def _concerns(one: DescribedRevision, kept: Mapping[int, Revision], row: str) -> bool:
    before = kept.get(_before(one.revision.number, kept))
    was = before.apis.get(row) if before is not None else None
    return bool(one.revision.apis.get(row) != was)
