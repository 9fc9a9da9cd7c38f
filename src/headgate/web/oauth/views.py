"""Which URL of the authorization server does what? Programs speak these; people see `device`.

Rates: a client may ask so often, and an address that fails to say who it is may fail so often.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from headgate.access.clients import Grant
from headgate.core.clock import SystemClock
from headgate.core.problems import Problem
from headgate.model.tokens import ALGORITHM
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import tokens
from headgate.store.services.oauth import access_tokens, token_issuer
from headgate.web.api.requests import exchange, request_id
from headgate.web.oauth.answers import TOO_MANY_FAILURES, dressed, refused, unavailable
from headgate.web.oauth.limits import Limit

REQUESTS_PER_MINUTE = 120  # of one client: a token an hour is enough, a fleet may share a client
FAILURES_PER_MINUTE = 30  # of one address
KEYS_CACHED_SECONDS = 3600
METADATA_CACHED_SECONDS = 3600
BEARER = "bearer "

_clock = SystemClock()
_requests = Limit(REQUESTS_PER_MINUTE, _clock)
_failures = Limit(FAILURES_PER_MINUTE, _clock)


@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """A new access token. Source: RFC 6749 §3.2."""
    return _answer(request, "token")


@require_POST
def device_authorization(request: HttpRequest) -> HttpResponse:
    """The codes of a device that wants to be let in. Source: RFC 8628 §3.1."""
    return _answer(request, "device")


@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """The end of a token, at the gateways too. Source: RFC 7009."""
    return _answer(request, "revocation")


@require_POST
def introspect(request: HttpRequest) -> HttpResponse:
    """What a token says, if it is good now. Source: RFC 7662.

    Asked by a client about tokens of its organization, or by the holder of a token of the REST
    API with the scope `read`: an API behind the gateway, say.
    """
    field = request.headers.get("Authorization", "")
    if field.lower().startswith(BEARER):
        return _introspect_as(request, field[len(BEARER) :].strip())
    return _answer(request, "introspection")


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The public keys. Source: RFC 7517 §5."""
    body = {"keys": token_issuer.published_keys()}
    return _public(body, KEYS_CACHED_SECONDS, "application/jwk-set+json")


@require_safe
def metadata(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """What this server can do, and where. Source: RFC 8414 §2; OpenID Connect Discovery 1.0 §3.

    There is no authorization endpoint: people sign applications in by the code of a device.
    """
    issuer = token_issuer.url()
    secret = ["client_secret_basic", "client_secret_post"]
    return _public(
        {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth/token",
            "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "introspection_endpoint": f"{issuer}/oauth/introspect",
            "jwks_uri": f"{issuer}/oauth/jwks.json",
            "grant_types_supported": [grant.value for grant in Grant],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": [*secret, "none"],
            "revocation_endpoint_auth_methods_supported": [*secret, "none"],
            "introspection_endpoint_auth_methods_supported": secret,
        },
        METADATA_CACHED_SECONDS,
        "application/json",
    )


def _answer(request: HttpRequest, endpoint: str) -> HttpResponse:
    """What an endpoint of oauthlib says; an address that failed too often is not let near it."""
    # oauthlib takes an eighth of a second to load: only who uses it pays
    from headgate.web.oauth import server

    endpoints = {
        "token": server.token,
        "device": server.device,
        "revocation": server.revocation,
        "introspection": server.introspection,
    }
    address = exchange(request).address
    if _failures.wait_seconds(address):
        return unavailable(TOO_MANY_FAILURES, 429)
    found = server.answer(request, _clock.now(), _requests, endpoints[endpoint])
    if found.status_code == 401:
        _failures.take(address)
    return found


def _introspect_as(request: HttpRequest, text: str) -> HttpResponse:
    at, address = _clock.now(), exchange(request).address
    if _failures.wait_seconds(address):
        return unavailable(TOO_MANY_FAILURES, 429)
    try:
        viewer: Actor = tokens.authenticate(
            text, at=at, address=address, request_id=request_id(request)
        )
        viewer.require(Scope.READ)
    except Problem as problem:
        _failures.take(address)
        refusal = refused("invalid_token", problem.detail, problem.status)
        if problem.status == 401:
            refusal["WWW-Authenticate"] = 'Bearer realm="headgate", error="invalid_token"'
        return refusal
    asked = request.POST.getlist("token")
    if len(asked) != 1 or not asked[0]:
        return refused("invalid_request", "Send one token.", 400)
    claims = access_tokens.introspect(asked[0], at, viewer=viewer)
    known = {"active": True, **claims, "token_type": "Bearer"} if claims else {"active": False}
    return dressed(JsonResponse(known))


def _public(body: dict[str, Any], seconds: int, content_type: str) -> HttpResponse:
    """An answer that anybody may keep for a while, pages of other origins too."""
    response = JsonResponse(body, content_type=content_type)
    response["Cache-Control"] = f"public, max-age={seconds}"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
