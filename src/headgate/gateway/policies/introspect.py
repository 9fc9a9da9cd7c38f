"""Whose opaque tokens open an API, and which application does a token speak for?"""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import orjson
from pydantic import Field, PrivateAttr, field_validator

from headgate.core.phrases import phrase
from headgate.gateway.header_names import header_error
from headgate.gateway.policy import INTROSPECTOR, HTTPFilter, Policy, Stage, policies
from headgate.gateway.secrets import SecretText
from headgate.model.introspection import (
    ASK_HEADER,
    FOUND_HEADER,
    JWT_HEADER,
    JWT_METADATA_KEY,
    METADATA_KEY,
    IntrospectionServer,
)
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.snapshot import SnapshotAPI, SnapshotOperation
from headgate.model.token_facts import (
    CLAIM_HEADERS,
    CLIENT_HEADERS,
    FACTS,
    ROLE_HEADERS,
    SCOPE_HEADERS,
)

NAME = "headgate.introspect"
CLEAN_NAME = "headgate.introspect.clean"
CLEAN_ORDER = 5  # before every filter that tells the access filter something
ASK_TYPE = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
CLEAN_TYPE = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
TOLD = (FOUND_HEADER, *FACTS.values(), *CLIENT_HEADERS, *SCOPE_HEADERS, *ROLE_HEADERS)
FLAG_OPAQUE = "o"  # letters behind the operation's row in a route's name: `filter/tokens.zig`
FLAG_UNKNOWN_CLIENTS = "w"
FLAG_CLAIMS = "c"
TIMEOUT_SECONDS_MAX = 5.0
WAIT_SECONDS_MAX = TIMEOUT_SECONDS_MAX + 1  # for the introspector, which waits for the server
ID_DIGITS = 16


class SecretPlace(StrEnum):
    """Where the introspection endpoint wants the client's secret (RFC 6749 §2.3.1)."""

    BASIC = "basic"
    BODY = "body"


