"""With which keys does a gateway verify tokens? Those that came with the snapshot, put in place.

A `jwt` policy names issuers; their keys change when the issuers say so, not when somebody
publishes. So they travel beside the snapshot, and a node puts them into the policies just before
it translates: everywhere else a policy is what people wrote.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from headgate.model.tokens import TokenIssuer

KIND = "jwt"


def fill_keys(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the keys of every issuer that is known in its `jwt` policies.

    An issuer whose keys did not come stays without: its tokens are refused.
    """
    known = {one.issuer: one for one in snapshot.foreign_issuers}
    if not _uses_tokens(snapshot):
        return snapshot
    return replace(
        snapshot,
        apis=tuple(_filled_api(api, known, snapshot.issuer) for api in snapshot.apis),
        policies=_filled(snapshot.policies, known, snapshot.issuer),
    )


def _uses_tokens(snapshot: Snapshot) -> bool:
    places = [snapshot.policies]
    for api in snapshot.apis:
        places += [api.policies, *(one.policies for one in api.operations if one.policies)]
    return any(use.kind == KIND for uses in places for use in uses)


def _filled_api(
    api: SnapshotAPI, known: Mapping[str, TokenIssuer], own: TokenIssuer | None
) -> SnapshotAPI:
    return replace(
        api,
        policies=_filled(api.policies, known, own),
        operations=tuple(
            replace(one, policies=_filled(one.policies, known, own)) if one.policies else one
            for one in api.operations
        ),
    )


def _filled(
    uses: tuple[PolicyUse, ...], known: Mapping[str, TokenIssuer], own: TokenIssuer | None
) -> tuple[PolicyUse, ...]:
    return tuple(
        PolicyUse(KIND, _with_keys(use.settings, known, own)) if use.kind == KIND else use
        for use in uses
    )


def _with_keys(
    settings: dict[str, Any], known: Mapping[str, TokenIssuer], own: TokenIssuer | None
) -> dict[str, Any]:
    issuers = []
    for one in settings.get("issuers", ()):
        found = known.get(one.get("issuer", ""))
        given = one if one.get("jwks") or found is None else one | {"jwks": _keys(found)}
        issuers.append(given)
    if settings.get("own") and own is not None:
        issuers.append({"issuer": own.issuer, "audiences": [own.audience], "jwks": _keys(own)})
    return settings | {"issuers": issuers}


def _keys(issuer: TokenIssuer) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(issuer.jwks)
    return found
