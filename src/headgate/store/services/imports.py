"""How does an API document become an API? Checked as a whole first, then stored in one step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from headgate.catalog.changes import Change
from headgate.catalog.changes import changes as changes_between
from headgate.catalog.document import DocumentSource, Fetcher, ImportedDocument
from headgate.catalog.document import Operation as DocumentOperation
from headgate.catalog.importer import import_document as parse
from headgate.core.ids import new_id
from headgate.core.problems import Detail
from headgate.model.codec import as_data
from headgate.model.snapshot import DEFAULT_KEY_SOURCES, KeySource, PolicyUse, Upstream
from headgate.store.models import API, APIVersion, Document, Operation
from headgate.store.models.catalog import URL_CHARACTERS_MAX, pack
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import apis, audit, feed, policies
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.transactions import change
from headgate.store.services.upstreams import Resolver, check_upstream, system_resolver
from headgate.store.services.values import already_exists, check_name, check_text

CHANGES_AUDITED_MAX = 200  # of one re-import; the audit entry says how many there were
OPERATIONS_BATCH = 500  # rows per statement


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `problems`: mistakes in the document that can be lived with."""

    api: API
    version: APIVersion
    is_new: bool
    changes: tuple[Change, ...]
    problems: tuple[Detail, ...]


def import_document(
    actor: Actor,
    *,
    name: str,
    source: DocumentSource | ImportedDocument,
    upstream: Upstream,
    base_path: str,
    version: str = "v1",
    title: str = "",
    key_sources: Sequence[KeySource] = DEFAULT_KEY_SOURCES,
    is_open: bool = False,
    uses: Sequence[PolicyUse] = (),
    update: bool = False,
    allow_remote_refs: bool = False,
    fetch: Fetcher | None = None,
    resolve: Resolver = system_resolver,
) -> Imported:
    """A new API from its document; nothing is stored when anything is wrong.

    With `update`, an API of that name is re-imported, and upstream, base path, title and key
    sources become those given. The document is parsed outside the transaction.

    Raises:
        Problem: FORBIDDEN without the scope `write`; INVALID_INPUT; INVALID_DOCUMENT, every
            mistake; ALREADY_EXISTS: the name or the base path; UNREACHABLE: the upstream.
    """
    actor.require_operator(Scope.WRITE, "API")
    check_name(name)
    check_name(version, "/version")
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    present = API.objects.filter(name=name, removed_at=None).exists()
    if present and not update:
        raise already_exists("an API", name)
    if not present:
        apis.free_base_path(base_path)
    policies.check(uses, pointer="/policies")
    check_upstream(upstream, resolve)
    document = _parsed(source, allow_remote_refs=allow_remote_refs, fetch=fetch)
    served = APIVersion(name=version, base_path=base_path, is_open=is_open)
    served.upstream = upstream
    served.key_sources = apis.check_key_sources(key_sources)
    with change():
        if present:
            imported = _reimport(actor, apis.find(name), document)
            _move(actor, name, title, served)
            return imported
        api = API(name=name, title=title or document.description.title[:TITLE_CHARACTERS_MAX])
        return _create(actor, document, api, served, uses)


def reimport(
    actor: Actor,
    name: str,
    *,
    source: DocumentSource | ImportedDocument,
    allow_remote_refs: bool = False,
    fetch: Fetcher | None = None,
) -> Imported:
    """Replace the document of an API. Operations that keep their id keep their row.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_DOCUMENT, every mistake.
    """
    actor.require_operator(Scope.WRITE, "API")
    apis.find(name)
    document = _parsed(source, allow_remote_refs=allow_remote_refs, fetch=fetch)
    with change():
        return _reimport(actor, apis.find(name), document)


def digest(entry: str, files: Mapping[str, str]) -> str:
    """SHA-256 over the texts of a document as they came."""
    found = sha256(entry.encode())
    for name in sorted(files):
        found.update(f"\0{name}\0".encode() + files[name].encode())
    return found.hexdigest()


def _parsed(
    source: DocumentSource | ImportedDocument, *, allow_remote_refs: bool, fetch: Fetcher | None
) -> ImportedDocument:
    if isinstance(source, ImportedDocument):
        return source
    return parse(source, allow_remote_refs=allow_remote_refs, fetch=fetch)


