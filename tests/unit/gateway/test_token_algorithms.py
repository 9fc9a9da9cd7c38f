"""Do an issuer's keys verify the listed algorithms and no other?"""

from typing import Any

from headgate.gateway.token_algorithms import limited

RSA: dict[str, Any] = {"kty": "RSA", "kid": "r", "n": "x", "e": "AQAB"}
EC: dict[str, Any] = {"kty": "EC", "kid": "e", "crv": "P-384", "x": "x", "y": "y"}
OKP: dict[str, Any] = {"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "x"}


def _left(*algorithms: str, keys: tuple[dict[str, Any], ...] = (RSA, EC, OKP)) -> list[str]:
    found = limited({"keys": list(keys)}, algorithms)["keys"]
    return [f"{key['kid']} {key['alg']}" for key in found]


def test_without_a_list_the_keys_stay_as_the_issuer_has_them() -> None:
    given = {"keys": [RSA, EC], "more": 1}
    assert limited(given, ()) is given


def test_a_key_stands_once_for_each_listed_algorithm_of_its_kind() -> None:
    assert _left("PS256", "RS256", "ES256", "ES384") == ["r RS256", "r PS256", "e ES384"]
    assert _left("EdDSA") == ["o EdDSA"]
    assert limited({"keys": [RSA]}, ("RS256",))["keys"] == [RSA | {"alg": "RS256"}]


def test_a_key_for_one_algorithm_serves_no_other() -> None:
    assert _left("RS256", keys=(RSA | {"alg": "PS256"},)) == []
    assert _left("RS256", "PS256", keys=(RSA | {"alg": "PS256"},)) == ["r PS256"]
    assert _left("RS256", keys=(RSA | {"alg": "RSA-OAEP"},)) == []


def test_a_curve_or_kind_that_nobody_knows_verifies_nothing() -> None:
    assert _left("ES256", "ES384", "ES512", keys=(EC | {"crv": "secp256k1"},)) == []
    assert _left("RS256", keys=({"kty": "oct", "kid": "s", "k": "x"},)) == []
    assert _left("ES256", keys=(EC | {"crv": ["P-256"]},)) == []
    assert _left("RS256", keys=(RSA | {"kty": ["RSA"]}, RSA | {"alg": ["RS256"]})) == []
