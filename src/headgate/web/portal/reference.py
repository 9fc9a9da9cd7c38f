"""What does a reader see of an API? Its operations, each on a page of its own, and files.

A page reads the parts of the document that it shows and nothing else. What is published is open
to all, as in the catalogue.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.catalog.dialect import Side
from headgate.catalog.reference.index import Entry, Tag
from headgate.catalog.reference.tree import opened
from headgate.catalog.sample import languages, samples
from headgate.store.models import SensitiveMark, User
from headgate.store.services.actor import not_found
from headgate.store.services.catalog import apis, catalogue, reference, reference_parts
from headgate.store.services.catalog.reference import File, Reference
from headgate.store.services.consumers import sensitive_marks, subscriptions
from headgate.web.api.downloads import as_attachment
from headgate.web.portal import data_access
from headgate.web.portal.home import cards
from headgate.web.site.signed_in import member, membership, open_to_all
from headgate.web.site.words import plan_words

BESIDE_MAX = 30  # operations in the list beside one
OWN_MAX = 20  # of the reader's applications
ENTRIES_SHOWN_MAX = 120  # operations in one list; with more, a group at a time
ADDRESS_CHARACTERS_MAX = 5_000
LANGUAGE_DEFAULT = "curl"


@dataclass(frozen=True, slots=True)
class Group:
    """Operations under one tag; `entries` are empty until the group is chosen."""

    tag: Tag
    count: int
    entries: tuple[Entry, ...]


@open_to_all
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The first page: what the API is, how it is called, and its operations."""
    found = found_for(name)
    query = request.GET.get("q", "").strip()
    chosen = request.GET.get("tag")
    context = (
        context_of(found)
        | {
            "own": _own(request, found),
            "q": query,
            "results": reference.search(found, query) if query else None,
            "groups": _groups(found, chosen),
            "files": list(File),
            "sensitive": sensitive_marks.marked(
                found.version.api, ((one.id, one.method, one.path) for one in found.index.entries)
            ),
        }
        | _sensitive(request, sensitive_marks.at(found.version.api))
        | _offered(found)
    )
    return render(request, "portal/reference/api.html", context)


@open_to_all
@require_safe
def operation(request: HttpRequest, name: str, slug: str) -> HttpResponse:
    """One operation, with a call of it in the language that the reader chose."""
    found = found_for(name)
    view = reference.operation(found, slug)
    call = reference.call(found, view, request.GET.get("body", ""))
    written = samples(call)
    wanted = request.GET.get("in", LANGUAGE_DEFAULT)
    chosen = wanted if wanted in languages else LANGUAGE_DEFAULT
    at = (view.entry.id, view.entry.method, view.entry.path)
    mark = sensitive_marks.of_operation(found.version.api, *at)
    context = context_of(found, next(iter(view.entry.tags), ""), view.entry.slug) | {
        "view": view,
        "entry": view.entry,
        "own": _own(request, found),
        "needs": reference.needs(found, view.entry),
        "languages": [(key, language.title) for key, language, _ in written],
        "chosen": chosen,
        "sample": next(text for key, _, text in written if key == chosen),
        "language": languages[chosen],
        **_sensitive(request, mark),
    }
    return render(request, "portal/reference/operation.html", context)


@open_to_all
@require_safe
def schema(request: HttpRequest, name: str, slug: str) -> HttpResponse:
    """One node of a schema, opened by a level: a part of a page, or a page of its own.

    Without the address of a node it is the operation's page.
    """
    if not request.GET:
        return operation(request, name, slug)
    found = found_for(name)
    entry = reference.entry(found, slug)
    side, at = request.GET.get("side", ""), request.GET.get("at", "")
    if side not in set(Side) or not at.startswith("/") or len(at) > ADDRESS_CHARACTERS_MAX:
        raise not_found("schema", at[:100])
    node = opened(reference_parts.parts(found.version), at, Side(side))
    is_part = "HX-Request" in request.headers
    template = "portal/reference/children.html" if is_part else "portal/reference/schema.html"
    context = context_of(found) | {"node": node, "side": side, "entry": entry}
    response = render(request, template, context)
    response["Vary"] = "HX-Request, Cookie, Accept-Language"
    return response


@open_to_all
@require_safe
def file(request: HttpRequest, name: str, file: str) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """A file for those who call the API."""
    if file not in set(File):
        raise not_found("file", file)
    return as_attachment(reference.made(found_for(name), File(file)))


def found_for(name: str) -> Reference:
    """What the reader may see.

    Raises:
        Problem: NOT_FOUND: it is not there, or published nowhere.
    """
    version = apis.served(name)
    if not catalogue.is_published(version):
        raise not_found("API", name)
    return reference.of(version)


def context_of(found: Reference, tag: str = "", slug: str = "") -> dict[str, Any]:
    """What every page of a reference knows: the API, and the operations beside this one."""
    groups = found.index.groups()
    return {
        "reference": found,
        "index": found.index,
        "version": found.version,
        "tags": [one for one, _ in groups],
        "beside": _around(next((some for one, some in groups if one.name == tag), ()), slug),
        "tag": tag,
    }


def _offered(found: Reference) -> dict[str, Any]:
    """The other versions, and the products with their plans that the API can be called under."""
    live = catalogue.published()
    known = catalogue.entries([found.version.api], live)
    offers = catalogue.offers(list(known[0].products), live) if known else []
    return {"versions": known[0].versions if known else (), "cards": cards(offers)}


def _own(request: HttpRequest, found: Reference) -> list[tuple[str, list[str]]]:
    """The reader's applications that may call the API, each with what its plan allows."""
    if not isinstance(request.user, User) or membership(request) is None:
        return []
    rows = subscriptions.visible(member(request)).filter(product__apis=found.version.api)
    ordered = rows.select_related("application", "plan__product").order_by("application__name")
    return [
        (one.application.name, plan_words(one.plan) or [_("not limited")])
        for one in ordered[:OWN_MAX]
    ]


def _sensitive(request: HttpRequest, mark: SensitiveMark | None) -> dict[str, Any]:
    """What has to be asked for, and what the reader's applications have of it."""
    is_person = isinstance(request.user, User)
    return {
        "mark": mark,
        "access": data_access.of_reader(request, mark) if mark and is_person else (),
    }


def _around(entries: tuple[Entry, ...], slug: str) -> tuple[Entry, ...]:
    """The operation and those next to it; nothing where none is shown."""
    at = next((number for number, one in enumerate(entries) if one.slug == slug), None)
    if at is None:
        return ()
    start = max(0, min(at - BESIDE_MAX // 2, len(entries) - BESIDE_MAX))
    return entries[start : start + BESIDE_MAX]


def _groups(found: Reference, chosen: str | None) -> list[Group]:
    """All operations where they are few; else those of the chosen group, and how many others."""
    groups = found.index.groups()
    is_few = len(found.index.entries) <= ENTRIES_SHOWN_MAX
    return [
        Group(tag, len(entries), entries if is_few or tag.name == chosen else ())
        for tag, entries in groups
    ]
