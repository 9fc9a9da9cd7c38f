"""With which keys do other authorization servers sign? Asked again and again, ahead of need.

An issuer that does not answer changes nothing: its keys stay as they are. One that answers is
believed: a key that it takes out of its set counts no longer. So tokens pass through a change of
keys if the issuer publishes the new key `REFRESH` before it signs with it, as issuers do.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from headgate.catalog.document import Fetched
from headgate.core.phrases import phrase
from headgate.core.problems import Problem
from headgate.model.snapshot import PolicyUse
from headgate.store.models import ForeignIssuer, PolicyAttachment
from headgate.store.models.issuers import ERROR_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import publishing
from headgate.store.services.transactions import change

KIND = "jwt"
REFRESH = timedelta(seconds=10)
RETRY = timedelta(seconds=5)
KEYS_MAX = 50  # of one issuer
ISSUERS_MAX = 200
PUBLIC_FIELDS = frozenset({"kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"})
METADATA_PATHS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")

Fetch = Callable[[str], Fetched]


def refresh(actor: Actor, fetch: Fetch) -> list[str]:
    """Fetch the keys of every named issuer that are due; the issuers whose keys have changed.

    New keys reach gateways as a revision with the same content.
    """
    changed = []
    for issuer, jwks_url in sorted(_named().items())[:ISSUERS_MAX]:
        row = ForeignIssuer.objects.filter(issuer=issuer).first()
        if row is not None and row.jwks_url == jwks_url and not _is_due(row, actor.at):
            continue
        if _fetch_one(actor, issuer, jwks_url, fetch):
            changed.append(issuer)
    if changed:
        with change():
            publishing.renew(actor, f"keys of {', '.join(changed)}")
    return changed


def troubles() -> list[ForeignIssuer]:
    """Named issuers whose keys could not be fetched at the last try."""
    rows = ForeignIssuer.objects.filter(issuer__in=_named()).exclude(error="")
    return list(rows.order_by("issuer"))


def visible(actor: Actor) -> QuerySet[ForeignIssuer]:
    """The issuers that policies name, as far as they were asked: all, or none at all.

    Raises:
        Problem: FORBIDDEN without the scope `read`; NOT_FOUND for an organization's token.
    """
    actor.require_operator(Scope.READ, "issuer")
    return ForeignIssuer.objects.filter(issuer__in=_named())


def key_count(row: ForeignIssuer) -> int:
    """How many keys of an issuer are known."""
    return len(json.loads(row.jwks)["keys"]) if row.jwks else 0


def _named() -> dict[str, str]:
    """The issuers whose keys have to be fetched, with where they are if a policy says so."""
    found: dict[str, str] = {}
    for row in PolicyAttachment.objects.filter(kind=KIND):
        for one in _issuers(PolicyUse(row.kind, row.settings)):
            if not one.get("jwks"):
                found[one["issuer"]] = one.get("jwks_url", "") or found.get(one["issuer"], "")
    return found


def _issuers(use: PolicyUse) -> Iterable[dict[str, Any]]:
    return [one for one in use.settings.get("issuers", ()) if one.get("issuer")]


def _is_due(row: ForeignIssuer, now: datetime) -> bool:
    return now - row.tried_at >= (RETRY if row.error else REFRESH)


def _fetch_one(actor: Actor, issuer: str, jwks_url: str, fetch: Fetch) -> bool:
    """Whether the keys are others than before."""
    row = ForeignIssuer.objects.filter(issuer=issuer).first() or ForeignIssuer(issuer=issuer)
    row.jwks_url, row.tried_at, row.error = jwks_url, actor.at, ""
    before = row.jwks
    try:
        keys = _keys(fetch(jwks_url or _metadata(issuer, fetch)).text)
        row.jwks = json.dumps({"keys": keys}, sort_keys=True)
        row.fetched_at = actor.at
    except (Problem, ValueError) as error:
        row.error = str(error)[:ERROR_CHARACTERS_MAX]
    row.save()
    return row.jwks != before


def _metadata(issuer: str, fetch: Fetch) -> str:
    """Where the issuer says its keys are. Source: OpenID Connect Discovery §4; RFC 8414 §3."""
    for path in METADATA_PATHS:
        try:
            found = json.loads(fetch(issuer.rstrip("/") + path).text)
        except Problem:
            if path == METADATA_PATHS[-1]:
                raise
            continue
        if not isinstance(found, dict) or found.get("issuer") != issuer:
            raise ValueError(
                phrase("the metadata at {path} is not that of {issuer}", path=path, issuer=issuer)
            )
        if isinstance(found.get("jwks_uri"), str):
            return str(found["jwks_uri"])
    raise ValueError(phrase("its metadata names no jwks_uri"))


def _keys(text: str) -> list[dict[str, Any]]:
    """The public keys for signatures, without anything else that stands in them."""
    found = json.loads(text)
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise ValueError(phrase("what is there is no JWK Set"))  # noqa: TRY004  # of what was fetched
    keys = [
        {name: value for name, value in key.items() if name in PUBLIC_FIELDS}
        for key in listed[:KEYS_MAX]
        if isinstance(key, dict) and str(key.get("kty")) in {"RSA", "EC", "OKP"}
        if key.get("use", "sig") == "sig"
    ]
    if not keys:
        raise ValueError(phrase("it has no key for signatures"))
    return keys
