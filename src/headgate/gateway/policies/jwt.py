"""Whose tokens open an API, and which application does a token speak for?"""

import json
from collections.abc import Iterable
from hashlib import sha256
from itertools import zip_longest
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from headgate.core.phrases import phrase
from headgate.gateway.header_names import RESERVED, RESERVED_STARTS
from headgate.gateway.policy import HTTPFilter, Policy, Stage, chosen, policies
from headgate.gateway.token_algorithms import Algorithm, limited
from headgate.model.introspection import JWT_METADATA_KEY, YES
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.snapshot import SnapshotAPI, SnapshotOperation
from headgate.model.token_facts import (
    CLAIM_HEADERS,
    CLIENT_HEADERS,
    FACTS,
    REQUIRED_HEADERS,
    ROLE_HEADERS,
    SCOPE_HEADERS,
)

NAME = "headgate.jwt"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3."
TOKENS_REMEMBERED_MAX = 1000  # per worker and issuer: a token seen before is not verified again
ISSUERS_MAX = 8
CLAIMS_MAX = 2  # of one meaning
NO_CLAIM = "iss.none"
"""A path to a claim that no token has, for `iss` is a text. Envoy takes from a request only the
headers that a claim is for: one that the access filter reads must have one, or a caller writes it.
"""
NAME_DIGITS = 12
FLAG_TOKENS = "t"  # letters behind the operation's row in a route's name: `filter/tokens.zig`
FLAG_NO_KEYS = "n"
FLAG_UNKNOWN_CLIENTS = "u"
FLAG_CLAIMS = "c"
FLAG_REQUIRED = "r"
FLAG_KEPT = "k"
REQUIRED_KEY = "required-{number}"  # of the route's metadata: `filter/scopes.zig`


