"""What does a view of the REST API know about its request?"""

from django.http import HttpRequest

from headgate.core.problems import Bug
from headgate.store.services.actor import Actor
from headgate.web.exchange import Exchange, exchange_of


def exchange(request: HttpRequest) -> Exchange:
    """The exchange behind a Django request.

    Raises:
        Bug: the request did not come through the envelope.
    """
    scope = getattr(request, "scope", None)
    if scope is None:
        raise Bug("a view was called around the envelope")
    return exchange_of(scope)


def actor(request: HttpRequest) -> Actor:
    """Who is asking. Fails closed: a view that is reached without a token is a bug of ours.

    Raises:
        Bug: nobody has been authenticated.
    """
    found = exchange(request).actor
    if found is None:
        raise Bug("a view was reached without authentication")
    return found


def request_id(request: HttpRequest) -> str:
    """The id under which the log and the audit speak of this request."""
    return exchange(request).request_id
