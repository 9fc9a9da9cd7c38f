"""In which organization does a page of an application act? In the one that its address names."""

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from headgate.store.models import Application
from headgate.store.services.actor import Actor, not_found
from headgate.store.services.consumers import applications, people
from headgate.web.site.choosing import Choosable
from headgate.web.site.signed_in import origin, person


def member_of(request: HttpRequest, organization: str) -> Actor:
    """The person who is signed in, as a member of the organization.

    Raises:
        Problem: UNAUTHENTICATED; NOT_FOUND for one who is no member.
    """
    user = person(request)
    found = people.member(user, origin(request, user.email), organization)
    if found is None:
        raise not_found("organization", organization)
    return found


def application_of(request: HttpRequest, organization: str, name: str) -> tuple[Actor, Application]:
    """The person and the application that an address names.

    Raises:
        Problem: UNAUTHENTICATED; NOT_FOUND, also for an application of another organization.
    """
    actor = member_of(request, organization)
    return actor, applications.get(actor, f"{organization}/{name}")


def address_of(application: Application, page: str = "portal_application", *more: str) -> str:
    """A page of an application."""
    return reverse(page, args=[application.organization.name, application.name, *more])


def own_applications(actor: Actor) -> Choosable[Application]:
    """The applications of the actor's organization that the actor may act for, to choose from."""
    return Choosable(
        "application",
        applications.visible(actor).order_by("name"),
        ("name", "description"),
        value=lambda row: row.id,
        by=lambda sent: Q(id=sent),
        title=lambda row: row.name,
    )


def way_to(application: Application) -> list[tuple[str, str]]:
    """The pages above one that belongs to an application."""
    return [
        (_("Applications"), reverse("portal_applications")),
        (application.name, address_of(application)),
    ]
