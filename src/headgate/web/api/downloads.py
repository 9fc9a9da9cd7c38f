"""REST: the files that an API's reference offers to its callers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from headgate.store.services.catalog import reference
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow

router = Router()
_CONTENT: dict[str, Any] = {
    "application/json": {"schema": {"type": "object"}},
    "application/yaml": {"schema": {"type": "string"}},
    "application/zip": {"schema": {"type": "string", "format": "binary"}},
}


@router.get(
    "/apis/{name}/downloads/{file}",
    operation_id="downloadReference",
    openapi_extra={"responses": {200: {"description": "The file.", "content": _CONTENT}}},
)
@is_slow
def download_reference(request: HttpRequest, name: str, file: reference.File) -> HttpResponse:
    """The API as its callers see it: an OpenAPI document, a Postman collection, a Python client.

    It names the gateway's address and what the gateway asks for, and nothing internal.
    """
    return as_attachment(reference.download(actor(request), name, file))


def as_attachment(found: reference.Download) -> HttpResponse:
    """A file that a browser keeps, whatever is in it."""
    response = HttpResponse(found.body, content_type=found.content_type)
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
