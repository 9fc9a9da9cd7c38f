"""What is in a product, and which plan suits? Its APIs, and its plans compared."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from headgate.store.models import Plan, Subscription, User
from headgate.store.services.catalog import catalogue
from headgate.store.services.consumers import subscriptions
from headgate.web.portal import health
from headgate.web.portal.home import api_address
from headgate.web.site.signed_in import member, membership, open_to_all
from headgate.web.site.words import compared

OWN_SHOWN_MAX = 20  # subscriptions of the reader's organization


@open_to_all
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One product, open to everybody."""
    live = catalogue.published()
    offer = catalogue.offer(name, live)
    own = _own(request, name)
    shown = own[:OWN_SHOWN_MAX]
    return render(
        request,
        "portal/product.html",
        {
            "offer": offer,
            "entries": [
                (entry, api_address(entry.api.name), health.shown(entry.main, request))
                for entry in catalogue.entries(offer.apis, live)
            ],
            "plans": [(plan, _uses(plan, shown)) for plan in offer.plans],
            "rows": compared(offer.plans),
            "has_approval": any(plan.needs_approval for plan in offer.plans),
            "own": shown,
            "has_more": len(own) > len(shown),
        },
    )


def _own(request: HttpRequest, product: str) -> list[Subscription]:
    """The subscriptions of the reader's organization to the product, one more than is shown."""
    if not isinstance(request.user, User) or membership(request) is None:
        return []
    rows = subscriptions.visible(member(request)).filter(product__name=product)
    return list(rows.order_by("application__name")[: OWN_SHOWN_MAX + 1])


def _uses(plan: Plan, own: list[Subscription]) -> list[str]:
    return [one.application.name for one in own if one.plan_id == plan.pk]