class Issuer(BaseModel):
    """An authorization server whose tokens are taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(
        min_length=1, max_length=200, description="The claim `iss` of its tokens, exactly."
    )
    audiences: list[str] = Field(
        [], max_length=16, description="One of them must stand in `aud`; none: it is not checked."
    )
    jwks_url: str = Field(
        "",
        max_length=500,
        description="Where its keys are; by default as its metadata says (RFC 8414).",
    )
    jwks: dict[str, Any] | None = Field(
        None, description="Its keys themselves, a JWK Set (RFC 7517); nothing is fetched then."
    )
    algorithms: list[Algorithm] = Field(
        [],
        max_length=10,
        description="The only ones its tokens may be signed with; none: all that its keys are for.",
    )
    client_claims: list[str] = Field(
        ["client_id", "azp"],
        min_length=1,
        max_length=CLAIMS_MAX,
        description="The claim that names the client; the first that a token has counts.",
    )
    scope_claims: list[str] = Field(
        ["scope", "scp"],
        max_length=CLAIMS_MAX,
        description="Claims that hold scopes: a text of words, or a list.",
    )
    role_claims: list[str] = Field(
        ["roles"],
        max_length=CLAIMS_MAX,
        description="Claims that hold roles: a list, or one; `realm_access.roles` for one inside.",
    )

    @field_validator("jwks")
    @classmethod
    def _is_key_set(cls, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if given is None:
            return None
        keys = given.get("keys")
        if not isinstance(keys, list) or not keys:
            raise ValueError(phrase('a JWK Set is {{"keys": [...]}} with at least one key'))
        for key in keys:
            if not isinstance(key, dict) or str(key.get("kty")) not in {"RSA", "EC", "OKP"}:
                raise ValueError(phrase("only public keys are taken: of kty RSA, EC or OKP"))
            if "d" in key:
                raise ValueError(phrase("this is a private key; give the public part alone"))
        return given

    def taken_keys(self) -> dict[str, Any]:
        """A JWK Set of the keys for the algorithms that are taken; maybe empty."""
        return limited(self.jwks or {"keys": []}, self.algorithms)


@policies.register("jwt")
class JWT(Policy):
    """Take JSON Web Tokens of the listed issuers, in `Authorization: Bearer`, beside keys.

    Signature, issuer, audience and dates are verified at the gateway. The token's issuer and client
    lead to an application (`headgate client trust`); its subscriptions and limits hold as for a
    key. A bearer token that is presented decides: one that is not good is refused, even with a good
    key beside it. Algorithms are those of the issuer's keys (RS, PS, ES 256 to 512, EdDSA), or
    those that you list: `none` and shared secrets never pass, nor a token with `crit`, for no such
    extension is known here. An issuer's keys are fetched ahead of need and kept: one that is down
    breaks no token whose key is known. Fails closed: no keys, no caller.

    Source: RFC 7519, RFC 7515, RFC 8725, RFC 6750; Envoy,
    `envoy.extensions.filters.http.jwt_authn.v3`.
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    order: ClassVar[int] = 10
    tells_claims: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "issuers": [
            {"issuer": "https://login.example.com", "audiences": ["https://api.example.com"]}
        ]
    }

    issuers: list[Issuer] = Field([], max_length=ISSUERS_MAX, description="Whose tokens are taken.")
    own: bool = Field(
        default=False, description="Take the tokens of this installation's own server as well."
    )
    unknown_clients: bool = Field(
        default=False,
        description="Let good tokens pass whose client belongs to no application, without a plan.",
    )
    clock_skew_seconds: int = Field(
        60, ge=0, le=600, description="How far the clocks of issuer and gateway may be apart."
    )
    required_claims: dict[str, str] = Field(
        {},
        max_length=len(REQUIRED_HEADERS),
        description="Claims that a token must have: claim → its value, or one of its words or"
        " items.",
    )
    claim_headers: dict[str, str] = Field(
        {}, max_length=16, description="Claims to tell the upstream: claim → header."
    )
    keep_token: bool = Field(
        default=False, description="Whether the token goes on to the upstream."
    )

    _limit_claims: tuple[str, ...] = PrivateAttr(())

    @field_validator("claim_headers")
    @classmethod
    def _are_free(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers.values():
            lower = name.lower()
            if lower in RESERVED or lower.startswith(
                (*RESERVED_STARTS, "x-headgate-", "authorization")
            ):
                raise ValueError(
                    phrase("{name!r} is reserved: the gateway itself depends on it", name=name)
                )
        return headers

    @model_validator(mode="after")
    def _has_issuers(self) -> "JWT":
        names = [one.issuer for one in self.issuers]
        if not names and not self.own:
            raise ValueError(
                phrase("name at least one issuer, or take the installation's `own` tokens")
            )
        if len(set(names)) != len(names):
            raise ValueError(phrase("an issuer stands twice"))
        return self

    def with_claims(self, claims: tuple[str, ...]) -> Self:
        if not claims:
            return self
        made = self.model_copy()
        made._limit_claims = claims  # noqa: SLF001  # its own copy's
        return made

    def filters(self) -> Iterable[HTTPFilter]:
        known = self._known()
        if not known:
            return []
        providers = {f"issuer-{n}": self._provider(one) for n, one in enumerate(known, 1)}
        either: list[dict[str, Any]] = [{"provider_name": name} for name in providers]
        either.append({"allow_missing_or_failed": {}})  # the access filter refuses, and records it
        chain = {
            "@type": TYPE + "JwtAuthentication",
            "providers": providers,
            "rules": [
                {"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": either}}}
            ],
        }
        digest = sha256(json.dumps(chain, sort_keys=True).encode()).hexdigest()[:NAME_DIGITS]
        return [chosen(NAME, digest, chain)]

    @classmethod
    def standing(cls) -> Iterable[HTTPFilter]:
        return [chosen(NAME, "", {})]  # the example's keys are not there

    def route_flags(self) -> str:
        if not self._known():
            return FLAG_NO_KEYS
        flags = FLAG_TOKENS + (FLAG_UNKNOWN_CLIENTS if self.unknown_clients else "")
        flags += FLAG_REQUIRED if self.required_claims else ""
        flags += FLAG_KEPT if self.keep_token else ""
        return flags + (FLAG_CLAIMS if self._limit_claims else "")

    def route_metadata(
        self, api: SnapshotAPI, operation: SnapshotOperation
    ) -> dict[str, dict[str, Any]]:
        """That what looks like such a token is no other policy's, and what it must say."""
        del api, operation
        values = enumerate(self.required_claims.values(), 1)
        required = {REQUIRED_KEY.format(number=number): value for number, value in values}
        return {METADATA_NAMESPACE: {JWT_METADATA_KEY: YES, **required}}

    def _known(self) -> list[Issuer]:
        """The issuers whose keys are there, at least one for an algorithm that is taken."""
        return [one for one in self.issuers if one.jwks is not None and one.taken_keys()["keys"]]

    def _provider(self, issuer: Issuer) -> dict[str, Any]:
        told = [{"header_name": header, "claim_name": claim} for claim, header in FACTS.items()]
        for headers, claims in (
            (CLIENT_HEADERS, issuer.client_claims),
            (SCOPE_HEADERS, issuer.scope_claims),
            (ROLE_HEADERS, issuer.role_claims),
            (CLAIM_HEADERS[: len(self._limit_claims)], self._limit_claims),
            (REQUIRED_HEADERS[: len(self.required_claims)], self.required_claims),
        ):
            pairs = zip_longest(headers, claims, fillvalue=NO_CLAIM)
            told += [{"header_name": header, "claim_name": claim} for header, claim in pairs]
        told += [
            {"header_name": header.lower(), "claim_name": claim}
            for claim, header in self.claim_headers.items()
        ]
        made: dict[str, Any] = {
            "issuer": issuer.issuer,
            "local_jwks": {"inline_string": json.dumps(issuer.taken_keys(), sort_keys=True)},
            "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
            "forward": True,  # the access filter looks at the token's header, then takes it out
            "require_expiration": True,
            "clock_skew_seconds": self.clock_skew_seconds,
            "jwt_cache_config": {"jwt_cache_size": TOKENS_REMEMBERED_MAX},
            "claim_to_headers": told,
        }
        return made | ({"audiences": list(issuer.audiences)} if issuer.audiences else {})
