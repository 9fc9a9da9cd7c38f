"""What do our clients, devices and tokens say to oauthlib's questions?

oauthlib knows the protocol (which parameters, in which order, which error); this knows our store.
One validator serves one request, at one instant.

Source: RFC 6749, RFC 7009 (revocation), RFC 7662 (introspection), RFC 8628 (devices).
"""

# ruff: noqa: ARG002  # the signatures are oauthlib's

import base64
import binascii
from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.openid.connect.core.request_validator import RequestValidator

from headgate.access.clients import Grant
from headgate.core.problems import Bug
from headgate.model.scopes import in_order
from headgate.store.models import OAuthClient, RefreshGrant
from headgate.store.services.oauth import (
    access_tokens,
    client_authentication,
    device_grants,
    refresh_grants,
)
from headgate.store.services.oauth.access_tokens import AccessToken
from headgate.web.oauth.limits import Limit

CREDENTIAL_CHARACTERS_MAX = 256  # of a client id or a secret that is looked at


class TooManyRequests(errors.OAuth2Error):  # type: ignore[misc,unused-ignore]  # oauthlib has no types of its own
    """A client asks more often than any needs to: a token is good for minutes at least."""

    error = "temporarily_unavailable"
    status_code = 429
    description = "Too many requests. Use a token until it ends, and wait before the next try."


class Validator(RequestValidator):  # type: ignore[misc,unused-ignore]  # as above
    """Answers for one request. `is_secret_needed`: a public client will not do."""

    def __init__(self, at: datetime, requests: Limit, *, is_secret_needed: bool = False) -> None:
        self._at = at
        self._requests = requests
        self._is_secret_needed = is_secret_needed
        self.client: OAuthClient | None = None
        self._subject = ""
        self._token: AccessToken | None = None
        self._grant: RefreshGrant | None = None

    # Who is asking

    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Whoever sends a secret is judged by it; who sends none may be a public client."""
        has_secret = bool(request.client_secret) or "Authorization" in request.headers
        return self._is_secret_needed or has_secret

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        client_id, secret = _presented(request)
        found = client_authentication.with_secret(client_id, secret, self._at)
        return self._take(request, found)

    def authenticate_client_id(
        self, client_id: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        found = client_authentication.public(_short(client_id), self._at)
        return self._take(request, found)

    def validate_client_id(self, *args: Any, **kwargs: Any) -> bool:
        """Nothing is said here: one answer for ids that are not there and for wrong secrets."""
        return True

    # What it may ask for

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type in _client(client).grants

    def get_default_scopes(
        self, client_id: str, request: Request, *args: Any, **kwargs: Any
    ) -> list[str]:
        """All of the client's; none for a device: what it gets was decided before."""
        if request.grant_type == Grant.DEVICE_CODE.value:
            return []
        return list(_client(request.client).scopes)

    def validate_scopes(
        self,
        client_id: str,
        scopes: Collection[str] | None,
        client: Any,
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        request.scopes = in_order(scopes or ())
        return set(request.scopes) <= set(_client(client).scopes)

    def validate_device_code(
        self, client_id: str, code: str, request: Request, *args: Any, **kwargs: Any
    ) -> str | None:
        client = _client(request.client)
        polled = device_grants.poll(client, code, self._at)
        if polled is None:
            return None
        self._subject = polled.subject
        request.scopes = [scope for scope in polled.scopes if scope in client.scopes]
        request.scope = None  # a device cannot ask for more when it comes for its token
        return polled.status.value

    def validate_refresh_token(
        self, refresh_token: str, client: Any, *args: Any, **kwargs: Any
    ) -> bool:
        self._grant = refresh_grants.find(_client(client), refresh_token, self._at)
        return self._grant is not None

    def get_original_scopes(
        self, refresh_token: str, request: Request, *args: Any, **kwargs: Any
    ) -> list[str]:
        """What was granted, as far as the client still has it."""
        granted = self._grant.scopes if self._grant is not None else []
        return [scope for scope in granted if scope in _client(request.client).scopes]

    # What it gets

    def access_token(self, request: Request) -> str:
        """oauthlib's hook: the text of the new access token."""
        client = _client(request.client)
        subject = self._grant.subject if self._grant is not None else self._subject
        self._token = access_tokens.issue(
            client, subject=subject or client.id, scopes=request.scopes or [], at=self._at
        )
        return self._token.text

    def refresh_token(self, request: Request) -> str:
        """oauthlib's hook: the text of the new refresh token; called after `access_token`."""
        if self._token is None:
            raise Bug("a refresh token was asked for before its access token")
        if self._grant is not None:
            presented = str(request.refresh_token)
            return refresh_grants.renew(self._grant, presented, self._token, self._at).text
        return refresh_grants.begin(
            _client(request.client),
            subject=self._subject,
            scopes=list(request.scopes or []),
            token=self._token,
            at=self._at,
        ).text

    def save_bearer_token(self, *args: Any, **kwargs: Any) -> None:
        """Access tokens are not stored; refresh tokens were when they were made."""

    # What becomes of a token

    def revoke_token(
        self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        client = _client(request.client)
        if not access_tokens.revoke(client, token, self._at):
            refresh_grants.revoke(client, token, self._at)

    def introspect_token(
        self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any
    ) -> dict[str, Any] | None:
        viewer = _client(request.client)
        claims = access_tokens.introspect(token, self._at, viewer=viewer)
        return None if claims is None else claims | {"token_type": "Bearer"}

    def _take(self, request: Request, client: OAuthClient | None) -> bool:
        if client is None:
            return False
        if not self._requests.take(client.id):
            raise TooManyRequests(request=request)
        self.client = request.client = client
        request.client_id = client.id
        return True


def token_seconds(request: Request) -> int:
    """oauthlib's hook: how long the new token lives."""
    return _client(request.client).token_seconds


def _presented(request: Request) -> tuple[str, str]:
    """The client id and the secret of a request, from one place.

    Raises:
        InvalidRequestError: from two places, or two different ids.
    """
    field = request.headers.get("Authorization")
    in_body = _short(request.client_id), _short(request.client_secret)
    if field is None:
        return in_body
    if request.client_secret:
        raise errors.InvalidRequestError(
            "Send the client's secret in one place: Authorization or the body.", request=request
        )
    client_id, secret = basic_credentials(field)
    if in_body[0] and in_body[0] != client_id:
        return "", ""
    return client_id, secret


def basic_credentials(field: str) -> tuple[str, str]:
    """Id and secret of `Authorization: Basic …`, form-encoded inside. Source: RFC 6749 §2.3.1."""
    scheme, _, encoded = field.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return "", ""
    client_id, _, secret = text.partition(":")
    return _short(unquote_plus(client_id)), _short(unquote_plus(secret))


def _short(text: Any) -> str:
    """A text that may be looked up; empty for one that cannot be an id or a secret."""
    is_plain = isinstance(text, str) and text.isascii() and text.isprintable()
    return text if is_plain and len(text) <= CREDENTIAL_CHARACTERS_MAX else ""


def _client(found: Any) -> OAuthClient:
    if not isinstance(found, OAuthClient):
        raise Bug("a question about a client that nobody has authenticated")
    return found
