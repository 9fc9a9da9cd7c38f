"""Which APIs are there? An API, its versions, their documents and operations."""

import json
import zlib
from typing import Any

from django.db import models
from django.db.models import CASCADE, PROTECT, Q, UniqueConstraint

from headgate.gateway.version_choice import CHOICE_CHARACTERS_MAX
from headgate.model.access import RowState
from headgate.model.codec import as_data, from_data
from headgate.model.lifecycle import Lifecycle, Notice
from headgate.model.scopes import ScopeNeeds
from headgate.model.snapshot import KeySource, PolicyUse, SnapshotOperation, Upstream
from headgate.store.models.rows import (
    NAME_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    FeedRow,
    Row,
    live_unique,
)

BASE_PATH_CHARACTERS_MAX = 500
OPERATION_ID_CHARACTERS_MAX = 255
PATH_CHARACTERS_MAX = 2000
URL_CHARACTERS_MAX = 2048
KIND_CHARACTERS_MAX = 40  # of an event
REFERENCE_CHARACTERS_MAX = 2 * NAME_CHARACTERS_MAX + 1  # pets@v2


class API(Row):
    """A named interface; what is served is one of its versions.

    `version_by` is how callers choose between those with one base path: `header:x-api-version`,
    `query:version`, or empty when they cannot.
    """

    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    version_by = models.CharField(max_length=CHOICE_CHARACTERS_MAX, blank=True, default="")

    class Meta:
        constraints = (live_unique("api_name", "name"),)


class APIVersion(FeedRow):
    """One version of an API: where it is served, where its requests go, who may call it.

    One of an API's versions is its default: what its plain name means, and what is served at its
    base path. Another version with the same base path gets only what a release gives it.
    `lifecycle` is a `Lifecycle`; the columns behind it are what a deprecation and a retirement say.
    `untold` is the event that those who call it have yet to get.
    """

    api = models.ForeignKey(API, on_delete=PROTECT, related_name="versions")
    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    base_path = models.CharField(max_length=BASE_PATH_CHARACTERS_MAX, blank=True)
    upstream_data = models.JSONField()
    key_sources_data = models.JSONField()
    is_open = models.BooleanField(default=False)
    is_default = models.BooleanField(default=True)
    lifecycle = models.CharField(max_length=16, default=Lifecycle.DRAFT)
    deprecated_at = models.DateTimeField(null=True, blank=True)
    sunset_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    successor = models.CharField(max_length=REFERENCE_CHARACTERS_MAX, blank=True)
    link = models.CharField(max_length=URL_CHARACTERS_MAX, blank=True)
    retires_at_sunset = models.BooleanField(default=False)
    untold = models.CharField(max_length=KIND_CHARACTERS_MAX, blank=True, default="")

    class Meta:
        constraints = (
            live_unique("version_name", "api", "name"),
            UniqueConstraint(
                fields=["api"],
                condition=Q(removed_at=None, is_default=True),
                name="store_version_default_live",
            ),
            UniqueConstraint(
                fields=["base_path"],
                condition=Q(removed_at=None, is_default=True),
                name="store_version_base_path_live",
            ),
        )

    @property
    def path(self) -> str:
        """`pets@v2`: what people write; the plain name means the default version."""
        return self.api.name if self.is_default else f"{self.api.name}@{self.name}"

    @property
    def upstream(self) -> Upstream:
        """Where requests go."""
        return from_data(Upstream, self.upstream_data)

    @upstream.setter
    def upstream(self, upstream: Upstream) -> None:
        self.upstream_data = as_data(upstream)

    @property
    def key_sources(self) -> tuple[KeySource, ...]:
        """Where callers send the key."""
        sources: list[Any] = self.key_sources_data
        return tuple(from_data(KeySource, source) for source in sources)

    @key_sources.setter
    def key_sources(self, sources: tuple[KeySource, ...]) -> None:
        self.key_sources_data = [as_data(source) for source in sources]

    @property
    def state(self) -> RowState:
        """As the gateway sees it."""
        return RowState.ACTIVE if self.removed_at is None else RowState.REMOVED


