"""Which of oauthlib's endpoints answers a request, and how does its answer look on the wire?"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
import structlog
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.endpoints.introspect import IntrospectEndpoint
from oauthlib.oauth2.rfc6749.endpoints.revocation import RevocationEndpoint
from oauthlib.oauth2.rfc6749.endpoints.token import TokenEndpoint
from oauthlib.oauth2.rfc6749.grant_types import ClientCredentialsGrant, RefreshTokenGrant
from oauthlib.oauth2.rfc6749.tokens import BearerToken
from oauthlib.oauth2.rfc8628.endpoints.device_authorization import DeviceAuthorizationEndpoint
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant

from headgate.access.clients import Grant
from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.store.services.oauth import device_grants, token_issuer
from headgate.web.oauth.answers import dressed, unavailable
from headgate.web.oauth.limits import Limit
from headgate.web.oauth.validator import Validator, basic_credentials, token_seconds

FORM = "application/x-www-form-urlencoded"
PARAMETERS = (
    "client_id",
    "client_secret",
    "device_code",
    "grant_type",
    "refresh_token",
    "scope",
    "token",
    "token_type_hint",
)
"""What oauthlib gets to see: it would take others for its own (`user`, `scopes`)."""

# It writes tokens to its debug log
logging.getLogger("oauthlib").setLevel(logging.ERROR)
log = structlog.get_logger("headgate.web")


class Asked(NamedTuple):
    """One request, read. `url` is the endpoint's own, `grant` the kind of grant it names."""

    url: str
    grant: str
    body: str
    headers: dict[str, str]
    at: datetime
    requests: Limit


Answer = tuple[dict[str, str], Any, int]


def answer(
    request: HttpRequest, at: datetime, requests: Limit, ask: Callable[[Asked], Answer]
) -> HttpResponse:
    """What `ask` says to a request, or the error of RFC 6749 §5.2 that it ends in."""
    try:
        headers, body, status = ask(_read(request, at, requests))
    except errors.OAuth2Error as error:
        headers, body, status = {}, error.json, error.status_code
    except Problem as problem:
        return unavailable(problem.detail, 429 if problem.type is ProblemType.TOO_MANY else 503)
    except DependencyError as error:
        log.warning("dependency failed", error=str(error))
        return unavailable("Try again in a few seconds.", 503)
    response = HttpResponse(body if isinstance(body, str) else orjson.dumps(body), status=status)
    response["Content-Type"] = headers.get("Content-Type", "application/json")
    return dressed(response)


def token(asked: Asked) -> Answer:
    """A new access token."""
    validator = Validator(asked.at, asked.requests)
    bearer = BearerToken(validator, validator.access_token, token_seconds, validator.refresh_token)
    own = ClientCredentialsGrant(validator)
    endpoint = TokenEndpoint(
        default_grant_type=Grant.CLIENT_CREDENTIALS.value,
        default_token_type=bearer,  # type: ignore[arg-type]  # the types are wrong
        grant_types={
            Grant.CLIENT_CREDENTIALS.value: own,
            Grant.DEVICE_CODE.value: DeviceCodeGrant(validator),
            Grant.REFRESH_TOKEN.value: RefreshTokenGrant(validator),
        },
    )
    if asked.grant == Grant.CLIENT_CREDENTIALS:
        return _answer(endpoint.create_token_response, asked)  # writes nothing, waits for nobody
    with transaction.atomic():  # a grant that is used up and the token for it: both or neither
        return _answer(endpoint.create_token_response, asked)


def device(asked: Asked) -> Answer:
    """The two codes of a device that wants to be let in."""
    uri = f"{token_issuer.url()}/oauth/device"
    validator = Validator(asked.at, asked.requests)
    endpoint = DeviceAuthorizationEndpoint(
        validator,
        verification_uri=uri,
        expires_in=device_grants.LASTS_SECONDS,
        interval=device_grants.POLL_SECONDS,
    )
    made: dict[str, Any]
    headers, made, status = _answer(endpoint.create_device_authorization_response, asked)
    client = validator.client
    if client is None or Grant.DEVICE_CODE.value not in client.grants:
        raise errors.UnauthorizedClientError
    scopes = made.pop("scope", "").split()
    made["user_code"] = device_grants.begin(client, made["device_code"], scopes, asked.at)
    made["verification_uri_complete"] = f"{uri}?{urlencode({'user_code': made['user_code']})}"
    return headers, made, status


def revocation(asked: Asked) -> Answer:
    """Nothing, once the token is no longer good."""
    endpoint = RevocationEndpoint(Validator(asked.at, asked.requests))
    return _answer(endpoint.create_revocation_response, asked)


def introspection(asked: Asked) -> Answer:
    """What a token says, if it is good."""
    endpoint = IntrospectEndpoint(Validator(asked.at, asked.requests, is_secret_needed=True))
    return _answer(endpoint.create_introspect_response, asked)


def _answer(create: Callable[..., Answer], asked: Asked) -> Answer:
    return create(asked.url, http_method="POST", body=asked.body, headers=asked.headers)


def _read(request: HttpRequest, at: datetime, requests: Limit) -> Asked:
    """The parameters that OAuth knows, each once.

    Raises:
        InvalidRequestError, CustomOAuth2Error: what came is not what RFC 6749 §3.2 asks for.
    """
    if request.content_type != FORM:
        raise errors.InvalidRequestError(f"Send the parameters as {FORM}.")
    if request.GET:
        raise errors.InvalidRequestError("Send the parameters in the body, not in the URL.")
    given: dict[str, str] = {}
    for name, values in request.POST.lists():
        if len(values) > 1 and name in PARAMETERS:
            raise errors.InvalidRequestError(f"The parameter {name} was sent more than once.")
        if name in PARAMETERS and values[0]:
            given[name] = values[0]
    if any("\0" in value for value in given.values()):
        raise errors.InvalidRequestError("There is a NUL character in the request.")
    issuer = token_issuer.url()
    # RFC 8707: a client may say whom it wants a token for; there is one answer
    if any(place != token_issuer.audience(issuer) for place in request.POST.getlist("resource")):
        raise errors.CustomOAuth2Error(
            "invalid_target", f"Tokens are for {token_issuer.audience(issuer)}."
        )
    headers = {"Content-Type": FORM}
    if "Authorization" in request.headers:
        headers["Authorization"] = request.headers["Authorization"]
        # RFC 8628 §3.1 lets who authenticates leave the id out; oauthlib wants it
        given.setdefault("client_id", basic_credentials(headers["Authorization"])[0])
    body = urlencode({name: value for name, value in given.items() if value})
    grant = given.get("grant_type", "")
    return Asked(issuer + request.path, grant, body, headers, at, requests)
