"""What does the reference of an API show, and which files does it offer?"""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from headgate.catalog.downloads import openapi, postman
from headgate.catalog.downloads.python_client.package import archive, client_files
from headgate.catalog.reference.index import Entry, Index, shown_document
from headgate.catalog.reference.operation import OperationView, operation_view
from headgate.catalog.reference.parts import from_document
from headgate.catalog.sample import SampleRequest, sample_request
from headgate.model.scopes import ScopeNeeds
from headgate.model.snapshot import KeySource
from headgate.store.environment import gateway_url
from headgate.store.models import APIVersion, Document, Operation
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.catalog import apis, reference_parts

DOWNLOADS_KEPT_MAX = 16  # made files, compressed, per process; GitHub's take 1 to 3 MB each


class File(StrEnum):
    """The files that an API's reference offers."""

    OPENAPI_JSON = "openapi.json"
    OPENAPI_YAML = "openapi.yaml"
    POSTMAN = "postman.json"
    PYTHON = "python-client.zip"


CONTENT_TYPES: dict[File, str] = {
    File.OPENAPI_JSON: "application/json",
    File.OPENAPI_YAML: "application/yaml",
    File.POSTMAN: "application/json",
    File.PYTHON: "application/zip",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A version as its readers see it. `server`: its address at the gateway.

    `sources`: where callers send their key; none where they need no key.
    """

    version: APIVersion
    index: Index
    server: str
    sources: tuple[KeySource, ...]


@dataclass(frozen=True, slots=True)
class Download:
    """A file and how it is called."""

    name: str
    content_type: str
    body: bytes


def of(version: APIVersion) -> Reference:
    """The reference of a version."""
    return Reference(
        version=version,
        index=reference_parts.index(version),
        server=gateway_url() + version.base_path,
        sources=() if version.is_open else version.key_sources,
    )


def operation(found: Reference, slug: str) -> OperationView:
    """The page of one operation.

    Raises:
        Problem: NOT_FOUND.
    """
    return operation_view(reference_parts.parts(found.version), entry(found, slug))


def entry(found: Reference, slug: str) -> Entry:
    """The operation of that slug, or of that id.

    Raises:
        Problem: NOT_FOUND.
    """
    known = found.index.entry(slug) or next(
        (one for one in found.index.entries if one.id == slug), None
    )
    if known is None:
        raise not_found("operation", slug)
    return known


def call(found: Reference, view: OperationView, media_type: str = "") -> SampleRequest:
    """A call of the operation through the gateway, with its examples."""
    return sample_request(view, found.server, found.sources, media_type)


def needs(found: Reference, known: Entry) -> ScopeNeeds | None:
    """The scopes and roles that the document asks callers for."""
    rows = Operation.objects.filter(version=found.version, id=known.id, removed_at=None)
    row = rows.first()
    return None if row is None else row.needs


def search(found: Reference, query: str) -> tuple[Entry, ...]:
    """The operations that a reader may have meant, the best first."""
    keys = reference_parts.search_index(found.version).find(query)
    entries = (found.index.entry(key) for key in keys)
    return tuple(one for one in entries if one is not None)


def download(actor: Actor, name: str, file: File) -> Download:
    """A file of the version that `pets` or `pets@v2` means.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    return made(of(apis.served(name)), file)


def made(found: Reference, file: File) -> Download:
    """The file; made once for each document, and one at a time: it takes seconds."""
    path = found.version.path.replace("@", "-")
    document = Document.objects.only("sha256").get(version=found.version)
    key = (document.sha256, file, found.server, str(found.sources), path)
    body = _files.get(key, lambda: _body(found, file))
    return Download(f"{path}-{file}", CONTENT_TYPES[file], body)


def _body(found: Reference, file: File) -> bytes:
    bundled = Document.objects.get(version=found.version).bundled
    if file in {File.OPENAPI_JSON, File.OPENAPI_YAML}:
        write = openapi.as_json if file is File.OPENAPI_JSON else openapi.as_yaml
        return write(openapi.exported(bundled, found.server, found.sources))
    document = shown_document(bundled)
    parts = from_document(document)
    if file is File.POSTMAN:
        return postman.as_json(postman.collection(found.index, parts, found.server, found.sources))
    name = found.version.path.replace("@", "-")
    texts = client_files(
        document,
        found.index,
        parts,
        name=name,
        server=found.server,
        sources=found.sources,
    )
    return archive(texts, f"{name}-client")


class _Files:
    """The files that were asked for last, compressed."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return zlib.decompress(self._found[key])
            body = make()
            self._found[key] = zlib.compress(body, 6)
            while len(self._found) > DOWNLOADS_KEPT_MAX:
                self._found.popitem(last=False)
            return body


_files = _Files()
