"""What is in a product, and which plan suits? Its APIs, and its plans compared."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from headgate.store.models import Plan, Subscription, User
from headgate.store.services import catalogue, subscriptions
from headgate.web.portal.home import api_address
from headgate.web.site.signed_in import member, membership, open_to_all
from headgate.web.site.words import compared


@open_to_all
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One product, open to everybody."""
    live = catalogue.published()
    offer = catalogue.offer(name, live)
    own = _own(request, name)
    return render(
        request,
        "portal/product.html",
        {
            "offer": offer,
            "entries": [
                (entry, api_address(entry.api.name))
                for entry in catalogue.entries(offer.apis, live)
            ],
            "plans": [(plan, _uses(plan, own)) for plan in offer.plans],
            "rows": compared(offer.plans),
            "has_approval": any(plan.needs_approval for plan in offer.plans),
            "own": own,
        },
    )


def _own(request: HttpRequest, product: str) -> list[Subscription]:
    """The subscriptions of the reader's organization to the product."""
    if not isinstance(request.user, User) or membership(request) is None:
        return []
    rows = subscriptions.visible(member(request)).filter(product__name=product)
    return list(rows.order_by("application__name"))


def _uses(plan: Plan, own: list[Subscription]) -> list[str]:
    return [one.application.name for one in own if one.plan_id == plan.pk]
