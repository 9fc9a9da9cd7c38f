"""Who is looking at this page, and as what? A person, in the console or in an organization.

Fails closed: every view needs a person who is signed in, but those marked `@open_to_all`. What a
person may see and do is decided by the services, by the same rules as for tokens.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from headgate.core.clock import SystemClock
from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.store.models import Membership, User
from headgate.store.services.actor import Actor
from headgate.store.services.consumers import people
from headgate.web.api.requests import exchange

V = TypeVar("V", bound=Callable[..., Any])
ORGANIZATION_KEY = "organization"  # in the session: the one that was chosen last
OPEN_PREFIXES = ("/account/", "/static/")  # allauth guards its own pages
_clock = SystemClock()


def open_to_all(view: V) -> V:
    """Mark a view that answers strangers too."""
    return login_not_required(view)


class SignedIn:
    """Shows strangers the sign-in page in the place of a page that is not for them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Any,
        args: Any,  # noqa: ARG002  # Django's signature
        kwargs: Any,  # noqa: ARG002  # likewise
    ) -> HttpResponse | None:
        """Before a view: 401 with the sign-in page unless it may answer."""
        if request.user.is_authenticated:
            exchange(request).actor = origin(request, request.user.email)
            return None
        if request.path.startswith(OPEN_PREFIXES) or not getattr(view, "login_required", True):
            return None
        # Its templates need the middleware's work done: only now
        from headgate.web.site.failures import stranger

        return stranger(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page of a problem; what is no problem is a fault of ours, for Django to log."""
        if not isinstance(error, Problem | DependencyError):
            return None
        from headgate.web.site.failures import shown  # as above

        return shown(request, error)


def person(request: HttpRequest) -> User:
    """The person who is signed in.

    Raises:
        Problem: UNAUTHENTICATED.
    """
    if isinstance(request.user, User):
        return request.user
    raise Problem(ProblemType.UNAUTHENTICATED, "Nobody is signed in.", "Sign in.")


def origin(request: HttpRequest, name: str = "visitor") -> Actor:
    """Now, and from where: an actor without any right."""
    found = exchange(request)
    return Actor(
        name=name,
        scopes=frozenset(),
        at=_clock.now(),
        address=found.address,
        request_id=found.request_id,
    )


def operator(request: HttpRequest) -> Actor:
    """The person in the console.

    Raises:
        Problem: NOT_FOUND for a person without a role there, who may not learn what is in it.
    """
    found = people.operator(person(request), origin(request))
    if found is None:
        raise Problem(
            ProblemType.NOT_FOUND,
            "There is nothing here for you.",
            "Ask an administrator for a role in the console, if you should have one.",
        )
    return found


def organizations(request: HttpRequest) -> list[Membership]:
    """Where the person is a member, by name; read once per request."""
    if not hasattr(request, "_memberships"):
        user = request.user
        found = list(people.memberships(user)) if isinstance(user, User) else []
        request._memberships = found  # type: ignore[attr-defined]  # noqa: SLF001  # ours, per request
    result: list[Membership] = request._memberships  # type: ignore[attr-defined]  # noqa: SLF001  # see above
    return result


def membership(request: HttpRequest) -> Membership | None:
    """The person's place in the organization that was chosen last, or the first one."""
    found = organizations(request)
    chosen = request.session.get(ORGANIZATION_KEY, "")
    by_id = {one.organization.id: one for one in found}
    return by_id.get(chosen) or (found[0] if found else None)


def choose(request: HttpRequest, organization_id: str) -> None:
    """Make an organization the one that pages speak of."""
    request.session[ORGANIZATION_KEY] = organization_id


def member(request: HttpRequest) -> Actor:
    """The person in the organization that was chosen.

    Raises:
        Problem: NOT_FOUND for a person who belongs to none.
    """
    place = membership(request)
    found = (
        people.member(person(request), origin(request), place.organization.name) if place else None
    )
    if found is None:
        raise Problem(
            ProblemType.NOT_FOUND,
            "You do not belong to an organization yet.",
            "Make one, or ask a colleague to invite you.",
        )
    return found
