"""Which APIs are there, where are they served and where do their requests go?"""

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet

from headgate.catalog import base_path as base_paths
from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType
from headgate.gateway.version_choice import parse_choice
from headgate.model.codec import as_data
from headgate.model.snapshot import KeySource, Upstream
from headgate.store.models import (
    API,
    AccessRequest,
    APIVersion,
    Document,
    Operation,
    Subscription,
)
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.catalog.upstreams import Resolver, check_upstream, system_resolver
from headgate.store.services.consumers import data_access_ends
from headgate.store.services.gateway import gateways
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    as_fields,
    check_text,
    invalid,
    page_of,
    refused,
)

KEY_SOURCES_MAX = 8


def page(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT) -> Page[API]:
    """APIs in the order in which they were made."""
    actor.require_operator(Scope.READ, "API")
    return page_of(_live(), cursor, limit)


def get(actor: Actor, name: str) -> API:
    """One API.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    return find(name)


def get_version(actor: Actor, name: str) -> APIVersion:
    """The version that `pets` or `pets@v2` means.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    return served(name)


def operations(actor: Actor, name: str) -> list[Operation]:
    """The operations of an API by path and method.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    rows = served(name).operations.filter(removed_at=None)
    return list(rows.order_by("path", "method", "pk"))


def operation(actor: Actor, name: str, operation_id: str) -> Operation:
    """One operation of an API.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    return find_operation(name, operation_id)


