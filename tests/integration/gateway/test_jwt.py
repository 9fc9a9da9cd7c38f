"""Does a token open an API exactly when it is good, and never a forged fact?"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from headgate.access.keys import new_key
from headgate.gateway.compile import published_rows
from headgate.gateway.filter.build import build
from headgate.gateway.table import AccessTable
from headgate.model.access import (
    AccessDelta,
    APIRow,
    ApplicationRow,
    BlockKind,
    BlockRow,
    CredentialRow,
    PlanRow,
    RowState,
    SubscriptionRow,
)
from headgate.model.logline import words
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from headgate.model.tokens import client_sha256, token_block_key
from tests.support.peer import Peer
from tests.support.proxy import Answer, Proxy, api, proxy

pytestmark = pytest.mark.integration

ISSUER, OTHER = "https://login.example.com", "https://other.example.com"
KEY = new_key()
FORGED = {
    "X-Headgate-Issuer": ISSUER,
    "X-Headgate-Client": "robot",
    "X-Headgate-Client-2": "robot",
    "X-Headgate-Subject": "root",
    "X-Headgate-Jti": "x",
    "X-Headgate-Scope": "everything",
    "X-Headgate-Required-1": "blue",
    "X-Headgate-Required-2": "b",
}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
STRANGE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(key: Any, kid: str) -> dict[str, Any]:
    algorithm = jwt.algorithms.ECAlgorithm if key is EC_KEY else jwt.algorithms.RSAAlgorithm
    found: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    return found | {"kid": kid, "alg": "ES256" if key is EC_KEY else "RS256"}


def token(
    key: Any = RSA_KEY, *, kid: str = "one", without: tuple[str, ...] = (), **claims: Any
) -> str:
    """A token of the robot that is good for the API, but for what is said."""
    given = {
        "iss": ISSUER,
        "sub": "robot@example.com",
        "aud": "https://api.example.com",
        "client_id": "robot",
        "exp": int(time.time()) + 600,
        "jti": "jti-1",
    } | claims
    kept = {name: value for name, value in given.items() if name not in without}
    algorithm = "ES256" if key is EC_KEY else "RS256"
    return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, AccessTable]]:
    """Envoy with the filter; the application has a key and the client `robot` of the issuer."""
    build()
    folder: Path = tmp_path_factory.mktemp("tokens")
    with proxy(folder, has_filter=True) as gateway:
        table = AccessTable.open(gateway.node.table_path, generation="g")
        active = RowState.ACTIVE
        delta = AccessDelta(
            "g",
            0,
            9,
            is_complete=True,
            apis=(APIRow(1, 1, (1,)), APIRow(2, 2, (1,))),
            plans=(PlanRow(1, 3, "pln_000000000000", ()),),
            applications=(ApplicationRow(1, 4, "app_000000000000", "org_000000000000", active),),
            subscriptions=(SubscriptionRow(1, 5, "sub_000000000000", 1, 1, 1, active),),
            credentials=(
                CredentialRow(1, 6, "key_000000000000", 1, KEY.sha256, active),
                CredentialRow(2, 7, "cli_000000000000", 1, client_sha256(ISSUER, "robot"), active),
                CredentialRow(
                    3, 8, "cli_000000000001", 1, client_sha256(ISSUER, "old"), RowState.REVOKED
                ),
            ),
        )
        table.apply(delta)
        try:
            yield gateway, table
        finally:
            table.close()


def served(closed: tuple[Proxy, AccessTable], upstream: Peer, **settings: Any) -> Proxy:
    """API 1 takes tokens of the issuer; API 2 beside it takes none."""
    gateway, table = closed
    keys = {"keys": [jwk(RSA_KEY, "one"), jwk(EC_KEY, "two")]}
    issuer = {"issuer": ISSUER, "audiences": ["https://api.example.com"], "jwks": keys}
    use = PolicyUse("jwt", {"issuers": [issuer]} | settings)
    apis = (
        _small(api("GET /echo", port=upstream.port, policies=[use])),
        _small(api("GET /echo", row=2, base_path="/keys", port=upstream.port)),
    )
    table.publish(published_rows(Snapshot(1, "default", apis)))
    gateway.publish(*apis)
    return gateway


def _small(one: SnapshotAPI) -> SnapshotAPI:
    operations = (replace(one.operations[0], row=one.row),)
    return replace(one, operations=operations)


def call(gateway: Proxy, text: str = "", path: str = "/shop/echo", **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return gateway.call(path, headers=sent | ({"Authorization": f"Bearer {text}"} if text else {}))


@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["RS256", "ES256"])
def test_a_good_token_opens_the_api_and_the_record_knows_who_it_was(
    closed: tuple[Proxy, AccessTable], upstream: Peer, key: Any
) -> None:
    gateway = served(closed, upstream)
    answer = call(gateway, token(key, kid="two" if key is EC_KEY else "one"))
    assert answer.status == 200
    verdict, caller, _ = words(gateway.line(answer.headers["x-request-id"])["access"])
    assert verdict == "allowed"
    ids, _, subject = caller.partition(":")
    assert ids.startswith("cli_000000000000app_000000000000org_000000000000sub_000000000000")
    assert subject == "robot@example.com"
    sent = upstream.last["headers"]
    assert "authorization" not in sent
    assert not [name for name in sent if name.startswith("x-headgate-")]


def _unsigned() -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=")
    body = token().split(".")[1].encode()
    return f"{head.decode()}.{body.decode()}."


def _confused() -> str:
    """Signed with HMAC, the public key as the secret. Source: RFC 8725 §2.1."""
    from cryptography.hazmat.primitives import serialization as forms

    public = RSA_KEY.public_key().public_bytes(
        forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo
    )
    head = (
        base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one","typ":"JWT"}').rstrip(b"=").decode()
    )
    signed = f"{head}.{token().split('.')[1]}"
    mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _brings_its_key() -> str:
    """Signed by a stranger whose public key stands in the token itself. Source: RFC 7515 §4.1.3."""
    claims: dict[str, Any] = {"iss": ISSUER, "aud": "https://api.example.com"}
    claims |= {"client_id": "robot", "exp": int(time.time()) + 600}
    own = {"kid": "one", "jwk": jwk(STRANGE_KEY, "one")}
    return jwt.encode(claims, STRANGE_KEY, algorithm="RS256", headers=own)


def _critical() -> str:
    """Asks for an extension that nobody knows. Source: RFC 7515 §4.1.11."""
    claims: dict[str, Any] = {"iss": ISSUER, "aud": "https://api.example.com"}
    claims |= {"client_id": "robot", "exp": int(time.time()) + 600}
    strange = {"kid": "one", "crit": ["strange"], "strange": True}
    return jwt.encode(claims, RSA_KEY, algorithm="RS256", headers=strange)


def _tampered() -> str:
    head, body, signature = token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["client_id"] = "other"
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{changed}.{signature}"


BAD = {
    "alg none": _unsigned,
    "key confusion": _confused,
    "changed claims": _tampered,
    "signed by a stranger": lambda: token(STRANGE_KEY),
    "key of its own": _brings_its_key,
    "critical extension": _critical,
    "kid that leads elsewhere": lambda: token(STRANGE_KEY, kid="../../dev/null"),
    "expired": lambda: token(exp=int(time.time()) - 3600),
    "without an end": lambda: token(without=("exp",)),
    "not yet valid": lambda: token(nbf=int(time.time()) + 3600),
    "for another audience": lambda: token(aud="https://elsewhere.example.com"),
    "without an audience": lambda: token(without=("aud",)),
    "of another issuer": lambda: token(iss=OTHER),
    "no token": lambda: "abc",
    "half a token": lambda: token().rpartition(".")[0],
}


@pytest.mark.parametrize("how", BAD)
def test_a_token_that_is_not_good_is_refused_whatever_stands_beside_it(
    closed: tuple[Proxy, AccessTable], upstream: Peer, how: str
) -> None:
    gateway = served(closed, upstream)
    text = BAD[how]()
    for beside in ({}, FORGED, {"X-API-Key": KEY.text}):
        answer = call(gateway, text, **{k.replace("-", "_"): v for k, v in beside.items()})
        assert answer.status == 401, f"{how} beside {beside}"
        assert answer.json["type"] == "urn:headgate:problem:unknown-credential"
        assert (
            'Bearer realm="headgate", error="invalid_token"' in answer.headers["www-authenticate"]
        )
    line = gateway.line(answer.headers["x-request-id"])
    assert words(line["access"])[0] == "unknown_credential"


@pytest.mark.parametrize(("skew_seconds", "status"), [(600, 200), (0, 401)])
def test_clocks_may_be_apart_as_far_as_the_policy_says(
    closed: tuple[Proxy, AccessTable], upstream: Peer, skew_seconds: int, status: int
) -> None:
    gateway = served(closed, upstream, clock_skew_seconds=skew_seconds)
    now = int(time.time())
    assert call(gateway, token(exp=now - 200)).status == status
    assert call(gateway, token(nbf=now + 200, exp=now + 900)).status == status
    assert call(gateway, token(nbf=now - 200)).status == 200


REQUIRED = {"required_claims": {"team": "blue", "org.groups": "b"}}


@pytest.mark.parametrize(
    "claims",
    [
        {"team": "blue", "org": {"groups": "b"}},
        {"team": "red blue", "org": {"groups": ["a", "b"]}},
        {"team": ["blue"], "org": {"groups": "a b", "more": 1}},
    ],
)
def test_a_token_with_the_required_claims_passes_however_it_says_them(
    closed: tuple[Proxy, AccessTable], upstream: Peer, claims: dict[str, Any]
) -> None:
    gateway = served(closed, upstream, **REQUIRED)
    assert call(gateway, token(**claims)).status == 200
    sent = upstream.last["headers"]
    assert not [name for name in sent if name.startswith("x-headgate-")]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"team": "blue"},
        {"team": "blue", "org": {"groups": ""}},
        {"team": "blues", "org": {"groups": "b"}},
        {"team": ["red"], "org": {"groups": ["b"]}},
        {"team": "blue", "org": {"groups": ["a", "ab", {"b": "b"}]}},
        {"team": "blue", "org.groups": "b"},
    ],
)
def test_a_token_without_a_required_claim_is_no_good_token(
    closed: tuple[Proxy, AccessTable], upstream: Peer, claims: dict[str, Any]
) -> None:
    gateway = served(closed, upstream, **REQUIRED, keep_token=True, unknown_clients=True)
    for beside in ({}, FORGED, {"X-API-Key": KEY.text}):
        headers = {k.replace("-", "_"): v for k, v in beside.items()}
        answer = call(gateway, token(**claims), **headers)
        assert (answer.status, answer.json["title"]) == (401, "Token not accepted"), beside
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert call(gateway, X_API_Key=KEY.text).status == 200


def test_facts_that_a_caller_writes_count_nowhere(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    gateway = served(closed, upstream)
    forged = {k.replace("-", "_"): v for k, v in FORGED.items()}
    assert call(gateway, **forged).json["type"] == "urn:headgate:problem:no-credential"
    assert call(gateway, path="/keys/echo", **forged).status == 401
    answer = call(gateway, token(without=("client_id",)), **forged)
    assert answer.status == 401
    assert answer.json["title"] == "Unknown client"


def test_who_brings_nothing_is_asked_for_a_token_without_an_error(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    """Source: RFC 6750 §3: no error code where no authentication was tried."""
    answer = call(served(closed, upstream))
    assert answer.status == 401
    assert 'Bearer realm="headgate"' in answer.headers["www-authenticate"]
    assert "error" not in answer.headers["www-authenticate"]


def test_a_token_in_the_query_is_no_credential(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    answer = call(served(closed, upstream), path=f"/shop/echo?access_token={token()}")
    assert answer.status == 401


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_token_that_only_a_looser_reader_finds_is_refused(
    closed: tuple[Proxy, AccessTable], upstream: Peer, is_kept: bool
) -> None:
    """Envoy looks for `Bearer ` anywhere in the header; RFC 6750 §2.1 has it in front."""
    gateway = served(closed, upstream, keep_token=is_kept)
    head = token().partition(".")[0]
    for text in (f"Strange Bearer {token()}", f"bearer {head}.Bearer {token()}"):
        assert call(gateway, Authorization=text).status == 401
    assert call(gateway, Authorization=f"Bearer {token()}").status == 200


def test_the_upstream_sees_a_token_only_when_the_policy_keeps_it(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    good = token()
    assert call(served(closed, upstream), good).status == 200
    assert "authorization" not in upstream.last["headers"]
    assert call(served(closed, upstream, keep_token=True), good).status == 200
    assert upstream.last["headers"]["authorization"] == f"Bearer {good}"


@pytest.mark.parametrize(
    ("algorithms", "status"),
    [([], 200), (["RS256"], 200), (["PS256", "RS256"], 200), (["PS256"], 401), (["ES256"], 401)],
)
def test_only_the_listed_algorithms_are_taken(
    closed: tuple[Proxy, AccessTable], upstream: Peer, algorithms: list[str], status: int
) -> None:
    bare = {name: value for name, value in jwk(RSA_KEY, "one").items() if name != "alg"}
    issuer = {
        "issuer": ISSUER,
        "audiences": ["https://api.example.com"],
        "algorithms": algorithms,
        "jwks": {"keys": [bare, jwk(EC_KEY, "two")]},
    }
    gateway = served(closed, upstream, issuers=[issuer])
    assert call(gateway, token()).status == status
    assert call(gateway, token(EC_KEY, kid="two")).status == (
        200 if not algorithms or "ES256" in algorithms else 401
    )


def test_an_issuer_without_a_key_for_the_listed_algorithms_opens_nothing(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    issuer = {
        "issuer": ISSUER,
        "algorithms": ["EdDSA"],
        "jwks": {"keys": [jwk(RSA_KEY, "one")]},
    }
    gateway = served(closed, upstream, issuers=[issuer])
    assert call(gateway, token(), X_API_Key=KEY.text).status == 401
    assert call(gateway, X_API_Key=KEY.text).status == 200


def test_a_key_still_opens_the_api_and_a_token_opens_no_other(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    gateway = served(closed, upstream)
    assert call(gateway, X_API_Key=KEY.text).status == 200
    assert call(gateway, token(), path="/keys/echo").status == 401


def test_a_client_that_nobody_has_is_refused_unless_the_api_lets_it_in(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    stranger = token(client_id="stranger", jti="jti-2")
    gateway = served(closed, upstream)
    assert call(gateway, stranger).json["title"] == "Unknown client"
    assert call(gateway, token(client_id="old")).json["type"] == "urn:headgate:problem:revoked"
    gateway = served(closed, upstream, unknown_clients=True)
    answer = call(gateway, stranger)
    assert answer.status == 200
    caller = words(gateway.line(answer.headers["x-request-id"])["access"])[1]
    assert caller == "-" * 80 + ":robot@example.com"
    assert call(gateway, token(client_id="old")).status == 401
    assert call(gateway).status == 401


def test_a_revoked_token_stops_while_others_of_its_client_go_on(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    gateway = served(closed, upstream)
    _, table = closed
    assert call(gateway, token(jti="leaked")).status == 200
    ends = datetime.now(UTC) + timedelta(minutes=10)
    block = BlockRow(1, 10, BlockKind.TOKEN, token_block_key("leaked").hex(), ends)
    table.apply(AccessDelta("g", table.sequence, 10, is_complete=True, blocks=(block,)))
    answer = call(gateway, token(jti="leaked"))
    assert (answer.status, answer.json["title"]) == (401, "Token revoked")
    assert call(gateway, token(jti="other")).status == 200


def test_claims_are_told_to_the_upstream_and_the_token_only_when_asked(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    gateway = served(closed, upstream, claim_headers={"tenant": "X-Tenant"}, keep_token=True)
    assert call(gateway, token(tenant="blue"), X_Tenant="red").status == 200
    assert upstream.last["headers"]["x-tenant"] == "blue"
    assert upstream.last["headers"]["authorization"].startswith("Bearer ")
    assert call(gateway, X_API_Key=KEY.text, X_Tenant="red").status == 200
    assert "x-tenant" not in upstream.last["headers"]


def test_without_keys_of_the_issuer_no_token_passes(
    closed: tuple[Proxy, AccessTable], upstream: Peer
) -> None:
    gateway = served(closed, upstream, issuers=[{"issuer": ISSUER}])
    forged = {k.replace("-", "_"): v for k, v in FORGED.items()}
    assert call(gateway, token(), **forged).status == 401
    assert call(gateway, **forged).status == 401
    assert call(gateway, X_API_Key=KEY.text, **forged).status == 200
