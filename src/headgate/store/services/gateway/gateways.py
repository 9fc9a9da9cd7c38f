"""Which gateways are there, and what is live on each?"""

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import Phrase, phrase
from headgate.store.models import APIVersion, Gateway, Revision
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    already_exists,
    as_fields,
    check_name,
    check_text,
    page_of,
    refused,
)

DEFAULT_GATEWAY = "default"
GATEWAYS_MAX = 100


def listed(actor: Actor) -> list[Gateway]:
    """All gateways, at most `GATEWAYS_MAX`."""
    actor.require_operator(Scope.READ, "gateway")
    return list(Gateway.objects.filter(removed_at=None).order_by("pk"))


def get(actor: Actor, name: str) -> Gateway:
    """One gateway.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "gateway")
    return find(name)


@change()
def create(actor: Actor, *, name: str, title: str = "") -> Gateway:
    """A new gateway without nodes, on which nothing is published.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; INVALID_INPUT; ALREADY_EXISTS; CONFLICT:
            there are too many.
    """
    actor.require_operator(Scope.ADMIN, "gateway")
    check_name(name)
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    live = Gateway.objects.filter(removed_at=None)
    if live.filter(name=name).exists():
        raise already_exists("a gateway", name)
    if live.count() >= GATEWAYS_MAX:
        raise refused(
            phrase("There are {most} gateways already.", most=GATEWAYS_MAX), "Delete one first."
        )
    gateway = Gateway.objects.create(id=new_id("gtw"), created_at=actor.at, name=name, title=title)
    audit.record(actor, Action.GATEWAY_CREATED, name, after=fields(gateway))
    return gateway


@change()
def update(actor: Actor, name: str, *, title: str) -> Gateway:
    """Change the title.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND; INVALID_INPUT.
    """
    actor.require_operator(Scope.ADMIN, "gateway")
    check_text(title, TITLE_CHARACTERS_MAX, "/title")
    gateway = find(name)
    if gateway.title == title:
        return gateway
    before = fields(gateway)
    gateway.title = title
    gateway.save(update_fields=["title"])
    audit.record(actor, Action.GATEWAY_CHANGED, name, before=before, after=fields(gateway))
    return gateway


def visible(actor: Actor) -> QuerySet[Gateway]:
    """The gateways that the actor may know of: all, or none at all."""
    actor.require_operator(Scope.READ, "gateway")
    return Gateway.objects.filter(removed_at=None)


def serving() -> QuerySet[Revision]:
    """The revisions that gateways serve, by the names of these."""
    rows = Revision.objects.filter(
        gateway__removed_at=None, gateway__revision__gt=0, number=F("gateway__revision")
    )
    return rows.select_related("gateway").order_by("gateway__name")


def live_versions() -> dict[int, list[Gateway]]:
    """Where each version is live, by its row: gateways by name."""
    found: dict[int, list[Gateway]] = {}
    for revision in serving():
        for row in revision.apis:
            found.setdefault(int(row), []).append(revision.gateway)
    return found


def live_since() -> dict[str, datetime]:
    """When what is live on each gateway was published, by its name."""
    return dict(serving().values_list("gateway__name", "created_at"))


def find(name: str) -> Gateway:
    """One gateway.

    Raises:
        Problem: NOT_FOUND.
    """
    gateway = Gateway.objects.filter(name=name, removed_at=None).first()
    if gateway is None:
        raise not_found("gateway", name)
    return gateway


def revisions(
    actor: Actor, name: str, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Revision]:
    """The kept revisions of a gateway, newest first.

    Raises:
        Problem: NOT_FOUND: the gateway.
    """
    actor.require_operator(Scope.READ, "gateway")
    rows = Revision.objects.filter(gateway=find(name))
    return page_of(rows, cursor, limit, newest_first=True)


def live_apis(gateway: Gateway) -> dict[str, int]:
    """What is live: rows of API versions (as text) to rows of compiled APIs."""
    if gateway.revision == 0:
        return {}
    return dict(gateway.revisions.get(number=gateway.revision).apis)


def published_on(version: APIVersion) -> list[str]:
    """The names of the gateways on which an API version is live."""
    return [gateway.name for gateway in live_versions().get(version.pk, ())]


def not_published(api: str, gateway: str) -> Phrase:
    """What is wrong where something is to be done with an API that is not live there."""
    return phrase(
        "The API '{api}' is not published on the gateway '{gateway}'.", api=api, gateway=gateway
    )


def fields(gateway: Gateway) -> dict[str, Any]:
    """What the audit log keeps of a gateway."""
    return as_fields(gateway, "id", "name", "title", "revision")
