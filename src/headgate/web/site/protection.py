"""What protects every page? Which hosts it is asked under, and what a browser may do with it.

Fails closed: a name that is not ours is answered 421, so that no other site's name can be made
to point here (DNS rebinding), and so that nothing is ever built from a stranger's Host field.
"""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from headgate.store.environment import public_url, sign_in_providers

CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'{providers}; frame-ancestors 'none'"
)
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",  # Django's CSRF check of forms over TLS reads it
}


class Protection:
    """Refuses foreign hosts and dresses every answer; outermost of the pages' middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._own = urlsplit(public_url()).netloc.lower()
        self._headers = HEADERS | {"Content-Security-Policy": CSP.format(providers=_providers())}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_own_host(request.META.get("HTTP_HOST", ""), self._own):
            return HttpResponse(
                "This name is not Headgate's. Set HEADGATE_PUBLIC_URL to the address that"
                " people use, and start again.",
                status=421,
                content_type="text/plain; charset=utf-8",
            )
        response = self._get_response(request)
        for name, value in self._headers.items():
            response.setdefault(name, value)
        return response


def _providers() -> str:
    """The origins that a sign-in form may lead to, by way of a redirect."""
    servers = (urlsplit(one["settings"]["server_url"]) for one in sign_in_providers())
    return "".join(f" {server.scheme}://{server.netloc}" for server in servers)


def is_own_host(host: str, own: str) -> bool:
    """Whether a Host field names us: the public name, this machine, or a bare address.

    With a public name, bare addresses other than loopback are refused too: a page has one name.
    """
    if own and host.lower() == own:
        return True
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not own
