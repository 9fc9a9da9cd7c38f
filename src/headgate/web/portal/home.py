"""What does a developer see first? What there is to call, and where they are with it."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.store.models import Operation
from headgate.store.services.catalog import catalogue
from headgate.store.services.catalog.catalogue import Entry, Offer
from headgate.store.services.consumers import people
from headgate.web.portal import health
from headgate.web.portal.progress import progress
from headgate.web.site.signed_in import open_to_all
from headgate.web.site.words import plan_words

CARDS_PER_PAGE = 24
PRODUCTS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Card:
    """A product with its plans, each with its limits in words."""

    offer: Offer
    plans: list[tuple[Any, list[str]]]


@open_to_all
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The start page, open to everybody: APIs, products with plans, a search over both."""
    text = request.GET.get("q", "").strip()[: catalogue.QUESTION_CHARACTERS_MAX]
    live = catalogue.published()
    pages = Paginator(catalogue.apis(live, text), CARDS_PER_PAGE)
    shown = pages.get_page(request.GET.get("page"))
    entries = catalogue.entries(shown.object_list, live)
    found = catalogue.products(live, text)
    if request.GET.get("format") == "json":
        return JsonResponse(_json(entries, pages.count, shown.number, pages.num_pages))
    return render(
        request,
        "portal/home.html",
        {
            "is_new": people.is_empty(),
            "q": text,
            "entries": [
                (entry, api_address(entry.api.name), health.shown(entry.main, request))
                for entry in entries
            ],
            "page": shown,
            "operations": [
                (row, operation_address(row)) for row in catalogue.operations(live, text)
            ],
            "cards": cards(catalogue.offers(list(found[:PRODUCTS_SHOWN]), live)),
            "products_total": found.count(),
            "steps": [] if text or shown.number > 1 else progress(request),
        },
    )


@open_to_all
@require_safe
def products(request: HttpRequest) -> HttpResponse:
    """All products, page by page."""
    text = request.GET.get("q", "").strip()[: catalogue.QUESTION_CHARACTERS_MAX]
    live = catalogue.published()
    shown = Paginator(catalogue.products(live, text), CARDS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    found = catalogue.offers(list(shown.object_list), live)
    return render(
        request, "portal/products.html", {"q": text, "page": shown, "cards": cards(found)}
    )


def cards(offers: list[Offer]) -> list[Card]:
    """Products with their plans in words."""
    return [
        Card(offer, [(plan, plan_words(plan) or [_("not limited")]) for plan in offer.plans])
        for offer in offers
    ]


def api_address(name: str) -> str:
    """Where the reference of an API is."""
    return reverse("portal_api", args=[name])


def operation_address(row: Operation) -> str:
    """Where an operation is described."""
    return reverse("portal_operation", args=[row.version.path, row.id])


def _json(entries: list[Entry], total: int, number: int, pages: int) -> dict[str, Any]:
    return {
        "apis": [
            {
                "name": entry.api.name,
                "title": entry.title,
                "description": entry.document.about if entry.document else "",
                "tags": entry.document.tags if entry.document else [],
                "versions": [version.name for version in entry.versions],
                "operations": entry.operations,
                "is_open": entry.main.is_open,
                "products": [product.name for product in entry.products],
            }
            for entry in entries
        ],
        "total": total,
        "page": number,
        "pages": pages,
    }
