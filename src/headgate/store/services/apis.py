"""Which APIs are there, where are they served and where do their requests go?"""

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet

from headgate.catalog import base_path as base_paths
from headgate.core.problems import Problem, ProblemType
from headgate.model.codec import as_data
from headgate.model.snapshot import KeySource, Upstream
from headgate.store.models import API, APIVersion, Document, Operation, Subscription
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit, feed, gateways
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.transactions import change
from headgate.store.services.upstreams import Resolver, check_upstream, system_resolver
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


def operations(actor: Actor, name: str) -> list[Operation]:
    """The operations of an API by path and method.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    rows = version(find(name)).operations.filter(removed_at=None)
    return list(rows.order_by("path", "method", "pk"))


def document(actor: Actor, name: str) -> Document:
    """The document of an API, as it came and as bundled.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    return Document.objects.get(version=version(find(name)))


def update(
    actor: Actor,
    name: str,
    *,
    title: str | None = None,
    base_path: str | None = None,
    upstream: Upstream | None = None,
    key_sources: Sequence[KeySource] | None = None,
    is_open: bool | None = None,
    resolve: Resolver = system_resolver,
) -> API:
    """Change what is not None. `is_open` takes effect at once, the rest when it is published.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT; UNREACHABLE: the
            upstream's name is unknown; ALREADY_EXISTS: the base path is taken.
    """
    actor.require_operator(Scope.WRITE, "API")
    if upstream is not None:
        check_upstream(upstream, resolve)
    with change():
        api = find(name)
        served = version(api)
        before = fields(api)
        if title is not None:
            check_text(title, TITLE_CHARACTERS_MAX, "/title")
            api.title = title
            api.save()
        if base_path is not None:
            served.base_path = free_base_path(base_path, served)
        if upstream is not None:
            served.upstream = upstream
        if key_sources is not None:
            served.key_sources = check_key_sources(key_sources)
        if is_open is not None and is_open != served.is_open:
            served.is_open = is_open
            served.changed = feed.next_sequence()
        served.save()
        after = fields(api)
        if after != before:
            audit.record(actor, Action.API_CHANGED, name, before=before, after=after)
    return find(name)


@change()
def delete(actor: Actor, name: str) -> None:
    """Delete an API that is not published, and whose products nobody is subscribed to.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: published or subscribed.
    """
    actor.require_operator(Scope.WRITE, "API")
    api = find(name)
    served = version(api)
    published = gateways.published_on(served)
    if published:
        raise refused(
            f"The API '{name}' is published on the gateway '{published[0]}'.",
            f"Unpublish it first: headgate unpublish {name}.",
        )
    users = Subscription.objects.filter(product__apis=api, removed_at=None)
    subscriber = users.select_related("product", "application__organization").first()
    if subscriber is not None:
        raise refused(
            f"The API '{name}' is in the product '{subscriber.product.name}', to which "
            f"'{subscriber.application.path}' is subscribed.",
            "Take the API out of the product first.",
        )
    before = fields(api)
    api.products.clear()
    served.removed_at = api.removed_at = actor.at
    served.changed = feed.next_sequence()
    served.save()
    api.save()
    served.operations.filter(removed_at=None).update(removed_at=actor.at)
    audit.record(actor, Action.API_DELETED, name, before=before)


def find(name: str) -> API:
    """One API.

    Raises:
        Problem: NOT_FOUND.
    """
    api = _live().filter(name=name).first()
    if api is None:
        raise not_found("API", name)
    return api


def version(api: API) -> APIVersion:
    """The version of an API that is served; with `api` from a service, without a query."""
    return next(version for version in api.versions.all() if version.removed_at is None)


def free_base_path(text: str, own: APIVersion | None = None) -> str:
    """A base path as it is stored, which no other API has.

    Raises:
        Problem: INVALID_INPUT; ALREADY_EXISTS.
    """
    path = base_paths.normalise(text)
    taken = APIVersion.objects.filter(base_path=path, removed_at=None).select_related("api")
    if own is not None:
        taken = taken.exclude(pk=own.pk)
    other = taken.first()
    if other is not None:
        raise Problem(
            ProblemType.ALREADY_EXISTS,
            f"The API '{other.api.name}' has the base path '{path or '/'}' already.",
            "Choose another base path, or change that API's first.",
        )
    return path


def check_key_sources(sources: Sequence[KeySource]) -> tuple[KeySource, ...]:
    """Where callers may send the key.

    Raises:
        Problem: INVALID_INPUT: none, or too many.
    """
    if not 1 <= len(sources) <= KEY_SOURCES_MAX:
        raise invalid(f"An API has 1 to {KEY_SOURCES_MAX} key sources.", "/key_sources")
    return tuple(sources)


def fields(api: API) -> dict[str, Any]:
    """What the audit log keeps of an API: not its document."""
    served = version(api)
    return as_fields(api, "id", "name", "title") | {
        "version": served.name,
        "base_path": served.base_path,
        "upstream": as_data(served.upstream),
        "key_sources": [as_data(source) for source in served.key_sources],
        "is_open": served.is_open,
    }


def _live() -> QuerySet[API]:
    served = APIVersion.objects.filter(removed_at=None).select_related("api", "document")
    served = served.defer("document__original_packed", "document__bundled_packed")
    return API.objects.filter(removed_at=None).prefetch_related(Prefetch("versions", served))
