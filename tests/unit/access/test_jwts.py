"""Is a token believed only if it is ours, whole, and not over? The attacks of RFC 8725."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from headgate.access.jwts import NewKey, new_key, sign, verified
from headgate.model.tokens import TOKEN_TYPE

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ISSUER = "https://apis.example.com"
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "cli_1",
    "aud": f"{ISSUER}/apis",
    "client_id": "cli_1",
    "scope": "read",
    "iat": int(AT.timestamp()),
    "exp": int(AT.timestamp()) + 60,
    "jti": "x",
}


@pytest.fixture(scope="module")
def key() -> NewKey:
    return new_key()


def _read(text: str, *keys: NewKey, now: datetime = AT) -> dict[str, Any] | None:
    public = [key.public for key in keys]
    return verified(text, public, issuer=ISSUER, audience=f"{ISSUER}/apis", now=now)


def _sign(key: NewKey, **changes: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return sign(claims, pem=key.pem, key_id=key.key_id)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_our_own_token_is_read(key: NewKey) -> None:
    text = _sign(key)
    assert _read(text, new_key(), key) == CLAIMS
    assert jwt.get_unverified_header(text) == {
        "alg": "RS256",
        "kid": key.key_id,
        "typ": "at+jwt",
    }


def test_the_public_key_has_nothing_private(key: NewKey) -> None:
    assert set(key.public) == {"kty", "n", "e", "alg", "use", "kid"}
    assert "PRIVATE" not in repr(key)


def test_a_token_ends_at_its_time(key: NewKey) -> None:
    assert _read(_sign(key, exp=int(AT.timestamp())), key) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "https://evil.example/apis"},
        {"aud": None},
        {"exp": None},
        {"jti": None},
        {"client_id": None},
        {"client_id": 7},
        {"exp": "9999999999"},
        {"nbf": 9_999_999_999},
    ],
)
def test_a_token_with_other_claims_is_not_believed(key: NewKey, changes: dict[str, Any]) -> None:
    assert _read(_sign(key, **changes), key) is None


def test_a_token_of_another_key_is_not_believed(key: NewKey) -> None:
    stranger = new_key()
    assert _read(_sign(stranger), key) is None
    forged = sign(CLAIMS, pem=stranger.pem, key_id=key.key_id)
    assert _read(forged, key) is None


def test_a_token_without_a_signature_is_not_believed(key: NewKey) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        header = {"alg": algorithm, "kid": key.key_id, "typ": TOKEN_TYPE}
        assert _read(f"{_part(header)}.{_part(CLAIMS)}.", key) is None


def test_the_public_key_is_no_secret_to_sign_with(key: NewKey) -> None:
    private = serialization.load_pem_private_key(key.pem, None)
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{_part({'alg': 'HS256', 'kid': key.key_id, 'typ': TOKEN_TYPE})}.{_part(CLAIMS)}"
    for secret in (pem, json.dumps(key.public).encode()):
        mac = hmac.digest(secret, signed.encode(), "sha256")
        text = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert _read(text, key) is None


def test_a_key_that_the_token_brings_along_is_not_used(key: NewKey) -> None:
    stranger = new_key()
    for extra in (
        {"jwk": stranger.public},
        {"jku": "https://evil.example/jwks.json", "kid": stranger.key_id},
        {"kid": "../../dev/null"},
        {"kid": None},
    ):
        headers = {"kid": key.key_id, "typ": TOKEN_TYPE} | extra
        headers = {name: value for name, value in headers.items() if value is not None}
        pem = stranger.pem.decode()
        assert _read(jwt.encode(CLAIMS, pem, algorithm="RS256", headers=headers), key) is None


def test_a_jwt_of_another_type_is_no_access_token(key: NewKey) -> None:
    for kind in ("JWT", "id+jwt", None):
        headers = {"kid": key.key_id, "typ": kind}
        text = jwt.encode(CLAIMS, key.pem.decode(), algorithm="RS256", headers=headers)
        assert _read(text, key) is None


@pytest.mark.parametrize("text", ["", "a.b.c", "eyJ", "." * 3, "x" * 9000, "é.é.é", "\0.\0.\0"])
def test_what_is_no_jwt_is_no_token(key: NewKey, text: str) -> None:
    assert _read(text, key) is None


def test_a_changed_token_is_not_believed(key: NewKey) -> None:
    header, _, signature = _sign(key).split(".")
    assert _read(f"{header}.{_part(CLAIMS | {'scope': 'admin'})}.{signature}", key) is None
