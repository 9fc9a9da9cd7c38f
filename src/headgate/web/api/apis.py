"""REST: APIs, their documents and operations."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from ninja.responses import Status
from pydantic import Field

from headgate.gateway.version_choice import CHOICE_CHARACTERS_MAX
from headgate.store.models import APIVersion, Operation
from headgate.store.services.catalog import apis, imports, versions
from headgate.store.services.catalog.imports import Imported
from headgate.store.services.gateway import gateways
from headgate.web.api.documents import DocumentData, source_and_fetcher
from headgate.web.api.fields import Input, Name, Output, Parameters, Title, created
from headgate.web.api.lifecycle import LifecycleOut
from headgate.web.api.lifecycle import show as show_lifecycle
from headgate.web.api.paging import PageOut, PageQuery, page_out, slice_of, whole
from headgate.web.api.policies import PolicyData, uses_of
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow
from headgate.web.api.upstreams import (
    KeySourceData,
    UpstreamValue,
    key_sources_of,
    resolver,
    show_upstream,
    upstream_of,
)

BASE_PATH_CHARACTERS_MAX = 200
router = Router()


class DocumentIn(Input):
    """A document to import."""

    document: DocumentData
    allow_remote_refs: bool = Field(
        default=False, description="Fetch `$ref`s that lead to other hosts."
    )


class APIIn(DocumentIn):
    """A new API."""

    name: Name
    version: Name | None = Field(
        None, description="By default v1. Another one than an API has is a new version of it."
    )
    title: Title = Field("", description="By default the document's.")
    base_path: str | None = Field(
        None,
        max_length=BASE_PATH_CHARACTERS_MAX,
        examples=["/pets"],
        description="By default `/NAME`, for a further version that of the default version.",
    )
    upstream: UpstreamValue | None = Field(
        None, description="A new API needs one; a further version takes the default version's."
    )
    key_sources: list[KeySourceData] | None = Field(
        None, min_length=1, max_length=apis.KEY_SOURCES_MAX, description="By default X-API-Key."
    )
    is_open: bool | None = Field(None, description="Callers need no key. By default they do.")
    policies: list[PolicyData] | None = None


class APIChange(Input):
    """What to change; what is left out stays."""

    title: Title | None = None
    base_path: str | None = Field(None, max_length=BASE_PATH_CHARACTERS_MAX)
    upstream: UpstreamValue | None = None
    key_sources: list[KeySourceData] | None = Field(
        None, min_length=1, max_length=apis.KEY_SOURCES_MAX
    )
    is_open: bool | None = None
    version_by: str | None = Field(
        None,
        max_length=CHOICE_CHARACTERS_MAX,
        description="How callers choose between versions with one base path; empty: they cannot.",
        examples=["header:x-api-version", "query:version"],
    )


class PublicationOut(Output):
    """A gateway that serves the API."""

    gateway: str
    revision: int


class APIOut(Output):
    """A named interface and how it is served."""

    id: str
    name: str
    version: str
    is_default: bool = Field(..., description="The plain name means this version.")
    title: str
    base_path: str
    upstream: dict[str, Any]
    key_sources: list[dict[str, Any]]
    is_open: bool
    version_by: str = Field(..., description="How callers choose between the API's versions.")
    operations: int = Field(..., description="How many.")
    published: list[PublicationOut]
    live_revision: int | None = Field(..., description="Of the gateway `default`.")
    lifecycle: LifecycleOut
    document_format: str
    document_sha256: str
    imported_at: datetime
    created_at: datetime


class ChangeOut(Output):
    """What a re-import changed at one operation."""

    kind: str
    operation: str
    what: str


class FindingOut(Output):
    """A mistake in a document that can be lived with."""

    message: str
    pointer: str
    line: int | None


class ImportedOut(APIOut):
    """An API after an import of its document."""

    changes: list[ChangeOut]
    problems: list[FindingOut]


class NeedsOut(Output):
    """What a caller must have been given, unless a policy `scopes` says something else."""

    any_of: list[str] = Field(..., description="Sets of scopes, of which one suffices.")
    roles: list[str] = Field(..., description="Roles, of which one is needed as well.")
    is_for_tokens: bool = Field(..., description="Keys need none of the scopes.")


class OperationOut(Output):
    """One method and path template."""

    id: str
    method: str
    path: str
    summary: str
    is_deprecated: bool
    deprecated_at: datetime | None = Field(None, description="When its document first said so.")
    sunset_at: datetime | None = Field(None, description="`x-sunset` of its document.")
    needs: NeedsOut | None = Field(None, description="Scopes, as the API's document says.")


class Form(StrEnum):
    """A document as it came, or as one text with every reference inside it."""

    ORIGINAL = "original"
    BUNDLED = "bundled"


class ImportQuery(Parameters):
    """How to import."""

    update: bool = Field(default=False, description="Re-import if there is an API of that name.")


class DocumentQuery(Parameters):
    """Which form."""

    form: Form = Form.ORIGINAL


def show(versions: list[APIVersion]) -> list[APIOut]:
    """As they are answered: counts and publications of all in a few queries."""
    counts = _operation_counts(versions)
    live = _live_versions()
    return [
        APIOut(**_fields(version, counts.get(version.pk, 0), live.get(version.pk, [])))
        for version in versions
    ]


def show_imported(imported: Imported) -> ImportedOut:
    """As an import is answered."""
    shown = show([imported.version])[0]
    return ImportedOut(
        **shown.model_dump(),
        changes=[
            ChangeOut(kind=change.kind, operation=change.operation, what=change.what)
            for change in imported.changes
        ],
        problems=[
            FindingOut(message=found.message, pointer=found.pointer, line=found.line)
            for found in imported.problems
        ],
    )


@router.get("/apis", response=PageOut[APIOut], operation_id="listAPIs")
def list_apis(request: HttpRequest, paging: Query[PageQuery]) -> object:
    """APIs in the order in which they were made."""
    page = apis.page(actor(request), cursor=paging.position, limit=paging.limit)
    shown = dict(zip(page.items, show([apis.version(api) for api in page.items]), strict=True))
    return page_out(page, shown.__getitem__)


@router.post("/apis", response={201: ImportedOut, 200: ImportedOut}, operation_id="importAPI")
@is_slow
def import_api(
    request: HttpRequest, response: HttpResponse, query: Query[ImportQuery], body: APIIn
) -> object:
    """Import a document as an API. Nothing is live before it is published.

    A document with mistakes is refused as a whole, with the place of every one. 200 when
    `update` re-imported an API that was there.
    """
    source, fetch = source_and_fetcher(
        actor(request), body.document, allow_remote_refs=body.allow_remote_refs
    )
    imported = imports.import_document(
        actor(request),
        name=body.name,
        source=source,
        upstream=None if body.upstream is None else upstream_of(body.upstream),
        base_path=body.base_path,
        version=body.version,
        title=body.title,
        key_sources=key_sources_of(body.key_sources) if body.key_sources else None,
        is_open=body.is_open,
        uses=None if body.policies is None else uses_of(body.policies),
        update=query.update,
        allow_remote_refs=body.allow_remote_refs,
        fetch=fetch,
        resolve=resolver(),
    )
    shown = show_imported(imported)
    if not imported.is_new:
        return Status(200, shown)
    return Status(201, created(response, shown, "apis", imported.version.path))


@router.get("/apis/{name}", response=APIOut, operation_id="getAPI")
def get_api(request: HttpRequest, name: str) -> object:
    """One API."""
    return show([apis.get_version(actor(request), name)])[0]


@router.get("/apis/{name}/versions", response=PageOut[APIOut], operation_id="listVersions")
def list_versions(request: HttpRequest, name: str) -> object:
    """Every version of an API, the default one first. Others are named `pets@v2` in URLs."""
    return whole(show(versions.listed(actor(request), name)))


@router.patch("/apis/{name}", response=APIOut, operation_id="changeAPI")
@is_slow
def change_api(request: HttpRequest, name: str, body: APIChange) -> object:
    """Change how an API is served. `is_open` holds at once, the rest when it is published."""
    changed = apis.update(
        actor(request),
        name,
        title=body.title,
        base_path=body.base_path,
        upstream=None if body.upstream is None else upstream_of(body.upstream),
        key_sources=None if body.key_sources is None else key_sources_of(body.key_sources),
        is_open=body.is_open,
        version_by=body.version_by,
        resolve=resolver(),
    )
    return show([changed])[0]


@router.post("/apis/{name}/default", response=APIOut, operation_id="makeDefault")
def make_default(request: HttpRequest, name: str) -> object:
    """Make the version `pets@v2` the one that `pets` means; publish to put it in force."""
    return show([versions.make_default(actor(request), name)])[0]


@router.delete("/apis/{name}", response={204: None}, operation_id="deleteAPI")
def delete_api(request: HttpRequest, name: str) -> None:
    """Delete an API that is not published and that nobody is subscribed to."""
    apis.delete(actor(request), name)


@router.get(
    "/apis/{name}/operations", response=PageOut[OperationOut], operation_id="listOperations"
)
def list_operations(request: HttpRequest, name: str, paging: Query[PageQuery]) -> object:
    """The operations of an API by path and method."""
    found = apis.operations(actor(request), name)
    return slice_of(found, paging, _show_operation)


@router.get("/apis/{name}/document", response=dict[str, Any], operation_id="getDocument")
def get_document(request: HttpRequest, name: str, query: Query[DocumentQuery]) -> object:
    """The document as it came, `{"files": …, "entry": …}`, or the bundled document itself."""
    document = apis.document(actor(request), name)
    return document.bundled if query.form is Form.BUNDLED else document.original


@router.put("/apis/{name}/document", response=ImportedOut, operation_id="setDocument")
@is_slow
def set_document(request: HttpRequest, name: str, body: DocumentIn) -> object:
    """Replace the document of an API. Operations that keep their id keep their policies."""
    source, fetch = source_and_fetcher(
        actor(request), body.document, allow_remote_refs=body.allow_remote_refs
    )
    imported = imports.reimport(
        actor(request),
        name,
        source=source,
        allow_remote_refs=body.allow_remote_refs,
        fetch=fetch,
    )
    return show_imported(imported)


def _show_operation(operation: Operation) -> OperationOut:
    return OperationOut.model_validate(operation)


def _operation_counts(versions: list[APIVersion]) -> dict[int, int]:
    rows = Operation.objects.filter(version__in=versions, removed_at=None)
    counted = rows.values_list("version").annotate(Count("pk"))
    return {int(version): int(count) for version, count in counted}


def _live_versions() -> dict[int, list[PublicationOut]]:
    """Where each version is live, by its row."""
    return {
        row: [PublicationOut(gateway=one.name, revision=one.revision) for one in found]
        for row, found in gateways.live_versions().items()
    }


def _fields(
    version: APIVersion, operations: int, published: list[PublicationOut]
) -> dict[str, Any]:
    api = version.api
    on_default = [p.revision for p in published if p.gateway == gateways.DEFAULT_GATEWAY]
    return {
        "id": api.id,
        "name": api.name,
        "version": version.name,
        "is_default": version.is_default,
        "title": api.title,
        "base_path": version.base_path,
        "upstream": show_upstream(version.upstream),
        "key_sources": version.key_sources_data,
        "is_open": version.is_open,
        "version_by": api.version_by,
        "operations": operations,
        "published": published,
        "live_revision": on_default[0] if on_default else None,
        "lifecycle": show_lifecycle(version),
        "document_format": version.document.format,
        "document_sha256": version.document.sha256,
        "imported_at": version.document.imported_at,
        "created_at": api.created_at,
    }
