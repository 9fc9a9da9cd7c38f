"""What has changed for those who call an API? Written when it is published, read from then on.

An entry tells of one document at its first publication on any gateway: what differs from the one
published before, operation by operation. Deprecations, retirements and rollbacks have entries of
their own. What is edited and not published has none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet

from headgate.catalog.changes import Change, ChangeKind, Difference
from headgate.catalog.changes import changes as changes_between
from headgate.core.ids import new_id
from headgate.core.phrases import from_data
from headgate.model.lifecycle import Lifecycle
from headgate.store.models import API, APIVersion, ChangelogEntry, Document
from headgate.store.models.catalog import unpack
from headgate.store.models.changelog import NOTE_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import apis, catalogue
from headgate.store.services.values import check_text

ENTRIES_MAX = 200  # of one API; the oldest go
CHANGES_MAX = 300  # of one entry; it says how many more there were
DIFFERENCES_MAX = 20  # of one operation


class EntryKind(StrEnum):
    """What an entry tells of."""

    PUBLISHED = "published"  # for the first time
    CHANGED = "changed"
    AGAIN = "again"  # as it was before a rollback or a retirement
    ROLLED_BACK = "rolled_back"
    DEPRECATED = "deprecated"
    UNDEPRECATED = "undeprecated"
    RETIRED = "retired"


_GONE = frozenset({EntryKind.ROLLED_BACK, EntryKind.RETIRED})


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is read. `data`: what a deprecation or retirement says, and how far back a
    rollback went (`since`)."""

    id: str
    kind: EntryKind
    version: APIVersion
    at: datetime
    note: str
    compared: str
    changes: tuple[Change, ...]
    dropped: int
    is_breaking: bool
    data: dict[str, Any]


def published(actor: Actor, version: APIVersion, note: str = "") -> None:
    """Write down that a version is live as it is now, in the caller's transaction.

    Nothing where the same document was published before, unless there is something to say.

    Raises:
        Problem: INVALID_INPUT: the note is too long.
    """
    check_text(note, NOTE_CHARACTERS_MAX, "/note")
    sha256 = Document.objects.values_list("sha256", flat=True).get(version=version)
    rows = ChangelogEntry.objects.filter(version=version).order_by("-pk")
    newest, last = rows.first(), rows.exclude(sha256="").first()
    entry = ChangelogEntry(id=new_id("chg"), version=version, at=actor.at, note=note, sha256=sha256)
    if last is None:
        entry.kind = EntryKind.PUBLISHED
        _compare(entry, _before(version))
    elif last.sha256 != sha256:
        entry.kind = EntryKind.CHANGED
        _compare(entry, last)
        ChangelogEntry.objects.filter(version=version).update(document_packed=b"")
        if not (entry.changes or note):
            return _same(last, sha256)
    elif newest is not None and newest.kind in _GONE and version.lifecycle != Lifecycle.RETIRED:
        entry.kind = EntryKind.AGAIN
    elif note:
        entry.kind = EntryKind.CHANGED
    else:
        return None
    return _keep(entry)


def moved(actor: Actor, version: APIVersion, kind: EntryKind, data: dict[str, Any]) -> None:
    """Write down a step towards the end, or back from it, in the caller's transaction."""
    told = {key: value for key, value in data.items() if key != "state"}
    _keep(ChangelogEntry(id=new_id("chg"), version=version, at=actor.at, kind=kind, data=told))


def went_back(actor: Actor, version: APIVersion, since: datetime) -> None:
    """Write down that a version is live as it was published at `since`, in the caller's
    transaction."""
    moved(actor, version, EntryKind.ROLLED_BACK, {"since": since.isoformat()})


def keep(document: Document) -> None:
    """Keep a document that was published, before another one takes its place."""
    rows = ChangelogEntry.objects.filter(version=document.version).exclude(sha256="")
    last = rows.order_by("-pk").first()
    if last is not None and last.sha256 == document.sha256:
        last.document_packed = bytes(document.bundled_packed)
        last.save(update_fields=["document_packed"])


def entries(api: API) -> QuerySet[ChangelogEntry]:
    """What may be read of an API by everybody, newest first: of versions that are published, or
    retired."""
    is_told = Q(version__in=catalogue.published()) | Q(version__lifecycle=Lifecycle.RETIRED)
    rows = ChangelogEntry.objects.filter(is_told, version__api=api, version__removed_at=None)
    return rows.select_related("version__api").defer("document_packed").order_by("-pk")


def page(actor: Actor, name: str) -> list[Entry]:
    """The whole changelog of an API, for an operator.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    rows = ChangelogEntry.objects.filter(version__api=apis.served(name).api)
    return read(rows.select_related("version__api").defer("document_packed").order_by("-pk"))


def read(rows: Iterable[ChangelogEntry]) -> list[Entry]:
    """Rows as they are read."""
    return [
        Entry(
            id=row.id,
            kind=EntryKind(row.kind),
            version=row.version,
            at=row.at,
            note=row.note,
            compared=row.compared,
            changes=tuple(map(_change, row.changes)),
            dropped=row.dropped,
            is_breaking=row.is_breaking,
            data=row.data,
        )
        for row in rows
    ]


def _before(version: APIVersion) -> ChangelogEntry | None:
    """What was published last of the API's other versions: what callers come from."""
    rows = ChangelogEntry.objects.filter(version__api=version.api, version__removed_at=None)
    return rows.exclude(version=version).exclude(sha256="").order_by("-pk").first()


def _compare(entry: ChangelogEntry, before: ChangelogEntry | None) -> None:
    if before is None:
        return
    packed = bytes(before.document_packed)
    old = unpack(packed) if packed else Document.objects.get(version=before.version).bundled
    found = changes_between(old, Document.objects.get(version=entry.version).bundled)
    if before.version_id != entry.version_id:
        entry.compared = before.version.name
    entry.changes = [_as_data(change) for change in _breaking_first(found)[:CHANGES_MAX]]
    entry.dropped = max(0, len(found) - CHANGES_MAX)
    entry.is_breaking = any(change.is_breaking for change in found)


def _breaking_first(found: Sequence[Change]) -> list[Change]:
    return sorted(found, key=lambda change: not change.is_breaking)


def _same(last: ChangelogEntry, sha256: str) -> None:
    """Another text that says the same: nothing to tell, and what the next is compared with."""
    last.sha256 = sha256
    last.save(update_fields=["sha256"])


def _keep(entry: ChangelogEntry) -> None:
    entry.save()
    rows = ChangelogEntry.objects.filter(version__api=entry.version.api).order_by("-pk")
    beyond = rows.values_list("pk", flat=True)[ENTRIES_MAX : ENTRIES_MAX + 1].first()
    if beyond is not None:
        rows.filter(pk__lte=beyond).delete()


def _as_data(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "operation": change.operation,
        "title": change.title,
        "differences": [
            one.words.as_data() | {"is_breaking": one.is_breaking}
            for one in change.differences[:DIFFERENCES_MAX]
        ],
    }


def _change(data: dict[str, Any]) -> Change:
    differences = (Difference(from_data(one), one["is_breaking"]) for one in data["differences"])
    return Change(ChangeKind(data["kind"]), data["operation"], data["title"], tuple(differences))