@policies.register("introspect")
class Introspect(Policy):
    """Take opaque tokens of another authorization server, in `Authorization: Bearer`.

    Which application a token speaks for, the server itself says (RFC 7662). It is asked by a
    process of the node beside Envoy, over kept connections, at most once for one token at a time;
    the answer is remembered for `cache_seconds` (never beyond the token's own end), a refusal for
    at most 5 seconds. So a token that was revoked there stops within `cache_seconds`. The token's
    issuer and client lead to an application (`headgate client trust`); its subscriptions and limits
    hold as for a key. A bearer token that is presented decides: one that is not good is refused,
    even with a good key beside it. With the policy `jwt` on the same operation, tokens that are
    written as JSON Web Tokens are that policy's.

    Fails closed, always: while the server or the process does not answer, tokens that are not
    remembered get 503, recorded as `introspection_down`; keys and JSON Web Tokens go on. Calls of
    the policy's operations are a question to the process each, others pay nothing.

    Source: RFC 7662, RFC 6750; Envoy, `envoy.extensions.filters.http.ext_authz.v3`.
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    order: ClassVar[int] = 20
    example: ClassVar[dict[str, Any]] = {
        "issuer": "https://login.example.com",
        "endpoint": "https://login.example.com/oauth/introspect",
        "client_id": "gateway",
        "client_secret": "${secret:introspection}",
    }
    asks_server: ClassVar[bool] = True
    tells_claims: ClassVar[bool] = True

    issuer: str = Field(
        min_length=1,
        max_length=200,
        description="The server's name for `headgate client trust`, and the claim `iss` if it has"
        " one.",
    )
    endpoint: str = Field(
        max_length=500, description="The URL of its introspection endpoint, http or https."
    )
    client_id: str = Field(
        min_length=1, max_length=200, description="The client as which the gateway asks."
    )
    client_secret: SecretText = Field(description="That client's secret: `${secret:NAME}`.")
    secret_in: SecretPlace = Field(
        SecretPlace.BASIC, description="How the client shows its secret to the server."
    )
    audiences: list[str] = Field(
        [], max_length=16, description="One of them must stand in `aud`; none: it is not checked."
    )
    required_claims: dict[str, str] = Field(
        {},
        max_length=16,
        description="Claims that a token must have: claim → its value, or one of its words or"
        " items.",
    )
    client_claims: list[str] = Field(
        ["client_id", "azp"],
        min_length=1,
        max_length=len(CLIENT_HEADERS),
        description="The claim that names the client; the first that a token has counts.",
    )
    scope_claims: list[str] = Field(
        ["scope", "scp"],
        max_length=len(SCOPE_HEADERS),
        description="Claims that hold scopes: a text of words, or a list.",
    )
    role_claims: list[str] = Field(
        ["roles"],
        max_length=len(ROLE_HEADERS),
        description="Claims that hold roles: a list, or one; `realm_access.roles` for one inside.",
    )
    unknown_clients: bool = Field(
        default=False,
        description="Let good tokens pass whose client belongs to no application, without a plan.",
    )
    claim_headers: dict[str, str] = Field(
        {}, max_length=16, description="Claims to tell the upstream: claim → header."
    )
    keep_token: bool = Field(
        default=False, description="Whether the token goes on to the upstream."
    )
    cache_seconds: int = Field(
        30, ge=0, le=3600, description="How long a good token is believed without asking again."
    )
    cache_entries: int = Field(
        10_000,
        ge=1,
        le=100_000,
        description="How many good tokens are remembered, and as many bad ones apart from them;"
        " those that were not used for longest are forgotten.",
    )
    timeout_seconds: float = Field(
        2.0, ge=0.1, le=TIMEOUT_SECONDS_MAX, description="How long the server may take."
    )
    allow_private: bool = Field(
        default=False, description="Whether the server may have an address of a private network."
    )

    _limit_claims: tuple[str, ...] = PrivateAttr(())

    @field_validator("endpoint")
    @classmethod
    def _is_url(cls, given: str) -> str:
        parts = urlsplit(given)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
            raise ValueError(
                phrase("write the whole URL, like https://login.example.com/introspect")
            )
        if parts.username is not None or parts.password is not None:
            raise ValueError(phrase("the secret does not stand in the URL; use client_secret"))
        return given

    @field_validator("claim_headers")
    @classmethod
    def _are_free(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers.values():
            if (error := header_error(name)) is not None:
                raise ValueError(error)
            if name.lower().startswith(("x-headgate-", "authorization")):
                raise ValueError(
                    phrase("{name!r} is reserved: the gateway itself depends on it", name=name)
                )
        return headers

    def with_claims(self, claims: tuple[str, ...]) -> Self:
        if not claims:
            return self
        made = self.model_copy()
        made._limit_claims = claims  # noqa: SLF001  # its own copy's
        return made

    @property
    def server(self) -> IntrospectionServer:
        settings = self.model_dump(mode="json")
        if self._limit_claims:
            settings["limit_claims"] = self._limit_claims
        digest = sha256(orjson.dumps(settings, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return IntrospectionServer(
            id=digest[:ID_DIGITS],
            issuer=self.issuer,
            endpoint=self.endpoint,
            client_id=self.client_id,
            client_secret=str(self.client_secret),
            is_secret_in_body=self.secret_in is SecretPlace.BODY,
            audiences=tuple(self.audiences),
            required_claims=self.required_claims,
            client_claims=tuple(self.client_claims),
            scope_claims=tuple(self.scope_claims),
            role_claims=tuple(self.role_claims),
            limit_claims=self._limit_claims,
            claim_headers=self.claim_headers,
            cache_seconds=self.cache_seconds,
            cache_entries_max=self.cache_entries,
            timeout_seconds=self.timeout_seconds,
            allow_private=self.allow_private,
            keep_token=self.keep_token,
        )

    def filters(self) -> Iterable[HTTPFilter]:
        more = (header.lower() for header in self.claim_headers.values())
        told = sorted({*TOLD, *more, *CLAIM_HEADERS[: len(self._limit_claims)]})
        removals = [{"remove": name} for name in (*told, ASK_HEADER, JWT_HEADER)]
        yield HTTPFilter(
            CLEAN_NAME,
            {"@type": CLEAN_TYPE, "mutations": {}},
            {"@type": f"{CLEAN_TYPE}PerRoute", "mutations": {"request_mutations": removals}},
            order=CLEAN_ORDER,
        )
        others = sorted(set(told) - set(TOLD))
        suffix = f".{sha256(' '.join(others).encode()).hexdigest()[:ID_DIGITS]}" if others else ""
        yield HTTPFilter(
            NAME + suffix,
            _asking(told),
            {"@type": f"{ASK_TYPE}PerRoute", "check_settings": {}},
            asks=INTROSPECTOR,
        )

    def route_flags(self) -> str:
        flags = FLAG_OPAQUE + (FLAG_UNKNOWN_CLIENTS if self.unknown_clients else "")
        return flags + (FLAG_CLAIMS if self._limit_claims else "")

    def route_metadata(
        self, api: SnapshotAPI, operation: SnapshotOperation
    ) -> dict[str, dict[str, Any]]:
        """Which server to ask."""
        del api, operation
        return {METADATA_NAMESPACE: {METADATA_KEY: self.server.id}}


def _asking(told: list[str]) -> dict[str, Any]:
    """Envoy's call to the introspector. Without an answer the request goes on without the word of
    one, and the access filter refuses it."""
    words = {ASK_HEADER: METADATA_KEY, JWT_HEADER: JWT_METADATA_KEY}
    asked = [
        {"key": header, "value": f"%METADATA(ROUTE:{METADATA_NAMESPACE}:{key})%"}
        for header, key in words.items()
    ]
    return {
        "@type": ASK_TYPE,
        "stat_prefix": "introspect",
        "failure_mode_allow": True,
        "allowed_headers": {"patterns": [{"exact": "authorization"}]},
        "http_service": {
            "server_uri": {
                "uri": f"http://{INTROSPECTOR}",
                "cluster": INTROSPECTOR,
                "timeout": f"{WAIT_SECONDS_MAX:g}s",
            },
            "authorization_request": {"headers_to_add": asked},
            "authorization_response": {
                "allowed_upstream_headers": {"patterns": [{"exact": name} for name in told]}
            },
        },
    }
