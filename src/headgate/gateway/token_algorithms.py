"""Which keys of an issuer verify a token, when only some algorithms are taken?

A JSON Web Key without `alg` verifies tokens of every algorithm of its kind: one RSA key those of
six. Envoy compares a token's algorithm with a key's `alg` where the key has one, so the answer is
a key set in which every key has it.

Source: RFC 7517 §4.4, RFC 7518 §3.1, RFC 8037 §3.1, RFC 8725 §3.1.
"""

from collections.abc import Iterable
from typing import Any, Literal

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]

_OF_KIND: dict[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
_OF_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


def limited(jwks: dict[str, Any], algorithms: Iterable[str]) -> dict[str, Any]:
    """The key set with each key once for each of `algorithms` that it is for.

    A key that is for none of them is left out, so the set may be empty. No algorithms: the set as
    it is.
    """
    taken = tuple(algorithms)
    if not taken:
        return jwks
    keys = [
        key | {"alg": algorithm}
        for key in jwks.get("keys", ())
        for algorithm in _possible(key)
        if algorithm in taken
    ]
    return jwks | {"keys": keys}


def _possible(key: dict[str, Any]) -> tuple[str, ...]:
    """The algorithms of tokens that the key can verify."""
    of_kind = _OF_KIND.get(str(key.get("kty")), ())
    if key.get("kty") == "EC":
        of_curve = _OF_CURVE.get(str(key.get("crv")))
        of_kind = (of_curve,) if of_curve else ()
    own = key.get("alg")
    return of_kind if not own else tuple(one for one in of_kind if one == own)
