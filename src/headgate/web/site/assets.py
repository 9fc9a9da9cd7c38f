"""What are pages made of? Style sheets, scripts and pictures: from this host, cached for good.

An address holds a digest of its content, so that a browser asks once and an upgrade is seen at
once. Files come from the packages (`static/` of ours, of allauth, of htmx); everything is read
at the first request for it and kept, compressed: there are a few dozen, fixed at build time.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

DIGEST_CHARACTERS = 12
CACHED_FOR_GOOD = "public, max-age=31536000, immutable"
CACHED_A_WHILE = "public, max-age=300"
COMPRESSED_FROM_BYTES = 1_000
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
SERVED = frozenset({*TYPES, ".png", ".ico", ".woff2"})


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. `compressed` is empty where that would not be shorter."""

    content: bytes
    compressed: bytes
    digest: str
    media_type: str


class HashedStorage(StaticFilesStorage):
    """Gives `{% static %}` addresses with the digest in them."""

    def url(self, name: str | None, *args: object, **kwargs: object) -> str:  # noqa: ARG002  # Django's signature
        found = asset(name or "")
        return f"{self.base_url}{name}?v={found.digest}" if found else f"{self.base_url}{name}"


@cache
def asset(name: str) -> Asset | None:
    """The file of this name, or None. Only names that templates hold and finders know get kept."""
    path = finders.find(name) if Path(name).suffix in SERVED else None
    if not isinstance(path, str):
        return None
    content = Path(path).read_bytes()
    compressed = gzip.compress(content, 9, mtime=0) if len(content) > COMPRESSED_FROM_BYTES else b""
    suffix = Path(name).suffix
    return Asset(
        content,
        compressed if len(compressed) < len(content) else b"",
        hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS],
        TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream",
    )


@require_safe
def serve(request: HttpRequest, name: str) -> HttpResponse:
    """One file; 304 where the browser has it, 404 where there is none."""
    found = asset(name) if finders.find(name) else None
    if found is None:
        raise Http404
    tag = f'"{found.digest}"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    elif found.compressed and "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(found.compressed, content_type=found.media_type)
        response["Content-Encoding"] = "gzip"
    else:
        response = HttpResponse(found.content, content_type=found.media_type)
    is_exact = request.GET.get("v") == found.digest
    response["Cache-Control"] = CACHED_FOR_GOOD if is_exact else CACHED_A_WHILE
    response["ETag"] = tag
    response["Vary"] = "Accept-Encoding"
    return response
