"""How do Envoy, the introspector and the agent of a node speak with each other?

Envoy asks with the request's head (its ext_authz filter over HTTP). `ASK_HEADER` names the server
that knows the token, as the agent has written it into the introspector's settings. The answer is
always 200: headers for the access filter, which alone refuses. Source: RFC 7662.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ASK_HEADER = "x-headgate-introspect"
JWT_HEADER = "x-headgate-takes-jwt"
"""`yes` where another policy verifies what is written like a JSON Web Token."""

FOUND_HEADER = "x-headgate-introspected"
YES, NO, UNAVAILABLE = "yes", "no", "unavailable"
"""The values of `FOUND_HEADER`: good; not good, or nothing to ask about; nobody can say."""

METADATA_KEY = "introspect"
JWT_METADATA_KEY = "takes_jwt"
"""In the route's metadata: what Envoy writes into `ASK_HEADER` and `JWT_HEADER`."""

SOCKET_NAME = "introspector.sock"


@dataclass(frozen=True, slots=True)
class IntrospectionServer:
    """A server that says of a token whether it is good, and what counts as good.

    `id` names these settings, the secret included. Times in seconds.
    """

    id: str
    issuer: str
    endpoint: str
    client_id: str
    client_secret: str
    is_secret_in_body: bool
    audiences: Sequence[str]
    required_claims: Mapping[str, str]
    client_claims: Sequence[str]
    scope_claims: Sequence[str]
    role_claims: Sequence[str]
    claim_headers: Mapping[str, str]
    cache_seconds: float
    cache_entries_max: int
    timeout_seconds: float
    allow_private: bool
    keep_token: bool
    limit_claims: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class IntrospectionReading:
    """What the introspector of a node has done for one server since it started.

    `asked` counts calls to the server, `failed` those that brought no answer, `known` the
    requests answered from memory, `refused` those for which nobody was asked because too many
    waited, `forgotten` the entries that left a full memory. `error` is the last failure's reason,
    empty once the server has answered again.
    """

    issuer: str
    asked: int = 0
    failed: int = 0
    known: int = 0
    refused: int = 0
    forgotten: int = 0
    error: str = ""
