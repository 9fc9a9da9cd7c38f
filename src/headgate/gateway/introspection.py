"""Is a token good by what its server says of it, and which servers does a gateway ask?"""

import base64
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson
from pydantic import ValidationError

from headgate.gateway.claims import Claims, claims_by_api
from headgate.gateway.policy import parse, policies
from headgate.gateway.secrets import BEGIN
from headgate.model.introspection import FOUND_HEADER, YES, IntrospectionServer
from headgate.model.snapshot import PolicyUse, Snapshot
from headgate.model.token_facts import (
    CLAIM_HEADERS,
    CLIENT_HEADERS,
    FACTS,
    ROLE_HEADERS,
    SCOPE_HEADERS,
)

HEADER_BYTES_MAX = 4096  # of one claim; a longer one is not handed over
KEEP_OUT = "x-envoy-auth-headers-to-remove"  # Envoy's ext_authz takes what it lists away
Headers = tuple[tuple[str, str], ...]


def servers(*snapshots: Snapshot) -> tuple[IntrospectionServer, ...]:
    """Every server that an operation of these snapshots asks; one whose secret is missing is left
    out."""
    found = {}
    for use, claims in (pair for snapshot in snapshots for pair in _uses(snapshot)):
        if use.kind in policies and policies[use.kind].asks_server:
            with suppress(ValidationError):  # nobody is asked then, which fails closed
                server = parse(use).with_claims(claims).server
                if server is not None and BEGIN not in server.client_secret:
                    found[server.id] = server
    return tuple(found.values())


def judged(
    server: IntrospectionServer, said: Mapping[str, Any], *, now_s: float
) -> tuple[Headers, float] | None:
    """The headers for a good token, and for how many seconds it is known to be good; None when it
    is not. `said` is the server's answer. Source: RFC 7662 §2.2.
    """
    ends, begins = _instant(said.get("exp")), _instant(said.get("nbf"))
    left = server.cache_seconds if ends is None else min(server.cache_seconds, ends - now_s)
    is_good = (
        said.get("active") is True
        and (ends is None or ends > now_s)
        and (begins is None or begins <= now_s)
        and said.get("iss", server.issuer) == server.issuer
        and (not server.audiences or bool(set(server.audiences) & set(_words(said.get("aud")))))
        and all(_has(said.get(name), value) for name, value in server.required_claims.items())
    )
    return (tuple(_headers(server, said)), max(0.0, left)) if is_good else None


def _headers(server: IntrospectionServer, said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield FOUND_HEADER, YES
    facts = dict(said) | {"iss": server.issuer}
    clients = (said[name] for name in server.client_claims if said.get(name))
    told = [(header, facts.get(claim)) for claim, header in FACTS.items()]
    told.append((CLIENT_HEADERS[0], next(clients, None)))
    told += zip(SCOPE_HEADERS, (said.get(name) for name in server.scope_claims), strict=False)
    told += zip(ROLE_HEADERS, (_inner(said, name) for name in server.role_claims), strict=False)
    told += zip(CLAIM_HEADERS, (_inner(said, name) for name in server.limit_claims), strict=False)
    told += [(header.lower(), said.get(claim)) for claim, header in server.claim_headers.items()]
    for name, value in told:
        text = _text(value)
        if text and len(text.encode()) <= HEADER_BYTES_MAX:
            yield name, text
    if not server.keep_token:
        yield KEEP_OUT, "authorization"


def _inner(said: Mapping[str, Any], name: str) -> object:
    """A claim, or one within another as `realm_access.roles`."""
    if name in said:
        return said[name]
    outer, _, inner = name.partition(".")
    found = said.get(outer)
    return _inner(found, inner) if inner and isinstance(found, dict) else None


def _text(value: object) -> str:
    """A claim as a header's value: text as it is, what has parts as base64 of its JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "".join(c if c.isprintable() else "_" for c in value).strip()
    if isinstance(value, (dict, list)):
        return base64.b64encode(orjson.dumps(value)).decode()
    return orjson.dumps(value).decode()


def _words(value: object) -> list[str]:
    """A claim that is one text or several: `scope` as words, `aud` as a text or a list."""
    if isinstance(value, list):
        return [str(one) for one in value]
    return str(value).split(" ") if value else []


def _has(value: object, wanted: str) -> bool:
    return value is not None and (_text(value) == wanted or wanted in _words(value))


def _instant(value: object) -> float | None:
    """Seconds since 1970; what is no number has passed: fails closed."""
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(str(value)) if is_number else 0.0


def _uses(snapshot: Snapshot) -> Iterator[tuple[PolicyUse, Claims]]:
    """Every policy with the claims that limits count by where it holds."""
    claims = claims_by_api(snapshot)
    for found in {(), *claims.values()}:
        yield from ((use, found) for use in snapshot.policies)
    for api in snapshot.apis:
        of_api = claims.get(api.name, ())
        yield from ((use, of_api) for use in api.policies)
        for operation in api.operations:
            yield from ((use, of_api) for use in operation.policies)
