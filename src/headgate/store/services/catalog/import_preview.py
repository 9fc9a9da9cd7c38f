"""What would an import do? Told before anything is stored: mistakes, differences, policies."""

from dataclasses import dataclass

from headgate.catalog.changes import Change
from headgate.catalog.changes import changes as changes_between
from headgate.catalog.document import DocumentSource, Fetcher, ImportedDocument
from headgate.catalog.importer import import_document as parse
from headgate.store.models import APIVersion, Document
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import imports
from headgate.store.services.values import check_name


@dataclass(frozen=True, slots=True)
class KeptPolicies:
    """An operation's own policies and what becomes of them. `operation` is its present id.

    `is_kept`: an operation with the same id, or else the same method and path, is in the document.
    """

    operation: str
    kinds: tuple[str, ...]
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """A document that can be imported. `replaces` is the version whose document it replaces.

    `changes` compares with that version's present document, or with that of the default version
    where a further version is made; empty for a new API.
    """

    document: ImportedDocument
    replaces: APIVersion | None
    compared: APIVersion | None
    changes: tuple[Change, ...]
    policies: tuple[KeptPolicies, ...]


def preview(
    actor: Actor,
    *,
    name: str,
    version: str | None,
    source: DocumentSource,
    allow_remote_refs: bool = False,
    fetch: Fetcher | None = None,
) -> Preview:
    """What importing the document as this version of this API would do; nothing is stored.

    Raises:
        Problem: FORBIDDEN without the scope `write`; INVALID_INPUT; INVALID_DOCUMENT, every
            mistake.
    """
    actor.require_operator(Scope.WRITE, "API")
    check_name(name)
    if version is not None:
        check_name(version, "/version")
    document = parse(source, allow_remote_refs=allow_remote_refs, fetch=fetch)
    default = imports.default_of(name)
    replaces = imports.present(default, version)
    compared = replaces or default
    if compared is None:
        return Preview(document, None, None, (), ())
    stored = Document.objects.get(version=compared)
    changes = changes_between(stored.bundled, document.bundled)
    return Preview(document, replaces, compared, changes, _policies(compared, document))


def _policies(version: APIVersion, document: ImportedDocument) -> tuple[KeptPolicies, ...]:
    ids = {operation.id for operation in document.operations}
    places = {(operation.method, operation.path) for operation in document.operations}
    rows = version.operations.filter(removed_at=None, policies__isnull=False).distinct()
    return tuple(
        KeptPolicies(
            operation=row.id,
            kinds=tuple(use.kind for use in row.policies.all()),
            is_kept=row.id in ids or (row.method, row.path) in places,
        )
        for row in rows.order_by("path", "method").prefetch_related("policies")
    )
