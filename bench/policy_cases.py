"""With which settings and requests is each policy measured, and which is not, and why?"""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from headgate.model.snapshot import PolicyUse

BUDGET = 1.05
ISSUER, CLIENT = "https://login.example.com", "robot"
PASSWORD = base64.b64encode(b"robot:correct-horse-battery-staple").decode()
PAGE = {"origin": "https://app.example.com"}
TOKEN_SECONDS = 3600
ERRORS = {"bodies": [{"content_type": "text/plain", "body": "{{status}}: {{title}}"}]}
BODY = '{"id": 7, "owner": {"name": "Ada", "email": "ada@example.com"}, "tags": ["a", "b"]}'
"""What the upstream answers."""


@dataclass(frozen=True, slots=True)
class Case:
    """One policy as it is measured. `what` says which of its ways, when it has several.

    `ratio_max` is to the same request to the same gateway without the policy; None where the
    policy does work that somebody wants done, which has no fair measure beside. `status` is that
    of each answer. `credential` is what opens the API: `opaque` is a token that the node's
    introspector asks about.
    """

    kind: str
    settings: Mapping[str, Any]
    what: str = ""
    ratio_max: float | None = BUDGET
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    credential: Literal["key", "token", "opaque", "password", "none"] = "key"
    note: str = ""

    @property
    def request(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What is sent beside key and path: cases of equal requests share one to compare with."""
        return self.method, tuple(sorted(self.headers.items()))

    @property
    def name(self) -> str:
        """`cache, from memory`."""
        return f"{self.kind}, {self.what}" if self.what else self.kind

    def use(self) -> PolicyUse:
        """The policy as an API has it."""
        return PolicyUse(self.kind, dict(self.settings))


NOT_MEASURED = {
    "mtls": "the suite `certificates` measures it: its callers speak TLS",
    "validate": "the suite `validation` measures it, with the validator beside Envoy",
}
"""Policies without a case, and the reason."""


def cases(endpoint: str = "http://127.0.0.1/introspect") -> list[Case]:
    """Every registered policy, in one or several of its ways; `endpoint` knows opaque tokens."""
    return [*_edge(), *_callers(), *_asking(endpoint), *_traffic(), *_bodies()]


def _edge() -> list[Case]:
    return [
        Case("cors", {"allow_origins": ["https://app.example.com"]}, headers=PAGE),
        Case("csrf", {"allow_hosts": ["app.example.com"]}, method="POST", headers=PAGE),
        Case("ip_filter", {"allow": ["127.0.0.0/8", "2001:db8::/32"], "deny": ["127.9.0.0/16"]}),
        Case("request_size", {"body_max": "10MB"}),
        Case("error_bodies", ERRORS, note="of a request that is not refused"),
        Case("cost", {"units": 3}),
        Case("maintenance", {}, status=503, note="the upstream is not asked"),
    ]


def _callers() -> list[Case]:
    issuer = {"issuer": ISSUER, "jwks": {"keys": [_key()[1]]}}
    note = "beside a key: RS256, 2,048 bits, verified before"
    return [
        Case("jwt", {"issuers": [issuer]}, "a token", 1.60, credential="token", note=note),
        Case("jwt", {"issuers": [issuer]}, "a key beside it"),
        Case("basic", {}, "a password", credential="password", note="beside a key"),
        Case("basic", {}, "a key"),
        Case("scopes", {"any_of": ["orders:read", "admin"]}, note="a key that may do everything"),
        Case("rate_limit", {"rates": ["1000000/second"], "per": "application"}),
        Case(
            "anonymous",
            {"rates": ["1000000/second"]},
            "a stranger",
            credential="none",
            note="beside a key with a plan",
        ),
    ]


def _asking(endpoint: str) -> list[Case]:
    server = {
        "issuer": ISSUER,
        "endpoint": endpoint,
        "client_id": "gateway",
        "client_secret": "${secret:bench}",
        "cache_seconds": TOKEN_SECONDS,
        "allow_private": True,
    }
    note = "Envoy and introspector, which Envoy asks over HTTP"
    token = "a token that was asked about before"
    return [
        Case("introspect", server, token, 1.60, credential="opaque", note=f"beside a key: {note}"),
        Case("introspect", server, "a key beside it", None, note=note),
    ]


def _traffic() -> list[Case]:
    auth = {"scheme": "header", "header": "X-Upstream-Key", "secret": "${secret:bench}"}
    changes = {"request": {"set": {"X-Source": "gateway"}}, "response": {"remove": ["X-Powered"]}}
    fault = {"abort_percent": 100, "when": {"x-tester": "yes"}}
    return [
        Case("fault", fault, "a call that it passes over"),
        Case("shield", {"name": "bench", "concurrency_min": 100}),
        Case("timeout", {"seconds": 30, "idle_seconds": 60}),
        Case("retry", {"retries": 2, "per_try_seconds": 5}),
        Case("affinity", {"header": "x-host"}),
        Case("headers", changes),
        Case("upstream_auth", auth),
        Case("rewrite", {"path": "/v2/items/{id}"}, "the path"),
        Case("rewrite", {"set_query": {"source": "gateway"}}, "the query"),
        Case("mock", {"body": '{"id": "{{path.id}}"}'}, note="the upstream is not asked"),
    ]


def _bodies() -> list[Case]:
    squeezed = {"accept-encoding": "gzip"}
    hit = {"ttl_seconds": 3600}
    return [
        Case("compression", {}, "a caller without Accept-Encoding"),
        Case("compression", {}, "an answer too small for it", headers=squeezed),
        Case("json_body", {"response": {"remove": ["/owner/email"]}}, "an answer", None),
        Case("json_body", {"request": {"set": {"/source": "gateway"}}}, "a call without a body"),
        Case("cache", {}, "an answer that is not stored"),
        Case("cache", hit, "from memory", note="the upstream is not asked"),
    ]


@lru_cache(maxsize=1)
def _key() -> tuple[rsa.RSAPrivateKey, dict[str, Any]]:
    """The issuer's key, and its public part as a JWK."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(made.public_key()))
    return made, public | {"kid": "one", "alg": "RS256"}


def token() -> str:
    """A token of the client that is good for the whole run."""
    claims = {"iss": ISSUER, "sub": CLIENT, "client_id": CLIENT, "jti": "1"}
    ends = int(time.time()) + TOKEN_SECONDS
    return jwt.encode(claims | {"exp": ends}, _key()[0], algorithm="RS256", headers={"kid": "one"})


def password_sha256() -> str:
    """By which the table knows the password."""
    return hashlib.sha256(f"basic\n{PASSWORD}".encode()).hexdigest()
