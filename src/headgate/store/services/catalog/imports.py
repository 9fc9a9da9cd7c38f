"""How does an API document become an API? Checked as a whole first, then stored in one step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from headgate.catalog.about import about
from headgate.catalog.changes import Change
from headgate.catalog.changes import changes as changes_between
from headgate.catalog.document import DocumentSource, Fetcher, ImportedDocument
from headgate.catalog.document import Operation as DocumentOperation
from headgate.catalog.importer import import_document as parse
from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.core.problems import Detail
from headgate.model.codec import as_data
from headgate.model.snapshot import DEFAULT_KEY_SOURCES, KeySource, PolicyUse, Upstream
from headgate.store.models import API, APIVersion, Document, Operation
from headgate.store.models.catalog import URL_CHARACTERS_MAX, pack
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis, changelog, reference_parts
from headgate.store.services.catalog.upstreams import Resolver, check_upstream, system_resolver
from headgate.store.services.gateway import policies
from headgate.store.services.transactions import change
from headgate.store.services.values import already_exists, check_name, check_text, invalid, refused

CHANGES_AUDITED_MAX = 200  # of one re-import; the audit entry says how many there were
OPERATIONS_BATCH = 500  # rows per statement
DEFAULT_VERSION = "v1"
REIMPORT_STEP = "Replace its document with `--update`, or choose another name or `--version`."
VERSIONS_MAX = 20  # of one API, that have not been deleted


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
    upstream: Upstream | None = None,
    base_path: str | None = None,
    version: str | None = None,
    title: str = "",
    key_sources: Sequence[KeySource] | None = None,
    is_open: bool | None = None,
    uses: Sequence[PolicyUse] | None = None,
    update: bool = False,
    allow_remote_refs: bool = False,
    fetch: Fetcher | None = None,
    resolve: Resolver = system_resolver,
) -> Imported:
    """A new API from its document, or a new version of one; nothing is stored if anything is wrong.

    A new API is served at `/name` and needs an upstream. A new `version` of an API has what is
    not given from the default version: base path, upstream, key sources, openness, policies. With
    `update`, what is there is re-imported, and gets what is given. The document is parsed outside
    the transaction.

    Raises:
        Problem: FORBIDDEN without the scope `write`; INVALID_INPUT; INVALID_DOCUMENT, every
            mistake; ALREADY_EXISTS: name, version or base path; UNREACHABLE: the upstream.
    """
    actor.require_operator(Scope.WRITE, "API")
    check_name(name)
    check_name(version or DEFAULT_VERSION, "/version")
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    policies.check(uses or (), pointer="/policies")
    like = default_of(name)
    there = present(like, version)
    if there is not None and not update:
        raise already_exists("an API", there.path, REIMPORT_STEP)
    if like is None:
        base_path = f"/{name}" if base_path is None else base_path
        apis.free_base_path(base_path)
        if upstream is None:
            raise invalid("A new API needs an upstream: where its requests go.", "/upstream")
    if upstream is not None:
        check_upstream(upstream, resolve)
    sources = None if key_sources is None else apis.check_key_sources(key_sources)
    document = _parsed(source, allow_remote_refs=allow_remote_refs, fetch=fetch)
    with change():
        if there is not None:
            imported = _reimport(actor, there.path, document)
            _move(actor, there.path, title, base_path, upstream, sources, is_open)
            return imported
        row = _like(default_of(name), name, version or DEFAULT_VERSION)
        row.api.title = row.api.title or title or document.description.title[:TITLE_CHARACTERS_MAX]
        row.base_path = row.base_path if base_path is None else base_path
        row.upstream = upstream or row.upstream
        row.key_sources = sources or row.key_sources
        row.is_open = row.is_open if is_open is None else is_open
        return _create(actor, document, row, uses)


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
    apis.served(name)
    document = _parsed(source, allow_remote_refs=allow_remote_refs, fetch=fetch)
    with change():
        return _reimport(actor, name, document)


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


def default_of(name: str) -> APIVersion | None:
    """The default version of an API, if there is one of that name."""
    rows = APIVersion.objects.filter(api__name=name, api__removed_at=None, removed_at=None)
    return rows.select_related("api").filter(is_default=True).first()


def present(default: APIVersion | None, version: str | None) -> APIVersion | None:
    """The version that an import names, if there is one."""
    if default is None or version in {None, default.name}:
        return default
    return default.api.versions.filter(name=version, removed_at=None).first()


def _like(default: APIVersion | None, name: str, version: str) -> APIVersion:
    """A row not yet stored: a new API's only version, or one more with the default's settings."""
    if default is None:
        row = APIVersion(api=API(name=name), name=version)
        row.key_sources = DEFAULT_KEY_SOURCES
        return row
    if default.api.versions.filter(removed_at=None).count() >= VERSIONS_MAX:
        raise refused(
            phrase("The API '{name}' has {most} versions.", name=name, most=VERSIONS_MAX),
            phrase("Delete one that nobody calls: headgate api delete {name}@VERSION.", name=name),
        )
    row = APIVersion(api=default.api, name=version, is_default=False, base_path=default.base_path)
    row.upstream, row.key_sources, row.is_open = (
        default.upstream,
        default.key_sources,
        default.is_open,
    )
    return row


def _move(
    actor: Actor,
    name: str,
    title: str,
    base_path: str | None,
    upstream: Upstream | None,
    key_sources: tuple[KeySource, ...] | None,
    is_open: bool | None,  # noqa: FBT001  # as given to `import_document`, whose names these are
) -> None:
    """Give a re-imported version its new place; the upstream has been checked."""
    apis.update(
        actor,
        name,
        title=title or None,
        base_path=base_path,
        upstream=upstream,
        key_sources=key_sources,
        is_open=is_open,
        resolve=lambda _: True,
    )


def _create(
    actor: Actor,
    document: ImportedDocument,
    row: APIVersion,
    uses: Sequence[PolicyUse] | None,
) -> Imported:
    api = row.api
    is_new_api = row.is_default
    row.base_path = apis.free_base_path(row.base_path, None if is_new_api else row)
    if is_new_api:
        if API.objects.filter(name=api.name, removed_at=None).exists():
            raise already_exists("an API", api.name, REIMPORT_STEP)
        api.id, api.created_at = new_id("api"), actor.at
        api.save()
        row.api = api
    row.id, row.created_at = new_id("ver"), actor.at
    row.changed = feed.next_sequence()
    row.save()
    _store_document(actor, row, document)
    _store_operations(actor, row, document)
    if uses is not None or row.is_default:
        policies.attach(uses or (), version=row)
    else:
        policies.copy(apis.served(api.name), row)
    audit.record(
        actor,
        Action.API_IMPORTED,
        row.path,
        after=apis.fields(row) | {"operations": len(document.operations)},
    )
    found = apis.served(row.path)
    return Imported(found.api, found, is_new=True, changes=(), problems=document.warnings)


def _reimport(actor: Actor, name: str, document: ImportedDocument) -> Imported:
    version = apis.served(name)
    api = version.api
    stored = Document.objects.get(version=version)
    changes = changes_between(stored.bundled, document.bundled)
    if stored.sha256 != digest(document.entry, document.original):
        before = stored.sha256
        changelog.keep(stored)
        _store_document(actor, version, document)
        _store_operations(actor, version, document)
        listed = [_audited(change) for change in changes[:CHANGES_AUDITED_MAX]]
        audit.record(
            actor,
            Action.API_REIMPORTED,
            version.path,
            before={"document_sha256": before},
            after={
                "document_sha256": digest(document.entry, document.original),
                "changes": listed,
                "count": len(changes),
            },
        )
    return Imported(api, version, is_new=False, changes=changes, problems=document.warnings)


def _audited(change: Change) -> dict[str, object]:
    names = ("kind", "operation", "what", "is_breaking")
    return {name: getattr(change, name) for name in names}


def _store_document(actor: Actor, version: APIVersion, document: ImportedDocument) -> None:
    told = about(document.bundled)
    Document.objects.update_or_create(
        version=version,
        defaults={
            "format": document.description.format,
            "url": document.url[:URL_CHARACTERS_MAX],
            "sha256": digest(document.entry, document.original),
            "original_packed": pack({"entry": document.entry, "files": dict(document.original)}),
            "bundled_packed": pack(document.bundled),
            "problems": [as_data(problem) for problem in document.warnings],
            "about": told.description,
            "tags": list(told.tags),
            "words": told.words,
            "imported_at": actor.at,
        },
    )
    reference_parts.store(version)


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
        row.removed_at, row.sunset_at = None, operation.sunset_at
        row.is_told = row.is_told and operation.is_deprecated
        row.deprecated_at = (row.deprecated_at or actor.at) if operation.is_deprecated else None
        row.is_deprecated = operation.is_deprecated
        row.needs_data = _needs_data(operation)
    for row in known.values():
        if row.removed_at is None:
            row.removed_at = actor.at
            changed.append(row)
    Operation.objects.bulk_create(new, batch_size=OPERATIONS_BATCH)
    Operation.objects.bulk_update(
        changed,
        [*_DESCRIBED, "deprecated_at", "is_told", "removed_at"],
        batch_size=OPERATIONS_BATCH // 10,
    )


_DESCRIBED = ("id", "method", "path", "summary", "is_deprecated", "sunset_at", "needs_data")


def _described(row: Operation) -> tuple[object, ...]:
    return *(getattr(row, name) for name in _DESCRIBED), row.removed_at


def _described_in(operation: DocumentOperation) -> tuple[object, ...]:
    """What `_described` of its row is when nothing has changed."""
    summary = operation.summary[:TITLE_CHARACTERS_MAX]
    told = operation.id, operation.method, operation.path, summary, operation.is_deprecated
    return *told, operation.sunset_at, _needs_data(operation), None


def _needs_data(operation: DocumentOperation) -> dict[str, object]:
    found: dict[str, object] = as_data(operation.needs) if operation.needs else {}
    return found