def document(actor: Actor, name: str) -> Document:
    """The document of an API, as it came and as bundled.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    return Document.objects.get(version=served(name))


def update(
    actor: Actor,
    name: str,
    *,
    title: str | None = None,
    base_path: str | None = None,
    upstream: Upstream | None = None,
    key_sources: Sequence[KeySource] | None = None,
    is_open: bool | None = None,
    version_by: str | None = None,
    resolve: Resolver = system_resolver,
) -> APIVersion:
    """Change what is not None. `is_open` takes effect at once, the rest when it is published.

    `version_by` is the API's, whatever the version, and in force with its default version.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT; UNREACHABLE: the
            upstream's name is unknown; ALREADY_EXISTS: the base path is taken.
    """
    actor.require_operator(Scope.WRITE, "API")
    if upstream is not None:
        check_upstream(upstream, resolve)
    with change():
        row = served(name)
        before = fields(row)
        if title is not None:
            check_text(title, TITLE_CHARACTERS_MAX, "/title")
            row.api.title = title
            row.api.save()
        if version_by is not None:
            row.api.version_by = _choice(version_by)
            row.api.save()
        if base_path is not None:
            row.base_path = free_base_path(base_path, row)
        if upstream is not None:
            row.upstream = upstream
        if key_sources is not None:
            row.key_sources = check_key_sources(key_sources)
        if is_open is not None and is_open != row.is_open:
            row.is_open = is_open
            row.changed = feed.next_sequence()
        row.save()
        after = fields(row)
        if after != before:
            audit.record(actor, Action.API_CHANGED, name, before=before, after=after)
    return served(name)


@change()
def delete(actor: Actor, name: str) -> None:
    """Delete an API with all its versions, or one version that is not the default.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: something of it is
            published, or somebody is subscribed to one of its products.
    """
    actor.require_operator(Scope.WRITE, "API")
    row = served(name)
    rows = list(row.api.versions.filter(removed_at=None)) if row.is_default else [row]
    _refuse_published(rows)
    if not row.is_default:
        _end(actor, rows, name)
        return
    api = row.api
    users = Subscription.objects.filter(product__apis=api, removed_at=None)
    subscriber = users.select_related("product", "application__organization").first()
    if subscriber is not None:
        raise refused(
            phrase(
                "The API '{name}' is in the product '{product}', to which '{path}' is subscribed.",
                name=name,
                product=subscriber.product.name,
                path=subscriber.application.path,
            ),
            "Take the API out of the product first.",
        )
    _end(actor, rows, name)
    asked = AccessRequest.objects.filter(mark__api=api)
    data_access_ends.end_all(actor, asked, "The API was deleted.")
    api.products.clear()
    api.removed_at = actor.at
    api.save()


def _refuse_published(rows: Sequence[APIVersion]) -> None:
    for row in rows:
        if published := gateways.published_on(row):
            raise refused(
                phrase(
                    "The API '{path}' is published on the gateway '{published}'.",
                    path=row.path,
                    published=published[0],
                ),
                phrase("Unpublish it first: headgate unpublish {path}.", path=row.path),
            )


def _end(actor: Actor, rows: Sequence[APIVersion], name: str) -> None:
    """End versions that are live nowhere."""
    before = fields(rows[0])
    for row in rows:
        row.removed_at = actor.at
        row.changed = feed.next_sequence()
        row.save()
        row.operations.filter(removed_at=None).update(removed_at=actor.at)
    audit.record(actor, Action.API_DELETED, name, before=before)


def visible(actor: Actor) -> QuerySet[API]:
    """The APIs that the actor may know of, with their versions: all, or none at all."""
    actor.require_operator(Scope.READ, "API")
    return _live()


def find(reference: str) -> API:
    """The API that `pets` or `pets@v2` names.

    Raises:
        Problem: NOT_FOUND.
    """
    api = _live().filter(name=reference.partition("@")[0]).first()
    if api is None:
        raise not_found("API", reference)
    return api


def find_operation(reference: str, operation_id: str) -> Operation:
    """The operation of a version.

    Raises:
        Problem: NOT_FOUND.
    """
    found = served(reference).operations.filter(id=operation_id, removed_at=None).first()
    if found is None:
        raise not_found("operation", f"{reference} {operation_id}")
    return found


def served(reference: str) -> APIVersion:
    """The version that `pets@v2` names; `pets` means the default one.

    Raises:
        Problem: NOT_FOUND.
    """
    api = find(reference)
    _, has_version, wanted = reference.partition("@")
    if not has_version:
        return version(api)
    for row in api.versions.all():
        if row.name == wanted:
            return row
    raise not_found("API version", reference)


def version(api: API) -> APIVersion:
    """The default version of an API from a service; without a query."""
    return next(row for row in api.versions.all() if row.is_default and row.removed_at is None)


def free_base_path(text: str, own: APIVersion | None = None) -> str:
    """A base path as it is stored, which no other API has. Versions of one API may share theirs.

    Raises:
        Problem: INVALID_INPUT; ALREADY_EXISTS.
    """
    path = base_paths.normalise(text)
    taken = APIVersion.objects.filter(base_path=path, removed_at=None).select_related("api")
    if own is not None:
        taken = taken.exclude(api=own.api_id)
    other = taken.first()
    if other is not None:
        raise Problem(
            ProblemType.ALREADY_EXISTS,
            phrase(
                "The API '{name}' has the base path '{path}' already.",
                name=other.api.name,
                path=path or "/",
            ),
            "Choose another base path, or change that API's first.",
        )
    return path


def check_key_sources(sources: Sequence[KeySource]) -> tuple[KeySource, ...]:
    """Where callers may send the key.

    Raises:
        Problem: INVALID_INPUT: none, or too many.
    """
    if not 1 <= len(sources) <= KEY_SOURCES_MAX:
        raise invalid(
            phrase("An API has 1 to {most} key sources.", most=KEY_SOURCES_MAX), "/key_sources"
        )
    return tuple(sources)


def _choice(text: str) -> str:
    """How callers choose a version, as it is stored; empty for not at all.

    Raises:
        Problem: INVALID_INPUT.
    """
    try:
        return str(parse_choice(text)) if text else ""
    except ValueError as error:
        raise invalid(phrase("{error}.", error=error), "/version_by") from error


def fields(row: APIVersion) -> dict[str, Any]:
    """What the audit log keeps of an API's version: not its document."""
    return as_fields(row.api, "id", "name", "title") | {
        "version": row.name,
        "is_default": row.is_default,
        "base_path": row.base_path,
        "upstream": as_data(row.upstream),
        "key_sources": [as_data(source) for source in row.key_sources],
        "is_open": row.is_open,
        "version_by": row.api.version_by,
    }


def _live() -> QuerySet[API]:
    served = APIVersion.objects.filter(removed_at=None).select_related("api", "document")
    served = served.defer("document__original_packed", "document__bundled_packed")
    return API.objects.filter(removed_at=None).prefetch_related(Prefetch("versions", served))