class Document(models.Model):
    """The OpenAPI document of a version, as it came and as bundled, both compressed.

    `problems`: what the import tolerated, as [{message, pointer, line}]. `about`, `tags` and
    `words`: see `catalog.about`.
    """

    version = models.OneToOneField(
        APIVersion, on_delete=CASCADE, primary_key=True, related_name="document"
    )
    format = models.CharField(max_length=40)
    url = models.CharField(max_length=URL_CHARACTERS_MAX, blank=True)
    sha256 = models.CharField(max_length=64)
    original_packed = models.BinaryField()
    bundled_packed = models.BinaryField()
    problems = models.JSONField(default=list)
    about = models.TextField(blank=True, default="")
    tags = models.JSONField(default=list)
    words = models.TextField(blank=True, default="")
    imported_at = models.DateTimeField()

    @property
    def original(self) -> dict[str, Any]:
        """`{"entry": name, "files": {name: text}}` exactly as imported.

        A document that was fetched has its address beside them, as `url`.
        """
        files = unpack(self.original_packed)
        return files | {"url": self.url} if self.url else files

    @property
    def bundled(self) -> dict[str, Any]:
        """The document with every reference inside it."""
        return unpack(self.bundled_packed)


class DocumentPart(models.Model):
    """A part of a document as its reference shows it, so that a page reads what it needs.

    `key` is a digest of the document's, the form of the parts and the part's pointer.
    """

    row = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(APIVersion, on_delete=CASCADE, related_name="parts")
    key = models.CharField(max_length=32)
    body_packed = models.BinaryField()

    class Meta:
        constraints = (UniqueConstraint(fields=["version", "key"], name="store_part_key"),)


class Contract(models.Model):
    """What calls of an API are checked against, under an id that names its content."""

    id = models.CharField(max_length=32, primary_key=True)
    body_packed = models.BinaryField()
    created_at = models.DateTimeField()


class Operation(models.Model):
    """One method and path template. The row outlives re-imports that keep its id.

    `needs_data`: the scopes and roles that its document asks for. `deprecated_at` is when an import
    first had it as deprecated, `sunset_at` is what the document says of its end, `is_told` whether
    those who call it have been told.
    """

    row = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(APIVersion, on_delete=PROTECT, related_name="operations")
    id = models.CharField(max_length=OPERATION_ID_CHARACTERS_MAX)
    method = models.CharField(max_length=16)
    path = models.CharField(max_length=PATH_CHARACTERS_MAX)
    summary = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    is_deprecated = models.BooleanField(default=False)
    deprecated_at = models.DateTimeField(null=True, blank=True)
    sunset_at = models.DateTimeField(null=True, blank=True)
    is_told = models.BooleanField(default=False)
    cache_purges = models.PositiveIntegerField(default=0)
    needs_data = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (UniqueConstraint(fields=["version", "id"], name="store_operation_id"),)

    @property
    def needs(self) -> ScopeNeeds | None:
        """The same as a value; None where nothing is asked."""
        return from_data(ScopeNeeds, self.needs_data) if self.needs_data else None

    @property
    def notice(self) -> Notice | None:
        """What its callers are told of its end; None where nothing is."""
        if not self.is_deprecated or self.deprecated_at is None:
            return None
        return Notice(self.deprecated_at, self.sunset_at)

    def compiled(self, policies: tuple[PolicyUse, ...]) -> SnapshotOperation:
        """As a gateway serves it."""
        purges = self.cache_purges
        return SnapshotOperation(
            self.row, self.id, self.method, self.path, policies, purges, self.needs, self.notice
        )


def pack(data: object) -> bytes:
    """JSON, compressed."""
    return pack_bytes(json.dumps(data, separators=(",", ":")).encode())


def pack_bytes(data: bytes) -> bytes:
    """Compressed."""
    return zlib.compress(data, 6)


def unpack_bytes(packed: bytes | memoryview) -> bytes:
    """The reverse of `pack_bytes`."""
    return zlib.decompress(bytes(packed))


def unpack(packed: bytes | memoryview) -> dict[str, Any]:
    """The reverse of `pack`."""
    found: dict[str, Any] = json.loads(unpack_bytes(packed))
    return found