def _move(actor: Actor, name: str, title: str, served: APIVersion) -> None:
    """Give a re-imported API the place of `served`, whose upstream has been checked."""
    apis.update(
        actor,
        name,
        title=title or None,
        base_path=served.base_path,
        upstream=served.upstream,
        key_sources=served.key_sources,
        is_open=served.is_open,
        resolve=lambda _: True,
    )


def _create(
    actor: Actor,
    document: ImportedDocument,
    api: API,
    version: APIVersion,
    uses: Sequence[PolicyUse],
) -> Imported:
    if API.objects.filter(name=api.name, removed_at=None).exists():
        raise already_exists("an API", api.name)
    version.base_path = apis.free_base_path(version.base_path)
    api.id, api.created_at = new_id("api"), actor.at
    api.save()
    version.api, version.id, version.created_at = api, new_id("ver"), actor.at
    version.changed = feed.next_sequence()
    version.save()
    _store_document(actor, version, document)
    _store_operations(actor, version, document)
    policies.attach(uses, version=version)
    audit.record(
        actor,
        Action.API_IMPORTED,
        api.name,
        after=apis.fields(api) | {"operations": len(document.operations)},
    )
    found = apis.find(api.name)
    return Imported(found, apis.version(found), is_new=True, changes=(), problems=document.warnings)


def _reimport(actor: Actor, api: API, document: ImportedDocument) -> Imported:
    version = apis.version(api)
    stored = Document.objects.get(version=version)
    changes = changes_between(stored.bundled, document.bundled)
    if stored.sha256 != digest(document.entry, document.original):
        before = stored.sha256
        _store_document(actor, version, document)
        _store_operations(actor, version, document)
        listed = [as_data(change) for change in changes[:CHANGES_AUDITED_MAX]]
        audit.record(
            actor,
            Action.API_REIMPORTED,
            api.name,
            before={"document_sha256": before},
            after={
                "document_sha256": digest(document.entry, document.original),
                "changes": listed,
                "count": len(changes),
            },
        )
    return Imported(api, version, is_new=False, changes=changes, problems=document.warnings)


def _store_document(actor: Actor, version: APIVersion, document: ImportedDocument) -> None:
    Document.objects.update_or_create(
        version=version,
        defaults={
            "format": document.description.format,
            "url": document.url[:URL_CHARACTERS_MAX],
            "sha256": digest(document.entry, document.original),
            "original_packed": pack({"entry": document.entry, "files": dict(document.original)}),
            "bundled_packed": pack(document.bundled),
            "problems": [as_data(problem) for problem in document.warnings],
            "imported_at": actor.at,
        },
    )


def _store_operations(actor: Actor, version: APIVersion, document: ImportedDocument) -> None:
    """Make the operations those of the document: rows stay, come, end, and come back.

    An operation that has only got another id keeps its row, and with it its policies.
    """
    known = {row.id: row for row in version.operations.all()}
    wanted = {operation.id for operation in document.operations}
    renamed = {
        (row.method, row.path): row
        for row in known.values()
        if row.id not in wanted and row.removed_at is None
    }
    changed, new = [], []
    for operation in document.operations:
        row = known.get(operation.id) or renamed.get((operation.method, operation.path))
        if row is None:
            row = Operation(version=version, created_at=actor.at)
            new.append(row)
        else:
            known.pop(row.id)
            if _described(row) == _described_in(operation):
                continue
            changed.append(row)
        row.id, row.method, row.path = operation.id, operation.method, operation.path
        row.summary = operation.summary[:TITLE_CHARACTERS_MAX]
        row.is_deprecated, row.removed_at = operation.is_deprecated, None
    for row in known.values():
        if row.removed_at is None:
            row.removed_at = actor.at
            changed.append(row)
    Operation.objects.bulk_create(new, batch_size=OPERATIONS_BATCH)
    Operation.objects.bulk_update(
        changed,
        ["id", "method", "path", "summary", "is_deprecated", "removed_at"],
        batch_size=OPERATIONS_BATCH // 10,
    )


def _described(row: Operation) -> tuple[object, ...]:
    return row.id, row.method, row.path, row.summary, row.is_deprecated, row.removed_at


def _described_in(operation: DocumentOperation) -> tuple[object, ...]:
    """What `_described` of its row is when nothing has changed."""
    summary = operation.summary[:TITLE_CHARACTERS_MAX]
    return operation.id, operation.method, operation.path, summary, operation.is_deprecated, None
